"""Road traffic: who was injured against what, and the code that both give (V43-V49, V89)."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

from indexes.circumstances.reading import NoteReading
from knowledge.circumstance_cues import cue
from knowledge.note_text import SectionKind, Span

_cue = functools.partial(cue, "transport")
_BARRED: frozenset[SectionKind] = frozenset(
    {"family_history", "past_history", "plan", "disposition", "social_history"}
)
# Counterpart, from the most telling; the role takes the place of the "*".
_COUNTERPARTS = (
    ("heavy_vehicle", "V44.*"),
    ("fixed_object", "V47.*"),
    ("suv", "V43.*1"),
    ("pickup", "V43.*3"),
    ("van", "V43.*4"),
    ("car", "V43.*2"),
    ("rollover", "V48.*"),
)
_ROLES = {"driver": "5", "passenger": "6", "": "9"}
_UNKNOWN_COUNTERPART = {"driver": "V49.40", "passenger": "V49.50", "": "V89.2"}


class Crash(NamedTuple):
    """A crash with its code, without the 7th character."""

    code: str
    span: Span


def read_crashes(reading: NoteReading) -> Iterator[Crash]:
    """Yield the first road traffic accident of a car occupant that the note tells."""
    for sentence in reading.sentences:
        if sentence.kind in _BARRED or _cue("not_occupant").search(sentence.text):
            continue
        crash = _cue("crash").search(sentence.text)
        if crash is None:
            continue
        span = Span(sentence.span.start + crash.start(), sentence.span.start + crash.end())
        if reading.assertion(span) not in ("present", "historical"):
            continue
        # Who and what often stand in the next sentence.
        story = reading.note.text[max(0, sentence.span.start - 100) : sentence.span.end + 200]
        yield Crash(crash_code(story), span)
        return


def crash_code(story: str) -> str:
    """Return the code of a car occupant's traffic accident from its story."""
    role = _role(story)
    for name, template in _COUNTERPARTS:
        if _cue(name).search(story):
            return template.replace("*", _ROLES[role])
    return _UNKNOWN_COUNTERPART[role]


def _role(story: str) -> str:
    own = _cue("other_driver").sub("", story)
    if _cue("passenger").search(own):
        return "passenger"
    return "driver" if _cue("driver").search(own) else ""
