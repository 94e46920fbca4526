"""The record of a newborn: apart from the mother's, the birth first, weight before weeks."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_BIRTH = "Z38"
_MATERNAL = ("O", "Z33", "Z34", "Z37", "Z39", "Z3A")
_STILLBIRTH = "P95"  # Excludes1 of Z37
_WEIGHT, _GESTATION = ("P07.0", "P07.1"), ("P07.2", "P07.3")


def mother_and_newborn(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of a mother and of a newborn on one record."""
    maternal = case.starting(*_MATERNAL)
    newborn = [code for code in case.starting("P", _BIRTH) if code != _STILLBIRTH]
    if maternal and newborn:
        message = (
            f"{', '.join(maternal)}: for a mother's record only; {', '.join(newborn)}: for that of "
            "a newborn."
        )
        fix = "keep the codes of the patient whose record it is"
        yield rule.finding([*maternal, *newborn], message, fix=fix)


def birth_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find the code of birth as secondary diagnosis."""
    if case.starting(*_MATERNAL) or any(first.startswith(_BIRTH) for first in case.principals):
        return
    if case.context.age is not None and case.context.age >= 1:  # age_conflict speaks
        return
    for first in case.principals:
        for birth in case.starting(_BIRTH):
            message = (
                f"{birth} is the principal diagnosis of the record of the birth and on no other; "
                f"{first} goes after it."
            )
            yield rule.finding([birth, first], message, mend=Mend(before=(birth, first)))


def birth_weight_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find weeks of gestation before the birth weight."""
    weights = case.starting(*_WEIGHT)
    for week in case.starting(*_GESTATION):
        later = [code for code in weights if case.ranks[code] > case.ranks[week]]
        if later:
            message = f"{week} (weeks) stands before {later[0]} (weight), which goes first."
            yield rule.finding([later[0], week], message, mend=Mend(before=(later[0], week)))
