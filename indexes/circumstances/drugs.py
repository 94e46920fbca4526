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
    barred = _barred_codes(text)
    for match, drug in named:
        if drug.code is None or drug.code in barred or match.text.lower() in stopped:
            continue
        if drug.note_asks and not drug.note_asks.search(text):
            continue
        if _is_long_term(match, drug, reading):
            yield Found(drug.code, match.span)


def _barred_codes(text: str) -> frozenset[str]:
    """Return the codes that a disease of the note makes superfluous.

    Type 1 diabetes implies insulin (I.C.4.a.3); the codes of gestational diabetes tell how it is
    controlled (I.C.15.i).
    """
    if _cue("gestational").search(text) and cue("pregnancy", "pregnant").search(text):
        return frozenset({"Z79.4", "Z79.84"})
    return frozenset({"Z79.4"} if _cue("type_1").search(text) else ())


def _is_stopped(match: Match) -> bool:
    """Tell whether a drug is given up, wherever else the note tells of its use."""
    if match.sentence.kind in _BARRED:
        return False
    before, after = _cue("given_up"), _cue("was_given_up")
    return bool(before.search(match.before(3)) or after.search(match.after(4)))


def _is_long_term(match: Match, drug: DrugClass, reading: NoteReading) -> bool:
    if match.sentence.kind in _BARRED:
        return False
    if reading.assertion(match.span) not in ("present", "historical"):
        return False
    before, after = _clause(match)
    if _is_passing(before, after) or _is_beginning(before, after, match.sentence.text):
        return False
    listed = _is_listed(match, reading)
    if drug.evidence == "chronic":
        if listed and _cue("daily").search(after):
            return True
        return _cue("chronic").search(f"{before} {after} {match.after(_AFTER)}") is not None
    return listed or bool(_cue("running").search(before) or _cue("frequency").search(after))


def _is_passing(before: str, after: str) -> bool:
    """Tell whether a drug was given once, for a short while, elsewhere than inside, or is over."""
    if _cue("over").search(before):
        return True
    return bool(_cue("no_after").search(after) or _cue("other_route").search(after))


def _is_beginning(before: str, after: str, sentence: str) -> bool:
    """Tell whether a drug only begins now, so that its use is not yet long."""
    begins = _cue("begins").search(before) or _cue("begins_after").search(after)
    return bool(begins) and not _cue("long_ago").search(sentence)


def _is_listed(match: Match, reading: NoteReading) -> bool:
    """Tell whether a drug stands in a list of medications, under a heading or behind "Rx:"."""
    if match.sentence.kind == "medications" and reading.in_list(match):
        return True
    prefix = match.sentence.text[: match.span.start - match.sentence.span.start]
    return _cue("listed").search(prefix) is not None


def _clause(match: Match) -> tuple[str, str]:
    """Return what stands before and behind a drug in its own part of the sentence."""
    before = re.split(r"[;.]\s|\bbut\b|\bhowever\b", match.before(_BEFORE))[-1]
    after = re.split(r"[;\n]|[.,]\s|\s\+\s|\bbut\b|\bhowever\b", match.after(_AFTER))[0]
    return before, after
