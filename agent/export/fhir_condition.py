"""An assigned code as a FHIR Condition, or as the family history that it is.

What a note asserts decides the status. A code of chapter 21 that names a history is itself a fact
about the patient now, whatever became of the condition; a code that stays under "history of" may
be a chronic condition, so no clinical status is claimed for it.
"""

from typing import Any, Final

from agent.export.fhir_values import codeable, fhir_string, without_empty
from agent.result import AssignedCode, Evidence
from knowledge.assertion import Assertion

# The project owns no domain: a reserved name, which resolves nowhere.
DEFAULT_BASE: Final = "https://icd-agent.example/fhir/StructureDefinition"
DERIVATION: Final = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
SYSTEM: Final = "http://hl7.org/fhir/sid/icd-10-cm"

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_CONFIRMED = codeable(_VERIFICATION, "confirmed", "Confirmed")
_UNCONFIRMED = codeable(_VERIFICATION, "unconfirmed", "Unconfirmed")
_VERIFIED: dict[Assertion, dict[str, Any]] = {
    "present": _CONFIRMED,
    "historical": _CONFIRMED,
    "family": _CONFIRMED,
    "possible": _UNCONFIRMED,
    "hypothetical": _UNCONFIRMED,
    "absent": codeable(_VERIFICATION, "refuted", "Refuted"),
}
_ACTIVE: frozenset[Assertion] = frozenset({"present", "possible"})
_ACTIVE_IN_CHAPTER_21: frozenset[Assertion] = _ACTIVE | {"historical", "family"}


def is_of_a_relative(assigned: AssignedCode) -> bool:
    """Tell whether a code names a condition that a relative has, and the patient has not."""
    return assigned.assertion == "family" and not _is_of_chapter_21(assigned)


def condition(
    assigned: AssignedCode,
    release: str,
    subject: dict[str, Any],
    encounter: dict[str, Any],
    note: dict[str, Any],
    base: str,
) -> dict[str, Any]:
    """Return the Condition of a code.

    Args:
        assigned: The code.
        release: Release of ICD-10-CM.
        subject: Reference to the patient.
        encounter: Reference to the encounter.
        note: Reference to the note.
        base: Beginning of the addresses of extensions.
    """
    active = _ACTIVE_IN_CHAPTER_21 if _is_of_chapter_21(assigned) else _ACTIVE
    is_active = assigned.assertion in active
    return without_empty(
        {
            "resourceType": "Condition",
            "extension": _extensions(assigned, base),
            "clinicalStatus": codeable(_CLINICAL, "active", "Active") if is_active else None,
            "verificationStatus": _VERIFIED[assigned.assertion],
            "category": [codeable(_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")],
            "code": _concept(assigned, release),
            "subject": subject,
            "encounter": encounter,
            "evidence": [_evidence(e, note, base) for e in assigned.evidence],
        }
    )


def family_history(
    assigned: AssignedCode,
    release: str,
    subject: dict[str, Any],
    note: dict[str, Any],
    base: str,
) -> dict[str, Any]:
    """Return the FamilyMemberHistory of a code that a relative's condition got.

    Arguments are those of `condition`. Which relative is not known.
    """
    return without_empty(
        {
            "resourceType": "FamilyMemberHistory",
            "extension": [
                *_extensions(assigned, base),
                *(_derivation(e, note) for e in assigned.evidence),
            ],
            "status": "partial",
            "patient": subject,
            "relationship": codeable(_ROLE_CODE, "FAMMEMB", "family member"),
            "condition": [{"code": _concept(assigned, release)}],
        }
    )


def _is_of_chapter_21(assigned: AssignedCode) -> bool:
    return assigned.code.startswith("Z")


def _concept(assigned: AssignedCode, release: str) -> dict[str, Any]:
    coding = {
        "system": SYSTEM,
        "version": fhir_string(release),
        "code": assigned.code,
        "display": fhir_string(assigned.description),
    }
    return {"coding": [without_empty(coding)]}


def _extensions(assigned: AssignedCode, base: str) -> list[dict[str, Any]]:
    reason = fhir_string(assigned.reason)
    sections = [fhir_string(section) for section in assigned.guidelines]
    return [
        {"url": f"{base}/confidence", "valueDecimal": assigned.confidence},
        {"url": f"{base}/assertion", "valueCode": assigned.assertion},
        *([{"url": f"{base}/reason", "valueString": reason}] if reason else []),
        *({"url": f"{base}/guideline", "valueString": text} for text in sections if text),
    ]


def _evidence(evidence: Evidence, note: dict[str, Any], base: str) -> dict[str, Any]:
    text, section = fhir_string(evidence.text), fhir_string(evidence.section)
    sections = [{"url": f"{base}/section", "valueString": section}] if section else []
    return without_empty(
        {
            "extension": [_derivation(evidence, note), *sections],
            "code": [{"text": text}] if text else None,
            "detail": [note],
        }
    )


def _derivation(evidence: Evidence, note: dict[str, Any]) -> dict[str, Any]:
    """Return HL7's extension for the portion of a text from which an element was derived."""
    return {
        "url": DERIVATION,
        "extension": [
            {"url": "reference", "valueReference": note},
            {"url": "offset", "valueInteger": evidence.start},
            {"url": "length", "valueInteger": evidence.end - evidence.start},
        ],
    }
