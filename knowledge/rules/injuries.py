"""Injuries: one episode, a site, no aftercare code, no bruise beside a worse injury."""

import re
from collections import defaultdict
from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.episodes import injuries
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

# A burn that heals and one that has left a scar may be reported together (I.C.19.d.8).
_BURNS = ("T20", "T21", "T22", "T23", "T24", "T25", "T26", "T27", "T28", "T30", "T31", "T32")
_INJURIES = ("S", "T07", "T14", *_BURNS)
_WORD = re.compile(r"[a-z]+")
_SITE = re.compile(r"\bof |, ")
# Words of a site that name no part of the body.
_NO_PART = frozenset(
    "a and area at body end front left level lower multiple of or other part parts right shaft "
    "side sites specified the to unspecified upper wall with without".split()
)


def episode_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find one injury with two 7th characters."""
    of_injury: dict[str, list[str]] = defaultdict(list)
    for code in injuries(case):
        if not code.startswith(_BURNS):
            of_injury[case.system.stem(code)].append(code)
    for stem, codes in of_injury.items():
        if len(codes) > 1:
            meanings = "; ".join(f"{code[-1]} {case.system.get(code).seventh}" for code in codes)
            message = f"{stem} is reported with several 7th characters: {meanings}."
            fix = "keep the one of this encounter, unless there are two injuries"
            yield rule.finding(codes, message, fix=fix)


def injury_site_unspecified(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an injury or burn without its site beside one with it, or on an inpatient's record."""
    for code in case.codes:
        group = rule.group(code)
        if group is None:
            continue
        sited = [other for other in case.codes if group.wants(other)]
        if sited:
            message = f"{code} names no site beside {' and '.join(sited)}: {group.why}."
            yield rule.finding([code, *sited], message, group=group, mend=Mend(remove=[code]))
        elif case.context.setting == "inpatient":
            message = f"{code} names no site: {group.why}."
            fix = "report each site that the record names"
            yield rule.finding([code], message, severity="info", group=group, fix=fix)


def aftercare_of_injury(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an aftercare code beside an injury whose 7th character tells the aftercare."""
    healing = [
        code
        for code, episode in injuries(case).items()
        if episode == "subsequent" and code.startswith(_INJURIES)
    ]
    for code in case.codes if healing else ():
        group = rule.group(code)
        if group:
            message = f"{code} is not for the aftercare of an injury: {healing[0]} tells it."
            fix = f"drop {code} unless it is for something else than the injury"
            yield rule.finding([code, *healing], message, group=group, fix=fix)


def superficial_injury(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a superficial injury beside a worse one of the same site."""
    injured = [code for code in injuries(case) if code.startswith("S")]
    for mild in (code for code in injured if code[2] == "0"):
        # A region has one digit: S80 is superficial, S81-S89 are its wounds, fractures and so on.
        worse = [
            code
            for code in injured
            if code[1] == mild[1] and code[2] != "0" and _same_site(case, mild, code)
        ]
        if worse:
            message = (
                f"{mild} is superficial; it is not coded beside {' and '.join(worse)} if both are "
                "of the same site."
            )
            yield rule.finding([mild, *worse], message, fix=f"drop {mild} if the site is the same")


def _same_site(case: Case, first: str, second: str) -> bool:
    parts, others = _parts(case, first), _parts(case, second)
    sides = {"left", "right"}
    return bool((parts & others) - _NO_PART) and not (parts ^ others) >= sides


def _parts(case: Case, code: str) -> set[str]:
    """Return the words of the site of an injury, as the end of its title has them."""
    title = case.title(code).lower()
    return set(_WORD.findall(_SITE.split(title, maxsplit=1)[-1]))
