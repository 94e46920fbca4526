"""Codes that deny what another one says: "without complications" beside a complication."""

import re
from collections.abc import Iterator
from functools import cache

from knowledge.rules.combinations import settled_by_combination
from knowledge.rules.context import Case
from knowledge.rules.excludes import exclude_each_other
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend

# Symptoms, pregnancy, injuries, external causes and factors: two codes of a category are usual.
_LEFT_OUT = frozenset({"15", "18", "19", "20", "21"})
# Several substances share F19, migraine comes with and without aura, each eye has its retinopathy.
_EXCEPT = ("F19", "G43", "E08.3", "E09.3", "E10.3", "E11.3", "E13.3")
_NO_COMPLICATION = ("E08.9", "E09.9", "E10.9", "E11.9", "E13.9")
_DENIAL = re.compile(r",? (?:without\b|uncomplicated\b)")
_SIDES = re.compile(r"\b(?:right|left)\b")


def without_beside_with(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a code "without" something beside one of the same condition "with" it.

    What gives way to a combination code or is excluded by a note is left to those rules.
    """
    settled = settled_by_combination(case)
    for denying in case.codes:
        if denying in settled:
            continue
        saying = [
            code
            for code in case.codes
            if denies(case, denying, code) and not exclude_each_other(case, (denying, code))
        ]
        if saying:
            severity: Severity = "error" if denying in _NO_COMPLICATION else rule.severity
            says = "says" if len(saying) == 1 else "say"
            message = (
                f"{denying} ({case.system.get(denying).title}) denies what "
                f"{' and '.join(saying)} of the same condition {says}."
            )
            mend = Mend(remove=[denying])
            yield rule.finding([denying, *saying], message, severity=severity, mend=mend)


def denies(case: Case, denying: str, code: str) -> bool:
    """Tell whether one code says that a condition is "without" what another one says of it.

    Codes with a 7th character are left out: it may be another eye's or another episode's.
    """
    if denying[:3] != code[:3] or denying.startswith(_EXCEPT):
        return False
    entries = [case.system.get(one) for one in (denying, code)]
    if entries[0].chapter in _LEFT_OUT or any(entry.seventh for entry in entries):
        return False
    return title_denies(entries[0].title, entries[1].title)


@cache
def title_denies(denying: str, title: str) -> bool:
    """Tell whether a title is another one with "without" in the place of "with".

    "X without Y" and "X with Z" agree up to that word; a side named after it must be the same.
    """
    first, second = denying.lower(), title.lower()
    if set(_SIDES.findall(first)) != set(_SIDES.findall(second)):
        return False
    return any(
        re.match(rf"{re.escape(first[: denial.start()])},? with\b", second)
        for denial in _DENIAL.finditer(first)
    )
