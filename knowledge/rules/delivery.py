"""The record of a delivery: normal delivery, outcome, childbirth instead of a trimester."""

import re
from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend
from knowledge.rules.obstetrics import TRIMESTER, deliveries, is_in_childbirth

_NORMAL, _SINGLE_LIVE = "O80", "Z37.0"
_SINGLE_OUTCOMES = ("Z37.0", "Z37.1")
_PRENATAL = "O09"
_FACTORS = "21"
_TERMINATION = "Z33.2"  # if the child is born alive, it goes with Z37 (I.C.15.q)
_STAGE = re.compile(r"\b(?:in|complicating) (?:pregnancy|childbirth)\b")


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
        yield rule.finding([_NORMAL, *others], message, mend=Mend(remove=[_NORMAL]))
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
    if not case.starting("Z37"):
        return
    for code in case.starting("O"):
        other = _in_childbirth_instead(case, code)
        if other:
            message = (
                f"{code} ({case.system.get(code).title}) is of pregnancy; with delivery in the "
                f"same encounter the condition is {other}."
            )
            add = Mend(remove=[code], add=[other])
            yield rule.finding([code], message, mend=add)


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


def _in_childbirth_instead(case: Case, code: str) -> str | None:
    """Return the code of the same disease in childbirth, for a code of pregnancy that has one."""
    title = case.system.get(case.system.stem(code)).title
    if is_in_childbirth(case, code) or not (TRIMESTER.search(title) or "in pregnancy" in title):
        return None
    disease = _disease(title)
    return next(
        (
            other
            for other in case.system.descendants(code[:3])
            if is_in_childbirth(case, other) and _disease(case.system.get(other).title) == disease
        ),
        None,
    )


def _disease(title: str) -> str:
    """Return a title without the words of the stage."""
    words = _STAGE.sub(" ", TRIMESTER.sub(" ", title)).replace(",", " ")
    return " ".join(words.lower().split())
