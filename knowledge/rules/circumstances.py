"""What date and setting of the encounter forbid."""

from collections.abc import Iterator
from datetime import date

from knowledge.releases import ICD10CM_BEGINS, release_due, release_of
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard


def not_valid_on_date(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an encounter that is not coded with the release at hand."""
    day = case.context.date
    if day is None or not case.codes:
        return
    if day < ICD10CM_BEGINS:
        message = (
            f"An encounter of {day} is coded with ICD-9-CM; ICD-10-CM is in use since "
            f"{ICD10CM_BEGINS}."
        )
        fix = "icd-agent map CODE --to icd9cm"
        yield rule.finding(case.codes, message, severity="error", fix=fix)
        return
    at_hand = release_of(date.fromisoformat(case.system.release))
    if not at_hand.valid_on(day):
        message = (
            f"The codes are judged by the release of {at_hand.start}, in force until "
            f"{at_hand.end}; whether they are valid on {day} it cannot tell."
        )
        fix = (
            f"adopt the release of {release_due(day).start} (icd-agent index build --cdc DIR --out "
            "FOLDER) and check with --index FOLDER"
        )
        yield rule.finding(case.codes, message, fix=fix)


def admitting_outpatient(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an admitting diagnosis of an outpatient."""
    if case.context.setting != "outpatient":
        return
    for item in case.items:
        if item.role == "admitting":
            message = f"{item.code} is given as admitting diagnosis, but an outpatient has none."
            fix = "give the reason for the visit in its own field, or the setting as inpatient"
            yield rule.finding([item.code], message, fix=fix)
