"""The record of a delivery: normal delivery, outcome, childbirth instead of a trimester."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend
from knowledge.rules.obstetrics import deliveries, in_childbirth_instead

_NORMAL, _SINGLE_LIVE = "O80", "Z37.0"
_SINGLE_OUTCOMES = ("Z37.0", "Z37.1")
_PRENATAL = "O09"
_FACTORS = "21"
_TERMINATION = "Z33.2"  # if the child is born alive, it goes with Z37 (I.C.15.q)


def normal_delivery(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find O80 with what a normal delivery does not have."""
    if _NORMAL not in case.codes:
        return
    # Supervision during pregnancy is left to the rule prenatal_only.
    others = [code for code in case.starting("O") if code != _NORMAL and code[:3] != _PRENATAL]
    if others:
        message = f"{_NORMAL} is a delivery without complication, but {' and '.join(others)} "
        message += f"{'is' if len(others) == 1 else 'are'} reported: no other code of chapter 15 "
        message += "goes with it."
        fix = f"drop {_NORMAL}; {others[0]} takes its place"
        mend = Mend(remove=[_NORMAL, others[0]], add=[others[0]])
        yield rule.finding([_NORMAL, *others], message, fix=fix, mend=mend)
    for outcome in case.starting("Z37"):
        if outcome != _SINGLE_LIVE:
            message = f"{outcome} is not the outcome of {_NORMAL}, which is one living child."
            fix = f"report the complication instead of {_NORMAL}, or {_SINGLE_LIVE}"
            yield rule.finding([_NORMAL, outcome], message, fix=fix)
    for first in case.principals:
        if _is_other_reason(case, first):
            message = f"{first} stands before {_NORMAL}, which is always the principal diagnosis."
            yield rule.finding([_NORMAL, first], message, mend=Mend(before=(_NORMAL, first)))


def outcome_of_delivery(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a delivery without its outcome, or an outcome without, or against, a delivery."""
    outcomes, delivered = case.starting("Z37"), deliveries(case)
    if delivered and not outcomes:
        message = f"{' and '.join(delivered)}: the outcome of the delivery is not reported."
        yield rule.finding(delivered, message, fix="add a code of Z37.-")
    after = case.starting("Z39")
    for outcome in outcomes:
        if not case.starting("O", "P", "Z38", _TERMINATION):
            message = f"{outcome} is reported without a code of the delivery (chapter 15)."
            fix = f"add the code of the delivery, else drop {outcome}"
            yield rule.finding([outcome], message, fix=fix)
        elif after:
            message = (
                f"{outcome} is for the encounter of the delivery, {after[0]} for one after it."
            )
            yield rule.finding([outcome, *after], message, fix="keep the one that the record means")


def single_outcome(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find the birth of one child in a multiple gestation of which no fetus was lost."""
    multiple = case.starting("O30")
    if not multiple or case.starting("O31"):
        return
    for outcome in case.starting(*_SINGLE_OUTCOMES):
        message = f"{' and '.join(multiple)} tells of several fetuses, {outcome} of one child born."
        fix = "report the outcome of all, or the loss of a fetus (O31.-)"
        yield rule.finding([*multiple, outcome], message, fix=fix)


def in_childbirth(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of pregnancy on a record of delivery, where there is one of childbirth."""
    for code in case.starting("O"):
        other = in_childbirth_instead(case, code)
        if other:
            message = (
                f"{code} ({case.system.get(code).title}) is of pregnancy; with delivery in the "
                f"same encounter the condition is {other}."
            )
            yield rule.finding([code], message, mend=Mend(remove=[code], add=[other]))


def prenatal_only(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find the supervision of a high-risk pregnancy on the record of the delivery."""
    delivery = case.starting("Z37") or deliveries(case)
    for code in case.starting(_PRENATAL) if delivery else ():
        message = (
            f"{code} is for visits before birth; a delivery ({delivery[0]}) takes the codes of "
            f"its complications, or {_NORMAL} if there is none."
        )
        yield rule.finding([code, delivery[0]], message, mend=Mend(remove=[code]))


def _is_other_reason(case: Case, first: str) -> bool:
    """Tell whether a principal diagnosis is one that no other rule finds before O80."""
    told = first.startswith(("Z37", "Z3A"))
    return not told and case.system.get(first).chapter == _FACTORS
