"""Codes that do not fit the patient's sex or age, and those of pregnancy."""

from collections.abc import Iterator

from knowledge.notes import CodeRef, parse_references
from knowledge.rules.context import Case, Sex
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

# Conditions of organs that one sex has; breast (C50, N60-N65) and unspecified ones are not among
# them. Chapters and blocks of the tabular list.
_OF_SEX: dict[Sex, tuple[CodeRef, ...]] = {
    "F": tuple(parse_references("(C51-C58, D25-D28, N70-N77, N80-N98, O00-O9A, Z34, Z3A, Z37)")),
    "M": tuple(parse_references("(C60-C63, D29, N40-N51, N53)")),
}
_SEX_NAMES: dict[Sex, str] = {"F": "female", "M": "male"}
_PREGNANCY = CodeRef("O00", "O9A")
_ABORTIVE_OUTCOME = CodeRef("O00", "O08")
_WEEKS = CodeRef("Z3A", "Z3A")
_PREGNANT_AGES = (9, 64)  # years, both inclusive, as the Medicare Code Editor has them
_BIRTH = CodeRef("Z38", "Z38")
_PERINATAL = CodeRef("P00", "P96")
_FACTORS = "21"


def sex_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of organs, or of pregnancy, that the recorded sex does not have."""
    recorded = case.context.sex
    for sex, ranges in _OF_SEX.items():
        if recorded is None or sex == recorded:
            continue
        for code in case.codes:
            if any(reference.matches(code) for reference in ranges):
                message = (
                    f"{code} ({case.system.get(code).title}) is a code of {_SEX_NAMES[sex]} "
                    f"patients; the recorded sex is {_SEX_NAMES[recorded]}."
                )
                yield rule.finding([code], message)


def age_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of birth, the perinatal period and pregnancy outside their age."""
    age = case.context.age
    if age is None:
        return
    low, high = _PREGNANT_AGES
    for code in case.codes:
        if _BIRTH.matches(code) and age >= 1:
            message = f"{code} is for the record of the birth; the patient is {age:g} years old."
            yield rule.finding([code], message, severity="error")
        elif _PERINATAL.matches(code) and age >= 1:
            message = (
                f"{code} is of the perinatal period; it stays right at {age:g} years only if the "
                "condition began then and is still present."
            )
            yield rule.finding([code], message, severity="info")
        elif _PREGNANCY.matches(code) and not low <= age <= high:
            message = f"{code} is a code of pregnancy; the patient is {age:g} years old."
            yield rule.finding([code], message)


def pregnancy_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a principal diagnosis of another chapter beside codes of pregnancy."""
    of_pregnancy = [code for code in case.codes if _PREGNANCY.matches(code)]
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
        and any(word in case.system.get(code).title for word in ("trimester", "pregnancy"))
    ]
    if pregnant:
        message = f"{' and '.join(pregnant)}: the week of the pregnancy is not reported."
        yield rule.finding(pregnant, message, fix="add a code of Z3A.- if the week is known")
