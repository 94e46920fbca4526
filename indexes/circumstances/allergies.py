"""Allergy status (Z88, Z91.0) from the list of allergies and from "allergic to"."""

import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstances import load_allergens

_BEFORE, _AFTER = 8, 3  # words in which the cue is sought
_CUE_BEFORE = re.compile(
    r"\b(?:allerg(?:y|ies|ic)(?: (?:to|of|includes?|including)\b|\s*:)|anaphyla\w+ (?:to|from|with|after)|all:)"
    r"(?:(?!\b(?:takes?|on|for|given|tolerat\w+|denies)\b)[^.;\n])*$",
    re.I,
)
_CUE_AFTER = re.compile(r"^\s*(?:-|–)?\s*(?:allerg(?:y|ies|ic)|anaphylaxis)\b", re.I)
# In a list of allergies: what follows tells of no allergen.
_NO_ALLERGEN = re.compile(
    r"\b(?:tolerat\w+|ok with|no reaction to|can take|treated with|except|gives?n?)\b", re.I
)
_REACTION = re.compile(r"\b(?:reaction|causes?|with|from)\s*$", re.I)
_NOT_ALLERGIC = re.compile(
    r"\b(?:not a true allergy|removed from (?:the |his |her )?(?:allergy )?list|delabel\w*)", re.I
)
# The code of the food where its baked form is tolerated.
_BAKED = {"Z91.0110": "Z91.0111", "Z91.0120": "Z91.0121"}
_BAKED_TOLERATED = re.compile(
    r"\bbaked (?:egg|milk)\w* (?:tolerat|without|ok|fine)|\b(?:tolerat|eats)\w* .{0,40}\bbaked (?:egg|milk)",
    re.I,
)
# An allergic disease of its own, not a status.
_DISEASE = re.compile(r"^\s*(?:rhinitis|conjunctivitis|colitis|proctocolitis|dermatitis)", re.I)


def read_allergies(reading: NoteReading) -> Iterator[Found]:
    """Yield the codes of allergy status."""
    for match, code in reading.matches(load_allergens()):
        if _is_allergy(match, reading):
            baked = _BAKED.get(code) if _BAKED_TOLERATED.search(reading.note.text) else None
            yield Found(baked or code, match.span)


def _is_allergy(match: Match, reading: NoteReading) -> bool:
    before, after = match.before(_BEFORE), match.after(_AFTER)
    if reading.assertion(match.span) not in ("present", "historical"):
        return False
    if _NOT_ALLERGIC.search(match.sentence.text):
        return False
    if match.sentence.kind == "allergies" and reading.in_list(match):
        return not _NO_ALLERGEN.search(before) and not _REACTION.search(before)
    if _CUE_BEFORE.search(before) and not _NO_ALLERGEN.search(before):
        return True
    return _CUE_AFTER.search(after) is not None and not _DISEASE.search(after)
