"""Long-term drug therapy (Z79): drugs that the note gives as a running treatment.

A drug counts in a list of home or discharge medications and where a cue of a running treatment
stands beside it. It does not count where it was given once, is a short course, was stopped, or is
an allergy (guideline section I.C.21.c.3); insulin does not count in type 1 diabetes, nor while it
only bridges a hospital stay (I.C.4.a.3).
"""

import functools
import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstance_cues import cue
from knowledge.circumstances import DrugClass, load_drug_classes
from knowledge.note_text import SectionKind

_cue = functools.partial(cue, "drugs")
_BARRED: frozenset[SectionKind] = frozenset({"allergies", "family_history", "results"})
_BEFORE = 8  # words in which a cue before the drug is sought
_AFTER = 10  # and behind it


def read_long_term_drugs(reading: NoteReading) -> Iterator[Found]:
    """Yield the codes of long-term drug therapy."""
    _, tree = load_drug_classes()
    text = reading.note.text
    named = list(reading.matches(tree))
    stopped = {match.text.lower() for match, _ in named if _is_stopped(match)}
    for match, drug in named:
        if drug.note_asks and not drug.note_asks.search(text):
            continue
        if match.text.lower() in stopped:
            continue
        if drug.code is None or not _is_long_term(match, drug, reading):
            continue
        if drug.code == "Z79.4" and _cue("type_1").search(text):
            continue
        # Control of gestational diabetes is part of its own code (I.C.15.i).
        if drug.code in ("Z79.4", "Z79.84") and _cue("gestational").search(text):
            continue
        yield Found(drug.code, match.span)


def _is_stopped(match: Match) -> bool:
    """Tell whether a drug is given up, wherever else the note tells of its use."""
    if match.sentence.kind in _BARRED:
        return False
    given_up = _cue("given_up").search(match.before(3)) or _cue("was_given_up").search(
        match.after(4)
    )
    return given_up is not None


def _is_long_term(match: Match, drug: DrugClass, reading: NoteReading) -> bool:
    kind = match.sentence.kind
    if kind in _BARRED or reading.assertion(match.span) not in ("present", "historical"):
        return False
    before, after = _clause(match)
    if (
        _cue("over").search(before)
        or _cue("no_after").search(after)
        or _cue("other_route").search(after)
    ):
        return False
    if not _cue("long_ago").search(match.sentence.text) and (
        _cue("begins").search(before) or _cue("begins_after").search(after)
    ):
        return False
    prefix = match.sentence.text[: match.span.start - match.sentence.span.start]
    listed = (kind == "medications" and reading.in_list(match)) or bool(
        _cue("listed").search(prefix)
    )
    around = f"{before} {after}"
    if drug.evidence == "chronic":
        daily = listed and _cue("daily").search(after) is not None
        return daily or _cue("chronic").search(f"{around} {match.after(_AFTER)}") is not None
    return listed or _is_running(before, after)


def _is_running(before: str, after: str) -> bool:
    return bool(_cue("running").search(before) or _cue("frequency").search(after))


def _clause(match: Match) -> tuple[str, str]:
    """Return what stands before and behind a drug in its own part of the sentence."""
    before = re.split(r"[;.]\s|\bbut\b|\bhowever\b", match.before(_BEFORE))[-1]
    after = re.split(r"[;\n]|[.,]\s|\s\+\s|\bbut\b|\bhowever\b", match.after(_AFTER))[0]
    return before, after
