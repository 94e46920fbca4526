"""Codes that do not fit the patient's sex or age, and those of pregnancy."""

from collections.abc import Iterator

from knowledge.notes import CodeRef
from knowledge.rules.context import Case, Sex
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_SEX_NAMES: dict[Sex, str] = {"F": "female", "M": "male"}
_PREGNANCY = CodeRef("O00", "O9A")
_ABORTIVE_OUTCOME = CodeRef("O00", "O08")
_SEQUELAE = "O94"  # after what the complication has left (I.C.15.p)
_WEEKS = CodeRef("Z3A", "Z3A")
_FACTORS = "21"


def sex_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of organs, or of pregnancy, that the recorded sex does not have."""
    recorded = case.context.sex
    if recorded is None:
        return
    for code in case.codes:
        group = rule.group(code)
        if group and group.sex and group.sex != recorded:
            message = (
                f"{code} ({case.system.get(code).title}) is a code of {_SEX_NAMES[group.sex]} "
                f"patients; the recorded sex is {_SEX_NAMES[recorded]}."
            )
            yield rule.finding([code], message, group=group)


def age_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes that do not fit the age: of birth, pregnancy, childhood, adult life."""
    age = case.context.age
    if age is None:
        return
    for code in case.codes:
        group = rule.group(code)
        if group and not group.admits(age):
            message = (
                f"{code} ({case.system.get(code).title}): {group.why}; "
                f"the patient is {age:g} years old."
            )
            yield rule.finding([code], message, group=group)


def pregnancy_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a principal diagnosis of another chapter beside codes of pregnancy."""
    of_pregnancy = [c for c in case.codes if _PREGNANCY.matches(c) and c != _SEQUELAE]
    for first in case.principals if of_pregnancy else ():
        if not _PREGNANCY.matches(first) and case.system.get(first).chapter != _FACTORS:
            message = (
                f"{first} is the principal diagnosis, but codes of chapter 15 "
                f"({', '.join(of_pregnancy)}) go before those of other chapters."
            )
            mend = Mend(before=(of_pregnancy[0], first))
            yield rule.finding([first, *of_pregnancy], message, mend=mend)


def pregnancy_weeks(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of an ongoing pregnancy without a code for its week."""
    if any(_WEEKS.matches(code) for code in case.codes):
        return
    pregnant = [
        code
        for code in case.codes
        if _PREGNANCY.matches(code)
        and not _ABORTIVE_OUTCOME.matches(code)
        and code != _SEQUELAE
        and any(word in case.system.get(code).title for word in ("trimester", "pregnancy"))
    ]
    if pregnant:
        message = f"{' and '.join(pregnant)}: the week of the pregnancy is not reported."
        yield rule.finding(pregnant, message, fix="add a code of Z3A.- if the week is known")
