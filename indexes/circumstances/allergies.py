"""Allergy status (Z88, Z91.0) from the list of allergies and from "allergic to"."""

import functools
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstance_cues import cue
from knowledge.circumstances import load_allergens

_cue = functools.partial(cue, "allergies")
_BEFORE, _AFTER = 8, 3  # words in which the cue is sought
# The code of the food where its baked form is tolerated.
_BAKED = {"Z91.0110": "Z91.0111", "Z91.0120": "Z91.0121"}


def read_allergies(reading: NoteReading) -> Iterator[Found]:
    """Yield the codes of allergy status."""
    for match, code in reading.matches(load_allergens()):
        if _is_allergy(match, reading):
            baked = _BAKED.get(code) if _cue("baked_tolerated").search(reading.note.text) else None
            yield Found(baked or code, match.span)


def _is_allergy(match: Match, reading: NoteReading) -> bool:
    before, after = match.before(_BEFORE), match.after(_AFTER)
    if reading.assertion(match.span) not in ("present", "historical"):
        return False
    if _cue("not_allergic").search(match.sentence.text):
        return False
    if match.sentence.kind == "allergies" and reading.in_list(match):
        return not _cue("no_allergen").search(before) and not _cue("reaction").search(before)
    if _cue("cue_before").search(before) and not _cue("no_allergen").search(before):
        return True
    return _cue("cue_after").search(after) is not None and not _cue("disease").search(after)
