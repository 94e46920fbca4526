"""Excludes1 and Excludes2: codes that may not, or may, be reported together."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

from knowledge.notes import InstructionalNote
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, Severity, place, quote
from knowledge.rules.policy_changes import mend_of_pair

ExcludesKind = Literal["excludes1", "excludes2"]


def excludes1(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find pairs that an Excludes1 note forbids, one finding a pair."""
    for pair in combinations(sorted(case.codes), 2):
        note = _excluding(case, pair, "excludes1")
        if note is None:
            continue
        unrelated = _separately_documented(case, pair)
        # Whether passages apart mean two conditions is for the coder to see.
        mend = None if unrelated else mend_of_pair(case, pair)
        message = (
            f"{pair[0]} and {pair[1]} exclude each other: {place(note)} carries {quote(note)}."
        )
        if mend is None and not unrelated:
            message += " Report the one that the record supports."
        if unrelated:
            message += (
                " They rest on different passages; if the conditions are unrelated, both may stand,"
                " else report the one that the record supports."
            )
        severity: Severity = "warning" if unrelated else rule.severity
        yield rule.finding(pair, message, severity=severity, note=note, mend=mend)


def excludes2(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Point out pairs of an Excludes2 note: both may be reported if both are documented."""
    for pair in combinations(sorted(case.codes), 2):
        note = _excluding(case, pair, "excludes2")
        if note is not None:
            message = (
                f"{pair[0]} and {pair[1]} stand for separate conditions ({place(note)}: "
                f"{quote(note)}); report both only if both are documented."
            )
            yield rule.finding(pair, message, note=note)


def exclude_each_other(case: Case, codes: Sequence[str]) -> bool:
    """Tell whether an Excludes1 note forbids two of the codes to stand together."""
    return any(_excluding(case, pair, "excludes1") for pair in combinations(sorted(codes), 2))


def _excluding(case: Case, pair: tuple[str, str], kind: ExcludesKind) -> InstructionalNote | None:
    """Return the note of either code that excludes the other, the nearest note first."""
    for code, other in (pair, pair[::-1]):
        above = case.ancestors(other)
        if code in above or other in case.ancestors(code):
            return None
        for note in case.notes(code, kind):
            # A note cannot exclude what its own entry governs; two in the list seem to.
            if note.matches(other) and note.carrier not in above:
                return note
    return None


def _separately_documented(case: Case, pair: tuple[str, str]) -> bool:
    """Tell whether the exception for unrelated conditions may apply (I.A.12.a)."""
    first, second = (case.evidence(code) for code in pair)
    if not first or not second or pair[0][:3] == pair[1][:3]:
        return False
    return not any(a[0] < b[1] and b[0] < a[1] for a in first for b in second)
