"""Several codes where the classification has one, and symptoms beside their disease."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.excludes import exclude_each_other
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend
from knowledge.rules.policy_changes import (
    Joining,
    integral_disease,
    joinings,
    mend_of_joining,
)

# Sections by which the link is taken for granted unless the record denies it.
_PRESUMED = frozenset({"I.A.15", "I.C.4.a", "I.C.9.a", "I.C.9.b"})


def combination_code(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find the parts of a combination code reported side by side.

    Two codes that exclude each other are left to the rule on Excludes1, which has the same mend.
    """
    for joining in joinings(case):
        if len(joining.codes) == 2 and exclude_each_other(case, joining.codes):
            continue
        presumed = any(combination.citation in _PRESUMED for combination in joining.rules)
        severity: Severity = "error" if presumed else rule.severity
        card = rule.model_copy(update={"citation": _citation(joining)})
        yield card.finding(
            joining.codes,
            _message(joining, presumed=presumed),
            severity=severity,
            mend=mend_of_joining(case, joining),
        )


def integral_symptom(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find symptoms beside a disease that they routinely belong to.

    What an Excludes1 note or a combination code already decides is left to those rules.
    """
    settled = settled_by_combination(case)
    for symptom in case.codes:
        found = integral_disease(case, symptom) if symptom not in settled else None
        if found is None:
            continue
        disease, entry = found
        if exclude_each_other(case, (symptom, disease)):
            continue
        message = (
            f"{symptom} ({case.system.get(symptom).title}) belongs to {disease} "
            f"({case.system.get(disease).title}): {entry.why}. It stays only if the record gives "
            "it another cause or leaves the cause open."
        )
        yield rule.finding([symptom, disease], message, mend=Mend(remove=[symptom]))


def settled_by_combination(case: Case) -> set[str]:
    """Return the codes that give way to a combination code."""
    return {code for joining in joinings(case) for code in joining.removed}


def _message(joining: Joining, *, presumed: bool) -> str:
    reasons = "; ".join(dict.fromkeys(combination.message for combination in joining.rules))
    message = f"{' and '.join(joining.codes)} are reported side by side. {reasons}."
    if presumed:
        message += " Codes cannot tell whether the record calls the conditions unrelated."
    return message


def _citation(joining: Joining) -> str:
    sections = dict.fromkeys(combination.citation for combination in joining.rules)
    return f"ICD-10-CM Guidelines {' and '.join(sections)}"
