"""Unspecified codes beside a code that says more of the same condition."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from knowledge.rules.combinations import settled_by_combination
from knowledge.rules.context import Case
from knowledge.rules.contradictions import title_denies
from knowledge.rules.excludes import exclude_each_other
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.laterality import differ_in_side
from knowledge.rules.mends import Mend

# Chapters whose unspecified codes legitimately stand beside others: pregnancy (its own order),
# injuries (each has its code), external causes and factors.
_LEFT_OUT = frozenset({"15", "19", "20", "21"})
# An infection may have two organisms; the coma scale has a rule of its own.
_EXCEPT = ("B95", "B96", "B97", "R40")

# In these phrases the word is part of a name.
_NAMES = re.compile(r"\b(?:or unspecified|use, unspecified)\b")
_UNSPECIFIED = re.compile(r"\bunspecified\b")
# What is left open, as by "unspecified site", "site unspecified", "unspecified as to obstruction".
_LEFT_OPEN = re.compile(
    r"\bunspecified (?:(?:whether|as to)\b[^,]*|organism|site|part|severity|stage|type|cause|degree"
    r"|location|virus)\b|\b(?:organism|site|part|severity|stage|type|location) unspecified\b"
)
# "Disorder of the kidney, unspecified" is not a condition of which another code says more.
_NO_CONDITION = re.compile(
    r"(?:unspecified )?(?:disorder|disease|lesion|abnormalit|disturbance|(?:congenital )?malform)"
)
_NO_COMPLICATION = re.compile(r"\b(?:without complications?|uncomplicated)\b")
_SYNONYMS = re.compile(r"\[[^\]]*\]")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")
_EMPTY_WORDS = frozenset({"a", "and", "of", "or", "the", "in", "due", "to", "specified"})

_DIABETES = ("E08", "E09", "E10", "E11", "E13")
# The same where the titles do not show it: other words for the condition, other categories.
_BY_HAND: dict[str, tuple[str, ...]] = {
    "D64.9": ("D50", "D51", "D52", "D53", "D55", "D56", "D57", "D58", "D59", "D60", "D61", "D63"),
    "E46": ("E40", "E41", "E42", "E43", "E44", "E45"),
    "F03": ("F01", "F02"),
    "I20.9": ("I20.0",),
    "I21.9": ("I21.0", "I21.1", "I21.2", "I21.3", "I21.4"),
    "J18.9": ("J12", "J13", "J14", "J15", "J16", "J17"),
    "N18.9": ("N18.6",),
    "R10.9": ("R10.1", "R10.3"),
    **{f"{diabetes}.40": (f"{diabetes}.42",) for diabetes in _DIABETES},
    **{
        f"{diabetes}.8": tuple(f"{diabetes}.{digit}" for digit in range(7))
        for diabetes in _DIABETES
    },
}


class _Title(NamedTuple):
    """A title taken apart.

    Attributes:
        words: What it says of the condition; empty words and plurals aside.
        left_open: How often it says "unspecified".
    """

    words: frozenset[str]
    left_open: int


def unspecified_beside_specified(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find unspecified codes beside codes of the same condition that say more.

    Within a category, the title decides: all that the unspecified one says must stand in the other,
    which leaves less open. What other rules say of the two (Excludes1, combinations, sides,
    contradictions) is left to them.
    """
    settled = settled_by_combination(case)
    for vague in case.codes:
        if vague in settled or not _may_be_vague(case, vague):
            continue
        better = [
            code
            for code in case.codes
            if code != vague
            and _says_more(case, code, vague)
            and not exclude_each_other(case, (vague, code))
        ]
        if better:
            yield _finding(case, rule, vague, better)


def _finding(case: Case, rule: RuleCard, vague: str, better: list[str]) -> Finding:
    says = "says" if len(better) == 1 else "say"
    message = (
        f"{vague} ({case.system.get(vague).title}) leaves open what {' and '.join(better)} of the "
        f"same condition {says}."
    )
    above = case.system.get(case.system.stem(vague)).parent
    if any(above in case.ancestors(code) for code in better):
        return rule.finding([vague, *better], message, mend=Mend(remove=[vague]))
    fix = f"drop {vague} unless it stands for another site or another illness"
    return rule.finding([vague, *better], message, fix=fix)


def _may_be_vague(case: Case, code: str) -> bool:
    entry = case.system.get(code)
    if entry.chapter in _LEFT_OUT or code.startswith(_EXCEPT):
        return False
    if _named_by_hand(code):
        return True
    return _title_of(case, code).left_open > 0 and not _NO_CONDITION.match(entry.title.lower())


def _says_more(case: Case, code: str, vague: str) -> bool:
    if code.startswith(_named_by_hand(vague)):
        return True
    if code[:3] != vague[:3] or _seventh(case, code) not in ("", _seventh(case, vague)):
        return False
    if code in case.ancestors(vague) or vague in case.ancestors(code):
        return False
    first, second = _title_of(case, vague), _title_of(case, code)
    if second.left_open > first.left_open or _told_elsewhere(case, vague, code):
        return False
    return first.words < second.words or (
        first.words == second.words and second.left_open < first.left_open
    )


def _told_elsewhere(case: Case, vague: str, code: str) -> bool:
    """Tell whether sides, or "with" against "without", are all that two codes differ in."""
    titles = [case.system.get(case.system.stem(one)).title for one in (vague, code)]
    if title_denies(*titles) or title_denies(*titles[::-1]):
        return True
    return differ_in_side(case, vague, code)


def _named_by_hand(code: str) -> tuple[str, ...]:
    return _BY_HAND.get(code) or _BY_HAND.get(code[:3], ())


def _seventh(case: Case, code: str) -> str:
    return "" if case.system.stem(code) == code else code[-1]


def _title_of(case: Case, code: str) -> _Title:
    return _taken_apart(case.system.get(case.system.stem(code)).title)


@cache
def _taken_apart(title: str) -> _Title:
    plain = _NAMES.sub(" ", _SYNONYMS.sub(" ", title.lower()))
    said = _NO_COMPLICATION.sub(" ", _UNSPECIFIED.sub(" ", _LEFT_OPEN.sub(" ", plain)))
    words = {word.rstrip("s") for word in _WORD.findall(said)} - _EMPTY_WORDS
    return _Title(frozenset(words), len(_UNSPECIFIED.findall(plain)))
