"""The episode of care that the 7th character of an injury tells (I.C.19.a)."""

import re

from indexes.circumstances.reading import NoteReading
from knowledge.note_text import SectionKind

_AHEAD: frozenset[SectionKind] = frozenset({"plan", "disposition"})
_SEQUELA = re.compile(
    r"\b(?:sequelae?|late effects?|residual (?:from|of)|(?:due to|from|after) (?:an? )?(?:old|remote|prior) "
    r"(?:fracture|injury|burn|crush|laceration)|post-?traumatic (?:arthritis|osteoarthritis))\b",
    re.I,
)
_NUMBER = r"(?:\d+|two|three|four|five|six|seven|eight|ten|twelve)"
_SUBSEQUENT = re.compile(
    r"\b(?:follow[- ]?up (?:visit|for|of|after)|fracture (?:clinic|follow)|ortho(?:paedic|pedic)? follow|returns for|re-?check|"
    rf"{_NUMBER}(?:[- ]?(?:to|-)[- ]?{_NUMBER})?[- ](?:weeks?|wks?|months?|mos?)[- ](?:s/p|post|status post|after|out|following|ago)|"
    r"delayed healing|nonunion|non-union|malunion|routine healing|healing (?:well|fracture|as expected)|"
    r"cast (?:off|removal|removed|change)|suture removal|staple removal|callus|interval healing|post-?op(?:erative)? (?:visit|week|check)|"
    r"aftercare|subsequent encounter)",
    re.I,
)


_LONG_PAST = re.compile(r"\b(?:(?:19|20)\d\d|years ago|as a child|in childhood)\b", re.I)


def is_long_past(sentence: str) -> bool:
    """Tell whether a sentence dates an injury years back."""
    return _LONG_PAST.search(sentence) is not None


def seventh_character(reading: NoteReading) -> str:
    """Return A for active treatment, D for healing and aftercare, S for a sequela."""
    told = [s.text for s in reading.sentences if s.kind not in _AHEAD]
    if any(_SEQUELA.search(text) for text in told):
        return "S"
    return "D" if any(_SUBSEQUENT.search(text) for text in told) else "A"


def with_seventh(stem: str, character: str) -> str:
    """Return a code of six characters or fewer, filled up with X, and its 7th character."""
    characters = stem.replace(".", "").ljust(6, "X")
    return f"{characters[:3]}.{characters[3:]}{character}"
