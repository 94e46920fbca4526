"""External causes of an injury, with place, activity and status of the patient (I.C.20)."""

import functools
from collections.abc import Iterator, Sequence

from indexes.circumstances.episode import is_long_past, seventh_character, with_seventh
from indexes.circumstances.phrase_rules import read_rules
from indexes.circumstances.places import read_place
from indexes.circumstances.poisoning import is_poisoned
from indexes.circumstances.reading import Found, NoteReading
from indexes.circumstances.transport import read_crashes
from knowledge.circumstance_cues import cue
from knowledge.circumstances import load_circumstances
from knowledge.note_text import Span

_cue = functools.partial(cue, "causes")
_DETAILS = ("Y92", "Y93")
_WITHOUT_SEVENTH = ("Y09",)
# Who tells less gives way to who tells more of the same fall.
_VAGUE = ("W19", "W18.30", "W18.39")
_FALLS = ("W0", "W1", "V00", "V80", "V18", "V28", "V1", "V86")
_TRIPPING = ("W01.0",)
_TELLING = tuple("W00 W01.1 W06 W07 W08 W10 W11 W12 W13 W14 W17 W18.1 W18.2 V00 V18".split())
_NEAR = 260  # characters around a cause in which place and activity belong to it


def read_causes(reading: NoteReading) -> Iterator[Found]:
    """Yield causes with the episode of the injury; of the first encounter the details too."""
    if not _cue("injury").search(reading.note.text):
        return
    found = list(read_rules(reading, load_circumstances("external_causes")))
    crashes = [Found(crash.code, crash.span) for crash in read_crashes(reading)]
    causes = _telling([f for f in found if not f.code.startswith(_DETAILS)] + crashes)
    if not causes and is_poisoned(reading):
        # Of a poisoning the place alone is told (I.C.20.b-c), where the patient was found.
        yield from read_place(reading, _found_at(reading), found)
    if not causes:
        return
    character = seventh_character(reading)
    for code, span in causes:
        sentence = reading.note.sentence_at(span.start)
        past = sentence is not None and is_long_past(reading.note.slice(sentence.span))
        filled = with_seventh(code, "S" if past else character)
        yield Found(code if code in _WITHOUT_SEVENTH else filled, span)
    if character == "A":
        details = [f for f in found if f.code.startswith(_DETAILS)]
        yield from _details(reading, [span for _, span in causes], details)


def _telling(causes: Sequence[Found]) -> list[Found]:
    """Drop what tells less of a fall than another cause does."""
    codes = {code for code, _ in causes}
    exact = any(c.startswith(_FALLS) and c not in _VAGUE for c in codes) or any(
        c[0] == "V" for c in codes
    )
    kept = [f for f in causes if not (exact and f.code in _VAGUE)]
    if any(f.code == "W18.30" for f in kept):
        kept = [f for f in kept if f.code != "W19"]
    if any(f.code.startswith(_TELLING) for f in kept):
        kept = [f for f in kept if f.code not in _TRIPPING]
    return kept


def _details(
    reading: NoteReading, causes: Sequence[Span], details: Sequence[Found]
) -> Iterator[Found]:
    near = [
        Span(max(0, s.start - _NEAR), min(len(reading.note.text), s.end + _NEAR)) for s in causes
    ]
    close = [f for f in details if any(area.contains(f.span) for area in near)]
    yield from (f for f in close if f.code.startswith("Y93"))
    yield from read_place(reading, near, close)
    for area in near:
        work = _cue("at_work").search(reading.note.text, area.start, area.end)
        if work and not _cue("not_at_work").search(reading.note.text, area.start, area.end):
            yield Found("Y99.0", Span(*work.span()))
            return


def _found_at(reading: NoteReading) -> list[Span]:
    """Return the sentences that tell how a poisoned patient was found or what was taken."""
    return [
        s.span
        for s in reading.sentences
        if s.kind not in ("plan", "disposition", "past_history", "medications")
        and _cue("taken").search(s.text)
    ]
