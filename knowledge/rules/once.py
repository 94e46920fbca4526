"""Codes of one question, of which an encounter has one answer."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard


def reported_once(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find several codes of a group that allows one."""
    complete = [code for code in case.codes if case.system.get(code).billable]
    for group in rule.groups:
        codes = [code for code in complete if group.covers(code)]
        if len(codes) > 1:
            message = f"{' and '.join(codes)}: {group.why}."
            fix = "keep the one that the record supports"
            yield rule.finding(codes, message, group=group, fix=fix)
