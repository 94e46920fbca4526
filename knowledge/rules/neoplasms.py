"""Malignancies: primary and secondary, current and past, their treatment (I.C.2)."""

from collections.abc import Iterator

from knowledge.notes import CodeRef, any_matches, parse_references
from knowledge.policy_data import load_policy
from knowledge.rules.context import Case
from knowledge.rules.excludes import exclude_each_other
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend

_SITED = CodeRef("C00", "C76")
_LYMPHOID = CodeRef("C81", "C96")
_CARCINOID_METASTASIS = CodeRef("C7B", "C7B")  # stands within C00-C76 in the tabular list
_SECONDARY = parse_references("(C77-C79, C7B)")
_NEOPLASM = CodeRef("C00", "D49")
_HISTORY = CodeRef("Z85", "Z85")
_DISSEMINATED, _UNKNOWN_PRIMARY = "C80.0", "C80.1"
# Organs that a person has once: a second tumor there is seldom another primary.
_SINGLE_ORGANS = ("C15", "C16", "C25", "C32", "C53", "C54", "C55", "C61", "C67", "C73")
_TREATMENTS = {
    "Z51.0": "radiation therapy",
    "Z51.11": "chemotherapy",
    "Z51.12": "immunotherapy",
}
_CHEMOTHERAPY_ANEMIA = "D64.81"
_CHEMOTHERAPY_EFFECT = CodeRef("T45.1", "T45.1", (5, 6), ("5",))
_NEOPLASMS_CHAPTER = "2"


def secondary_without_primary(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find metastases without a primary, current, unknown or past."""
    known = (_UNKNOWN_PRIMARY, _DISSEMINATED)
    if any(_is_primary(c) or c in known or _HISTORY.matches(c) for c in case.codes):
        return
    secondary = [code for code in case.codes if any_matches(_SECONDARY, code)]
    if secondary:
        message = f"{' and '.join(secondary)}: the primary that it comes from is not reported."
        fix = "add the primary, Z85.- if it is gone, or C80.1 if it is unknown"
        yield rule.finding(secondary, message, fix=fix)


def primary_and_history(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a current malignancy beside the history of one of the same site."""
    policy = load_policy()
    for code in case.codes:
        history = policy.past(code).code if _SITED.matches(code) else None
        if history is None or history not in case.codes:
            continue
        if exclude_each_other(case, (code, history)):
            continue
        severity: Severity = rule.severity if code.startswith(_SINGLE_ORGANS) else "info"
        message = (
            f"{history} says that the malignancy of this site is gone, {code} that it is present. "
            "Both stand only if it is a new primary."
        )
        fix = f"drop {history} while the disease is present or treated, {code} once it is gone"
        yield rule.finding([code, history], message, severity=severity, fix=fix)


def unspecified_malignancy(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a malignancy of unknown primary or site beside known ones."""
    primaries = [code for code in case.codes if _SITED.matches(code) and _is_primary(code)]
    sites = primaries + [code for code in case.codes if any_matches(_SECONDARY, code)]
    for vague, known, what in (
        (_UNKNOWN_PRIMARY, primaries, "the primary is known"),
        (_DISSEMINATED, sites, "sites are known"),
    ):
        if vague in case.codes and known:
            message = (
                f"{vague} ({case.system.get(vague).title}) beside {' and '.join(known)}: it is not "
                f"used where {what}."
            )
            yield rule.finding([vague, *known], message, mend=Mend(remove=[vague]))


def antineoplastic_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an encounter for antineoplastic therapy that is not the principal diagnosis."""
    treatments = [code for code in case.codes if code in _TREATMENTS]
    for first in case.principals if treatments else ():
        chapter = case.system.get(first).chapter
        if first in _TREATMENTS or chapter == "15":
            continue
        message = (
            f"{' and '.join(treatments)} tells that the encounter is for "
            f"{' and '.join(_TREATMENTS[code] for code in treatments)} and then goes first, before "
            f"{first}. Where the therapy is only part of the encounter it is not reported."
        )
        mend = Mend(before=(treatments[0], first)) if chapter == _NEOPLASMS_CHAPTER else None
        fix = f"put {treatments[0]} first if the encounter was for it, else drop it"
        yield rule.finding([*treatments, first], message, fix=None if mend else fix, mend=mend)


def antineoplastic_neoplasm(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find antineoplastic therapy without the neoplasm that is treated."""
    treatments = [code for code in case.codes if code in _TREATMENTS]
    if treatments and not any(_NEOPLASM.matches(code) for code in case.codes):
        message = (
            f"{' and '.join(treatments)}: the neoplasm that is treated is not reported; it counts "
            "as current as long as treatment is directed at it."
        )
        yield rule.finding(treatments, message, fix="add the neoplasm as second diagnosis")


def chemotherapy_anemia(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find anemia due to chemotherapy without the neoplasm or the adverse effect."""
    if _CHEMOTHERAPY_ANEMIA not in case.codes:
        return
    missing = []
    if not any(_NEOPLASM.matches(code) for code in case.codes):
        missing.append("the neoplasm")
    if not any(_CHEMOTHERAPY_EFFECT.matches(code) for code in case.codes):
        missing.append("the adverse effect of the drug (T45.1X5-)")
    if missing:
        message = f"{_CHEMOTHERAPY_ANEMIA} is reported without {' and '.join(missing)}."
        yield rule.finding([_CHEMOTHERAPY_ANEMIA], message, fix=f"add {' and '.join(missing)}")


def _is_primary(code: str) -> bool:
    sited = _SITED.matches(code) and not _CARCINOID_METASTASIS.matches(code)
    return sited or _LYMPHOID.matches(code)
