"""Codes that are only ever, or never, the principal or first-listed diagnosis; vague Z codes."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard


def first_listed_only(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find reasons for an encounter that are reported as secondary diagnoses."""
    if not case.principals or any(rule.group(first) for first in case.principals):
        return
    for code in case.codes:
        group = rule.group(code)
        if group:
            message = (
                f"{code} ({case.system.get(code).title}) is reported as the principal or "
                f"first-listed diagnosis or not at all: {group.why}."
            )
            fix = f"put {code} first if it is the reason for the encounter, else drop it"
            yield rule.finding([code], message, group=group, fix=fix)


def never_principal(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a status, a history or a measure as principal diagnosis."""
    for code in case.principals:
        group = rule.group(code)
        if group is None or group.setting not in (None, case.context.setting):
            continue
        if _is_told_by_code_first(case, code):
            continue
        message = (
            f"{code} ({case.system.get(code).title}) is not a principal diagnosis: {group.why}."
        )
        fix = "put the condition or the reason for the encounter first"
        yield rule.finding([code], message, group=group, fix=fix)


def nonspecific_z(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find Z codes that say next to nothing."""
    for code in case.codes:
        group = rule.group(code)
        if group:
            message = f"{code} ({case.system.get(code).title}) says little: {group.why}."
            fix = "report the sign, symptom or reason of the visit if another code has it"
            yield rule.finding([code], message, group=group, fix=fix)


def _is_told_by_code_first(case: Case, code: str) -> bool:
    """Tell whether the rule code_first has said that another code goes before this one."""
    return any(
        not note.conditional or case.others(code, note) for note in case.notes(code, "code_first")
    )
