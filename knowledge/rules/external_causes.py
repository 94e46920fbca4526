"""External causes: their order, their episode, and when place, activity and status are given."""

from collections.abc import Iterator
from itertools import combinations

from knowledge.rules.context import Case
from knowledge.rules.episodes import Episode, external_causes, injuries
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_DETAILS = {"Y92": "place", "Y93": "activity", "Y99": "status"}
_NOT_STATED = ("Y92.9", "Y93.9", "Y99.9")
_NOT_FOR_DRUGS = ("Y93", "Y99")
_DRUGS = tuple(f"T{number}" for number in range(36, 51))
_INJURY_CHAPTER, _EXTERNAL_CHAPTER = "19", "20"
# From the highest priority to the lowest (I.C.20.f); abuse is such where it is confirmed.
_ABUSE = ("X92", "X93", "X94", "X95", "X96", "X97", "X98", "X99", "Y0")
_CONFIRMED_ABUSE = ("T74", "O9A.3", "O9A.4", "O9A.5")
_TERRORISM = ("Y38",)
_CATACLYSM = ("X34", "X35", "X36", "X37", "X38")
_TRANSPORT = ("V",)
_ORDER = ("abuse", "terrorism", "a cataclysmic event", "transport", "another cause", "detail")
# Blood alcohol, nosocomial condition and the like (Y90-Y98) are no causes, and stand anywhere.
_FACTORS = ("Y90", "Y95", "Y97", "Y98")
_SEVENTH: dict[Episode, str] = {"initial": "A", "subsequent": "D", "sequela": "S"}


def external_cause_order(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an external cause of higher priority after one of lower priority."""
    causes = [
        code
        for code in case.codes
        if case.system.get(code).chapter == _EXTERNAL_CHAPTER and not code.startswith(_FACTORS)
    ]
    ranks = {code: _priority(case, code) for code in causes}
    for first, second in combinations(causes, 2):
        if ranks[second] < ranks[first]:
            is_detail = ranks[first] == len(_ORDER) - 1
            what = f"the {_DETAILS[first[:3]]}" if is_detail else _ORDER[ranks[first]]
            message = (
                f"{second} ({_ORDER[ranks[second]]}) goes before {first} ({what}) among the "
                "external causes."
            )
            mend = Mend(before=(second, first))
            severity = "info" if is_detail else rule.severity
            yield rule.finding([second, first], message, severity=severity, mend=mend)
            return


def external_cause_episode(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an external cause whose episode is not that of the injury."""
    of_injuries = set(injuries(case).values())
    if not of_injuries:
        return
    for code, episode in external_causes(case).items():
        if episode in of_injuries:
            continue
        wanted = " or ".join(sorted(of_injuries))
        message = f"{code} tells of another episode ({episode}) than the injuries ({wanted})."
        right = code[:-1] + _SEVENTH[next(iter(of_injuries))]
        plain = len(of_injuries) == 1 and right in case.system
        mend = Mend(remove=[code], add=[right]) if plain else None
        yield rule.finding(
            [code],
            message,
            fix=None if mend else f"use the 7th character of the {wanted} episode",
            mend=mend,
        )


def external_cause_details(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find place, activity or status that this encounter, or this condition, does not take."""
    for code in case.starting(*_DETAILS):
        reason = _reason_against(case, code)
        if reason:
            yield rule.finding([code], f"{code}: {reason}.", mend=Mend(remove=[code]))


def _reason_against(case: Case, code: str) -> str | None:
    what = _DETAILS[code[:3]]
    episodes = injuries(case)
    if episodes and "initial" not in episodes.values():
        return f"the {what} is told at the initial encounter only"
    if code.startswith(_NOT_STATED):
        return f"the {what} is left out if it is not stated"
    injured = [c for c in case.codes if case.system.get(c).chapter == _INJURY_CHAPTER]
    if code.startswith(_NOT_FOR_DRUGS) and injured and all(c.startswith(_DRUGS) for c in injured):
        return f"the {what} is not told of poisoning, adverse effects and underdosing"
    if code.startswith("Y99") and not _has_cause(case):
        return "the status is told only beside a cause or an activity"
    return None


def _has_cause(case: Case) -> bool:
    """Tell whether an external cause other than place and status is reported."""
    return any(
        case.system.get(code).chapter == _EXTERNAL_CHAPTER and not code.startswith(("Y92", "Y99"))
        for code in case.codes
    )


def _priority(case: Case, code: str) -> int:
    """Return the place of an external cause in the order of priority, 0 for the highest."""
    confirmed = bool(case.starting(*_CONFIRMED_ABUSE))
    groups = (_ABUSE if confirmed else (), _TERRORISM, _CATACLYSM, _TRANSPORT)
    for rank, group in enumerate(groups):
        if code.startswith(group):
            return rank
    return len(_ORDER) - 1 if code.startswith(tuple(_DETAILS)) else len(groups)
