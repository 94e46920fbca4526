"""The episode of care that the 7th character of an injury tells (I.C.19.a)."""

import functools

from indexes.circumstances.reading import NoteReading
from knowledge.circumstance_cues import cue
from knowledge.note_text import SectionKind

_cue = functools.partial(cue, "episode")
_AHEAD: frozenset[SectionKind] = frozenset({"plan", "disposition"})


def is_long_past(sentence: str) -> bool:
    """Tell whether a sentence dates an injury years back."""
    return _cue("long_past").search(sentence) is not None


def seventh_character(reading: NoteReading) -> str:
    """Return A for active treatment, D for healing and aftercare, S for a sequela."""
    told = [s.text for s in reading.sentences if s.kind not in _AHEAD]
    if any(_cue("sequela").search(text) for text in told):
        return "S"
    return "D" if any(_cue("subsequent").search(text) for text in told) else "A"


def with_seventh(stem: str, character: str) -> str:
    """Return a code of six characters or fewer, filled up with X, and its 7th character."""
    characters = stem.replace(".", "").ljust(6, "X")
    return f"{characters[:3]}.{characters[3:]}{character}"
