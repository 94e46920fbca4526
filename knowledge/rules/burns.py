"""Burns and corrosions: the highest degree of a site, the highest degree first, the extent."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_SITES = ("T20", "T21", "T22", "T23", "T24", "T25")
_UNSPECIFIED, _THIRD = 0, 3
_BURN, _CORROSION = "0123", "4567"  # 4th characters, from unspecified to third degree
_EXTENTS = {"T31": _BURN, "T32": _CORROSION}


class _Burn(NamedTuple):
    """A burn or corrosion of a site.

    Attributes:
        code: The code.
        degree: 1 to 3; 0 if unspecified.
        site: The code without its degree.
        kind: The 4th characters of burns, or those of corrosions.
    """

    code: str
    degree: int
    site: str
    kind: str


def burn_degree(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find two degrees of burn of one site."""
    for first, second in combinations(_burns(case), 2):
        if (first.site, first.kind) == (second.site, second.kind):
            lower, higher = sorted((first, second), key=lambda burn: burn.degree)
            message = (
                f"{lower.code} and {higher.code} are burns of one site, which takes the highest "
                "degree only."
            )
            yield rule.finding([lower.code, higher.code], message, mend=Mend(remove=[lower.code]))


def burn_order(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a burn of higher degree after one of lower degree at another site."""
    burns = [burn for burn in _burns(case) if burn.degree != _UNSPECIFIED]
    for lower, higher in combinations(burns, 2):
        if higher.degree > lower.degree and higher.site != lower.site:
            message = (
                f"{lower.code} stands before {higher.code}, but the burn of the highest degree "
                "goes first."
            )
            mend = Mend(before=(higher.code, lower.code))
            yield rule.finding([higher.code, lower.code], message, mend=mend)
            return


def burn_extent(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an extent of burns as principal diagnosis, or one that the sites contradict."""
    for code in case.starting(*_EXTENTS):
        burns = [burn for burn in _burns(case) if burn.kind == _EXTENTS[code[:3]]]
        if not burns:
            continue
        if code in case.principals:
            message = f"{code} tells the extent of {burns[0].code}, which goes first."
            mend = Mend(before=(burns[0].code, code))
            yield rule.finding([code, burns[0].code], message, severity="error", mend=mend)
        degrees = {burn.degree for burn in burns}
        if _has_third_degree(code) and not degrees & {_UNSPECIFIED, _THIRD}:
            codes = [burn.code for burn in burns]
            message = (
                f"{code} ({case.system.get(code).title}) counts third degree burns, but none of "
                f"that degree is reported: {' and '.join(codes)}."
            )
            fix = "report the site of the third degree burn, or the extent without it"
            yield rule.finding([code, *codes], message, fix=fix)


def _burns(case: Case) -> list[_Burn]:
    burns = []
    for code in case.starting(*_SITES):
        kind = _BURN if code[4:5] in _BURN else _CORROSION
        if code[4:5] and code[4] in kind:
            burns.append(_Burn(code, kind.index(code[4]), code[:4] + code[5:], kind))
    return burns


def _has_third_degree(extent: str) -> bool:
    """Tell whether the last character of T31.xy means 10 percent or more of third degree."""
    return len(extent) == len("T31.11") and extent[-1] != "0"
