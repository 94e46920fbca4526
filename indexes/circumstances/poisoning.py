"""Poisoning, adverse effect and underdosing of drugs (T36-T50), by class and wording (I.C.19.e)."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexes.circumstances.episode import with_seventh
from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstance_cues import cue
from knowledge.circumstances import DrugClass, load_drug_classes
from knowledge.note_text import SectionKind, Span

_cue = functools.partial(cue, "poisoning")
_BARRED: frozenset[SectionKind] = frozenset({"allergies", "family_history", "past_history"})
_BEFORE, _AFTER = 7, 7  # words in which the wording is sought
_POISONING = ("1", "2", "4")
_UNDERDOSING = "6"
# First the reason that tells most; whether it is the caregiver's.
_REASONS = (
    (True, "cost", "Z91.A20"),
    (False, "cost", "Z91.120"),
    (False, "frail", "Z91.130"),
    (False, "forgot", "Z91.138"),
    (True, "chose", "Z91.A28"),
    (False, "chose", "Z91.128"),
)


class _Substance(NamedTuple):
    """A drug that did harm: its code up to the intent, the intent, and its name in the note."""

    stem: str
    intent: str
    match: Match


def read_poisoning(reading: NoteReading) -> Iterator[Found]:
    """Yield the T codes of drugs that the note calls the cause of an illness, with why too little.

    A drug that was taken as poison has no adverse effect besides.
    """
    found = _substances(reading)
    poisons = {substance.stem for substance in found if substance.intent in _POISONING}
    for stem, intent, match in found:
        if intent in _POISONING or stem not in poisons:
            yield Found(with_seventh(stem + intent, "A"), match.span)
        if intent == _UNDERDOSING:
            yield from _reason(match, reading)


def is_poisoned(reading: NoteReading) -> bool:
    """Tell whether the note is about a poisoning."""
    return any(substance.intent in _POISONING for substance in _substances(reading))


def _substances(reading: NoteReading) -> list[_Substance]:
    _, tree = load_drug_classes()
    named = list(reading.matches(tree))
    found: list[_Substance] = []
    for match, drug in named:
        if drug.poisoning is None or match.sentence.kind in _BARRED:
            continue
        intent = _intent(match, reading)
        if intent:
            stem = _meant(drug, [other for _, other in named]) or drug.poisoning
            found.append(_Substance(stem, intent, match))
    return found


def _meant(drug: DrugClass, others: Sequence[DrugClass]) -> str | None:
    """Return the code of the drug that the name of a group stands for in a note."""
    if not drug.unnamed:
        return None
    same = (other for other in others if other.code == drug.code and not other.unnamed)
    return next((other.poisoning for other in same), None)


def _reason(match: Match, reading: NoteReading) -> Iterator[Found]:
    """Yield why a drug was underdosed (Z91.12, Z91.13, Z91.14, Z91.A2)."""
    text = match.sentence.text
    for by_caregiver, name, code in _REASONS:
        words = _cue(name).search(text)
        if words and by_caregiver == (_cue("caregiver").search(text) is not None):
            start = match.sentence.span.start
            yield Found(code, Span(start + words.start(), start + words.end()))
            return


def _intent(match: Match, reading: NoteReading) -> str | None:
    """Return the character of intent or way of acting, None where the drug is no cause."""
    if reading.assertion(match.span) not in ("present", "historical", "possible"):
        return None
    before, after = match.before(_BEFORE), match.after(_AFTER)
    sentence = match.sentence.text
    if _cue("overdose_before").search(before) or _cue("overdose_after").search(after):
        return None if _cue("history").search(before) else _overdose_intent(reading.note.text)
    if reading.assertion(match.span) == "possible":
        return None
    if (
        _cue("underdosed_before").search(before)
        and _cue("reason").search(sentence)
        and not _cue("ordered").search(sentence)
    ):
        return _UNDERDOSING
    if _cue("no_effect").search(before) or _cue("allergy").search(after):
        return None
    if _cue("history").search(before):
        return None
    if _cue("effect_before").search(before) or _cue("effect_after").search(after):
        return "5"
    return None


def _overdose_intent(text: str) -> str:
    """Return the intent of an overdose; accidental where nothing is said (I.C.19.e.5.b)."""
    if _cue("undetermined").search(text):
        return "4"
    return "2" if _cue("self_harm").search(text) and not _cue("no_self_harm").search(text) else "1"
