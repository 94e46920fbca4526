"""Sides of the body: bilateral instead of left and right, no side left open beside a side."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Literal, NamedTuple

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

Side = Literal["right", "left", "unilateral", "bilateral", "unspecified"]

_SIDE = re.compile(r"\b(right|left|unilateral|bilateral|unspecified)\b")


class _Sided(NamedTuple):
    """A code and the side that its title names.

    Attributes:
        code: The code.
        side: Its side.
        subject: Its title in lower case without the words of sides.
    """

    code: str
    side: Side
    subject: str


def laterality(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of one condition whose sides do not go together."""
    families: dict[tuple[str | None, str], list[_Sided]] = defaultdict(list)
    for code in case.codes:
        sided = _sided(case, code)
        if sided:
            families[_family(case, code)].append(sided)
    for members in families.values():
        for first, second in combinations(members, 2):
            if _same_subject(first, second):
                yield from _conflict(case, rule, first, second)


def differ_in_side(case: Case, first: str, second: str) -> bool:
    """Tell whether two codes are of one condition, of which they name different sides."""
    sided = [_sided(case, code) for code in (first, second)]
    if _family(case, first) != _family(case, second) or sided[0] is None or sided[1] is None:
        return False
    return _same_subject(sided[0], sided[1])


def _conflict(case: Case, rule: RuleCard, first: _Sided, second: _Sided) -> Iterator[Finding]:
    if first.side == second.side:
        return
    by_side = {first.side: first.code, second.side: second.code}
    pair = (first.code, second.code)
    if by_side.keys() == {"right", "left"}:
        both = _bilateral(case, first)
        if both:
            message = (
                f"{first.code} and {second.code} are the two sides of {both}, which says both."
            )
            yield rule.finding(pair, message, mend=Mend(remove=[*pair], add=[both]))
    elif "bilateral" in by_side:
        other = next(code for side, code in by_side.items() if side != "bilateral")
        message = f"{by_side['bilateral']} is bilateral and includes {other}."
        yield rule.finding(pair, message, mend=Mend(remove=[other]))
    elif "unspecified" in by_side:
        known = next(code for side, code in by_side.items() if side != "unspecified")
        message = (
            f"{by_side['unspecified']} leaves the side open, but {known} of the same condition "
            "names one."
        )
        fix = f"drop {by_side['unspecified']} if both mean the same finding"
        yield rule.finding(pair, message, severity="warning", fix=fix)


def _family(case: Case, code: str) -> tuple[str | None, str]:
    """Return what codes of one condition share: the entry above, and the 7th character."""
    stem = case.system.stem(code)
    return case.system.get(stem).parent, "" if stem == code else code[-1]


def _sided(case: Case, code: str) -> _Sided | None:
    title = case.system.get(case.system.stem(code)).title.lower()
    sides = set(_SIDE.findall(title))
    named = sides - {"unspecified"}
    if len(named) == 2 and "unilateral" in named:  # "unilateral ..., right knee"
        named.discard("unilateral")
    if len(named) > 1 or not sides:
        return None
    side: Side = named.pop() if named else "unspecified"
    return _Sided(code, side, " ".join(_SIDE.sub(" ", title).split()).rstrip(" ,"))


def _same_subject(first: _Sided, second: _Sided) -> bool:
    """Tell whether only the side differs; a bilateral title leaves the name of the part out."""
    shorter, longer = sorted((first.subject, second.subject), key=len)
    bilateral = "bilateral" in (first.side, second.side)
    if not bilateral:
        return longer == shorter
    # ", eye" may follow; ", recurrent, ear" is another condition.
    return longer.startswith(shorter) and longer.count(",", len(shorter)) <= 1


def _bilateral(case: Case, sided: _Sided) -> str | None:
    """Return the bilateral code of the same condition, with the same 7th character."""
    parent, seventh = _family(case, sided.code)
    if parent is None:
        return None
    for sibling in case.system.children(parent):
        other = _sided(case, sibling)
        if other and other.side == "bilateral" and _same_subject(sided, other):
            if not seventh:
                return sibling
            return next((c for c in case.system.children(sibling) if c[-1] == seventh), None)
    return _bilateral_beside(case, parent)


def _bilateral_beside(case: Case, parent: str) -> str | None:
    """Return the bilateral code beside a subcategory of unilateral ones, as M17.0 beside M17.1."""
    entry = case.system.get(parent)
    if entry.parent is None or "Unilateral" not in entry.title:
        return None
    title = entry.title.replace("Unilateral", "Bilateral")
    beside = case.system.children(entry.parent)
    return next((code for code in beside if case.system.get(code).title == title), None)
