"""Diseases in pregnancy: their chapter 15 code, diabetes, the fetus that a code means."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend
from knowledge.rules.obstetrics import carried

_GESTATIONAL = "O24.4"
_ANTIDIABETICS = ("Z79.4", "Z79.84")
_DIABETES = ("E08", "E09", "E10", "E11", "E13")


def chapter_15_code_missing(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a disease beside codes of pregnancy that lacks its own code of pregnancy."""
    of_pregnancy = carried(case)
    for group in rule.groups if of_pregnancy else ():
        codes = [code for code in case.codes if group.covers(code) and not _over(case, code)]
        if codes and not any(group.wants(code) for code in of_pregnancy):
            message = f"{' and '.join(codes)} in pregnancy: {group.why}."
            fix = f"add a code of {' or '.join(group.wanted)}"
            yield rule.finding(codes, message, group=group, fix=fix)


def gestational_diabetes_drugs(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of antidiabetic drugs beside gestational diabetes, whose codes tell the drug."""
    diabetes = case.starting(_GESTATIONAL)
    for drug in case.starting(*_ANTIDIABETICS) if diabetes else ():
        message = f"{drug} is not reported with {diabetes[0]}, which tells how it is controlled."
        yield rule.finding([drug, *diabetes], message, mend=Mend(remove=[drug]))


def gestational_diabetes_diet(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find diet beside insulin or oral drugs as the control of gestational diabetes."""
    for diet in case.starting("O24.410", "O24.420", "O24.430"):
        drugs = case.starting(f"{diet[:-1]}4", f"{diet[:-1]}5")
        if drugs:
            message = f"{diet} (diet) beside {' and '.join(drugs)}: only the drug is coded."
            yield rule.finding([diet, *drugs], message, mend=Mend(remove=[diet]))


def diabetes_in_pregnancy_type(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a diabetes in pregnancy whose detail is of another type."""
    detail = case.starting(*_DIABETES)
    for code in case.starting("O24") if detail else ():
        group = rule.group(code)
        if group and not any(group.wants(other) for other in detail):
            message = f"{code} and {' and '.join(detail)} do not go together: {group.why}."
            fix = "keep the type that the record supports"
            yield rule.finding([code, *detail], message, group=group, fix=fix)


def fetus_of_several(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a 7th character that numbers a fetus without a code of multiple gestation."""
    if case.starting("O30"):
        return
    for code in case.starting("O"):
        meaning = case.system.get(code).seventh or ""
        if "fetus" in meaning:
            message = f"{code} means {meaning} of several, but no code of O30 is reported."
            fix = "add a code of O30.-, or use the 7th character 0"
            yield rule.finding([code], message, fix=fix)


def _over(case: Case, code: str) -> bool:
    """Tell whether the use of a substance is past."""
    return "in remission" in case.system.get(code).title
