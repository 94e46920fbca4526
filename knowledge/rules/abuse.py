"""Abuse and neglect: confirmed, with its causes, or suspected, without them."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_CONFIRMED, _SUSPECTED, _PERPETRATOR = "T74", "T76", "Y07"
_IN_PREGNANCY = ("O9A.3", "O9A.4", "O9A.5")
_ASSAULT = ("X92", "X93", "X94", "X95", "X96", "X97", "X98", "X99", "Y0")
_INJURY_CHAPTER = "19"


def abuse_suspected(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find assault or a perpetrator beside abuse that is only suspected."""
    suspected = case.starting(_SUSPECTED)
    if not suspected or case.starting(_CONFIRMED, *_IN_PREGNANCY):
        return
    for code in case.starting(*_ASSAULT):
        message = (
            f"{code} is not reported with {suspected[0]}: the abuse is suspected, not confirmed."
        )
        yield rule.finding([code, *suspected], message, mend=Mend(remove=[code]))


def perpetrator_alone(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a perpetrator without confirmed abuse."""
    if case.starting(_CONFIRMED, _SUSPECTED, *_IN_PREGNANCY):
        return
    for code in case.starting(_PERPETRATOR):
        message = f"{code} names a perpetrator, but no code of confirmed abuse is reported."
        fix = f"add the abuse (T74.-) if it is confirmed, else drop {code}"
        yield rule.finding([code], message, fix=fix)


def abuse_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an injury as principal diagnosis before the abuse that it came from."""
    abuse = case.starting(_CONFIRMED, _SUSPECTED)
    for first in case.principals if abuse else ():
        if first not in abuse and case.system.get(first).chapter == _INJURY_CHAPTER:
            message = f"{first} stands before {abuse[0]}; the abuse goes first, its injuries after."
            yield rule.finding([abuse[0], first], message, mend=Mend(before=(abuse[0], first)))
