"""A result as a FHIR R4 Bundle: conditions, the encounter that ranks them, and their provenance.

Only what the result says is exported; what FHIR requires and the result does not know is said to
be unknown. `docs/interop.md` documents the mapping. The resource types and elements used here are
the same in R4 (4.0.1) and R4B (4.3.0).
"""

import hashlib
import importlib.metadata
import re
import uuid
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from agent.export.fhir_condition import DEFAULT_BASE, condition, family_history, is_of_a_relative
from agent.export.fhir_values import codeable, fhir_string, without_empty
from agent.result import AssignedCode, Result, Role, Sex
from knowledge.errors import UserError
from knowledge.rules import Finding

Resource: TypeAlias = dict[str, Any]

_ICD10CM: Final = "ICD-10-CM"
_GENDER: dict[Sex | None, str] = {"M": "male", "F": "female", None: "unknown"}
_CLASS = {"inpatient": ("IMP", "inpatient encounter"), "outpatient": ("AMB", "ambulatory")}
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DIAGNOSIS_TYPE = "http://terminology.hl7.org/CodeSystem/ex-diagnosistype"
_DIAGNOSIS_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_PARTICIPANT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_USE: dict[Role, Resource] = {
    "principal": codeable(_DIAGNOSIS_TYPE, "principal", "Principal Diagnosis"),
    "admitting": codeable(_DIAGNOSIS_ROLE, "AD", "Admission diagnosis"),
    # No code system of R4 has it: a secondary diagnosis may be a comorbidity, a complication or
    # the external cause.
    "secondary": {"text": "secondary diagnosis"},
}
_SEVERITY = {"error": "error", "warning": "warning", "info": "information"}
_LITERAL = re.compile(r"Patient/[A-Za-z0-9\-.]{1,64}")


class FhirOptions(NamedTuple):
    """What the user says beside the result.

    Attributes:
        patient: ``Patient/ID`` of a server, ``SYSTEM|VALUE`` or ``VALUE`` of an identifier; None
            puts an anonymous patient into each bundle.
        extension_base: Beginning of the addresses of extensions.
    """

    patient: str | None = None
    extension_base: str = DEFAULT_BASE


def bundle(result: Result, recorded: datetime, options: FhirOptions | None = None) -> Resource:
    """Return the bundle of one result, as JSON-ready dictionaries.

    The addresses of its resources follow from the result alone: the same result has the same.

    Args:
        result: A result that `agent.export.results` has read and that did not fail.
        recorded: Now, with a time zone.
        options: What the user says beside the result.

    Raises:
        UserError: The codes are of a system other than ICD-10-CM, or the patient or base of
            extensions cannot be used.
    """
    if result.code_system != _ICD10CM:
        raise UserError(
            f"results in {result.code_system} cannot be exported, only those in {_ICD10CM}"
        )
    return _Builder(result, options or FhirOptions()).bundle(recorded.isoformat("T", "seconds"))


def check_options(options: FhirOptions) -> None:
    """See that options can be used, before the first result is read.

    Raises:
        UserError: The patient is empty, or the base of extensions is no web address.
    """
    if options.patient is not None:
        _patient_reference(options.patient)
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", options.extension_base):
        raise UserError(
            f"--extension-base is {options.extension_base!r}, not a web address",
            fix="--extension-base https://HOST/fhir/StructureDefinition",
        )


class _Builder:
    """Builds the resources of one result, which refer to one another."""

    def __init__(self, result: Result, options: FhirOptions) -> None:
        self._result = result
        self._base = options.extension_base.rstrip("/")
        self._digest = hashlib.sha256(result.model_dump_json().encode()).hexdigest()
        self._patient = options.patient
        self._note = _note_reference(result.id)

    def bundle(self, recorded: str) -> Resource:
        resources = self._resources(recorded)
        identifier = fhir_string(self._result.id)
        return without_empty(
            {
                "resourceType": "Bundle",
                "identifier": {"value": identifier} if identifier else None,
                "type": "collection",
                "timestamp": recorded,
                "entry": [{"fullUrl": url, "resource": made} for url, made in resources.items()],
            }
        )

    def _resources(self, recorded: str) -> dict[str, Resource]:
        """Return the resources by address, in the order of the bundle."""
        made: dict[str, Resource] = {}
        if self._patient is None:
            gender = _GENDER[self._result.context.sex]
            made[self._url("patient")] = {"resourceType": "Patient", "gender": gender}
        made[self._url("encounter")] = self._encounter()
        for place, assigned in enumerate(self._result.codes):
            made[self._url(f"code-{place}")] = self._condition(assigned)
        targets = [{"reference": url} for url in made if url != self._url("patient")]
        made[self._url("device")] = self._device()
        made[self._url("provenance")] = self._provenance(targets, recorded)
        if self._result.findings:
            made[self._url("findings")] = {
                "resourceType": "OperationOutcome",
                "issue": [_issue(finding) for finding in self._result.findings],
            }
        return made

    def _url(self, part: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:icd-agent:{self._digest}:{part}").urn

    def _reference(self, part: str) -> Resource:
        return {"reference": self._url(part)}

    @property
    def _subject(self) -> Resource:
        return _patient_reference(self._patient) if self._patient else self._reference("patient")

    def _encounter(self) -> Resource:
        context = self._result.context
        code, display = _CLASS[context.setting]
        date = context.date
        # The date of a hospital stay is that of discharge.
        start = date if context.setting == "outpatient" else None
        return without_empty(
            {
                "resourceType": "Encounter",
                "status": "unknown",
                "class": {"system": _ACT_CODE, "code": code, "display": display},
                "subject": self._subject,
                "period": {"start": start, "end": date},
                "diagnosis": [
                    {
                        "condition": self._reference(f"code-{place}"),
                        "use": _USE[assigned.role],
                        "rank": place + 1,
                    }
                    for place, assigned in enumerate(self._result.codes)
                    if not is_of_a_relative(assigned)
                ],
            }
        )

    def _condition(self, assigned: AssignedCode) -> Resource:
        release = self._result.release
        if is_of_a_relative(assigned):
            return family_history(assigned, release, self._subject, self._note, self._base)
        encounter = self._reference("encounter")
        return condition(assigned, release, self._subject, encounter, self._note, self._base)

    def _device(self) -> Resource:
        result = self._result
        release = fhir_string(result.release)
        version = importlib.metadata.version("icd-agent")
        return {
            "resourceType": "Device",
            "deviceName": [{"name": "icd-agent", "type": "model-name"}],
            "version": [
                {"type": {"text": "exported by icd-agent"}, "value": version},
                *(
                    [{"type": {"text": "release of ICD-10-CM"}, "value": release}]
                    if release
                    else []
                ),
            ],
            "property": [
                {"type": {"text": name}, "valueCode": [{"text": text}]}
                for name, text in (
                    ("coding policy", result.policy),
                    ("LLM", fhir_string(result.usage.llm)),
                )
                if text
            ],
        }

    def _provenance(self, targets: list[Resource], recorded: str) -> Resource:
        return {
            "resourceType": "Provenance",
            "target": targets,
            "recorded": recorded,
            "activity": {"text": "automatic assignment of diagnosis codes to a clinical note"},
            "agent": [
                {
                    "type": codeable(_PARTICIPANT_TYPE, "assembler", "Assembler"),
                    "who": {**self._reference("device"), "display": "icd-agent"},
                }
            ],
            "entity": [{"role": "source", "what": self._note}],
        }


def _note_reference(note_id: str) -> Resource:
    """Refer to the note by its id: the bundle does not hold it."""
    value = fhir_string(note_id)
    return without_empty(
        {
            "type": "DocumentReference",
            "identifier": {"value": value} if value else None,
            "display": "the clinical note",
        }
    )


def _patient_reference(patient: str) -> Resource:
    if _LITERAL.fullmatch(patient):
        return {"reference": patient}
    system, bar, raw = patient.rpartition("|")
    value = fhir_string(raw)
    unusable = not value or value.startswith("Patient/")
    if unusable or (bar and not re.fullmatch(r"\w[\w+.\-]*:\S+", system)):
        raise UserError(
            f"--patient is {patient!r}, which names no patient",
            fix="--patient Patient/ID, --patient VALUE or --patient https://HOST/SYSTEM|VALUE",
        )
    identifier = {"system": system, "value": value}
    return without_empty({"type": "Patient", "identifier": identifier})


def _issue(finding: Finding) -> Resource:
    about = f"{finding.rule} ({', '.join(finding.codes)}): {finding.citation}"
    return without_empty(
        {
            "severity": _SEVERITY[finding.severity],
            "code": "business-rule",
            "details": {"text": fhir_string(finding.message)},
            "diagnostics": fhir_string(about),
        }
    )
