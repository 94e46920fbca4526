"""Poisoning, adverse effect and underdosing of drugs (T36-T50), by class and wording (I.C.19.e)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexes.circumstances.episode import with_seventh
from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstances import load_drug_classes
from knowledge.note_text import SectionKind, Span

_BARRED: frozenset[SectionKind] = frozenset({"allergies", "family_history", "past_history"})
_BEFORE, _AFTER = 7, 7  # words in which the wording is sought

_OVERDOSE_BEFORE = re.compile(
    r"\b(?:overdose\w*(?: (?:of|on|with|by))?|od(?:'d)? (?:on|of|with)|ingest\w+(?: of)?|poison\w*(?: (?:by|with|of|from))?|"
    r"toxic(?:ity)? (?:of|from)|swallowed|took (?:\d+|\w+|an? (?:handful|bottle) of) )(?:(?!\b(?:no|denies)\b)[^.;])*$",
    re.I,
)
_OVERDOSE_AFTER = re.compile(r"^[^.;,]{0,25}\b(?:overdose|ingestion|poisoning|od)\b", re.I)
_SELF_HARM = re.compile(
    r"\b(?:suicid\w+|self-?harm|intentional(?:ly)?|deliberate(?:ly)?|wanted to die|to end (?:his|her|their) life|"
    r"to kill (?:him|her|them)sel\w+)",
    re.I,
)
_NO_SELF_HARM = re.compile(
    r"\b(?:unintentional|accidental|not intentional|denies (?:any )?(?:suicid|si|intent)|no suicid|no intent)",
    re.I,
)
_UNDETERMINED = re.compile(
    r"\b(?:intent (?:is |was |remains )?(?:undetermined|cannot be determined|unclear|unknown))",
    re.I,
)
_TRANSITION = r"(?:an? |the |his |her |chronic |daily |long-term |recent |prolonged |long-?term |high-dose |home |use of |effects? of )*"
_EFFECT_BEFORE = re.compile(
    r"\b(?:adverse (?:drug )?(?:effects?|reactions?) (?:of|to|from|due to)|side effects? (?:of|from|to)|due to|secondary to|"
    rf"caused by|attributed to|induced by|related to|2/2|d/t|because of|reaction to|drug reaction to|interaction with|from|toxicity from|after starting) {_TRANSITION}$",
    re.I,
)
_EFFECT_AFTER = re.compile(
    r"^\s*(?:-|–)?\s*(?:induced|related|associated|use-related|side effects?|adverse effect|toxicity\b|rash\b|cough\b|hypersensitivity|hepatotoxicity|coagulopathy)",
    re.I,
)
# "Due to" a drug that is no effect of it.
_NO_EFFECT = re.compile(
    r"\b(?:allerg\w+|withdrawal (?:from)?|relief|benefit|switch(?:ed)? from|improv\w+|transition\w*|refus\w+|declin\w+|"
    r"weaned|stopped|holiday|range|recover\w*|taper\w*|away from|refills?|history of|anxiety about|noncompliance|nonadherence|"
    r"abuse|dependence|use disorder)\b",
    re.I,
)
_UNDERDOSED_BEFORE = re.compile(
    r"\b(?:stopped (?:taking )?|quit (?:taking )?|ran out of|skipp\w+ |missed |rationing |underdos\w+ of |non-?adheren\w+ (?:to|with)|"
    r"non-?complian\w+ (?:to|with)|not taking|off|could not afford|unable to afford|can't afford|taking less|taking half|"
    r"self-discontinued|under-?use of|underdosing of|gives (?:the|his|her)|forgot (?:to take )?|has not (?:taken|been taking))\s*(?:his|her|their|the|all|home|doses? of|of|prescribed|daily|\d+)*\s*(?:\w+ )?$",
    re.I,
)
_REASON = re.compile(
    r"\b(?:afford|cost|under-?use|because|ran out|skipp\w+|forgot\w*|non-?adheren\w+|non-?complian\w+|underdos\w+|rationing|stopped taking|quit (?:taking|her|his)|in place of|instead of (?:twice|daily))",
    re.I,
)
_HISTORY = re.compile(
    r"\b(?:history of|h/o|prior|previous|in (?:19|20)\d\d|years ago|in the past)\b", re.I
)
_ORDERED = re.compile(
    r"\b(?:by (?:his|her|the) (?:doctor|physician|pcp|cardiologist|surgeon|team)|as instructed|per |was stopped|was discontinued|weeks? before surgery|prior to surgery)\b",
    re.I,
)


_POISONING = ("1", "2", "4")
_UNDERDOSING = "6"
_CAREGIVER = re.compile(
    r"\b(?:caregiver|mom|mother|dad|father|parents?|guardian|grandmother|daughter|son)\b", re.I
)
_COST = re.compile(
    r"\b(?:(?:could|can|did) ?(?:not|n't) afford|can't afford|cannot afford|unable to afford|for cost|due to cost|copays?|cost|price|expens\w+|financial)\b[^.;]{0,20}",
    re.I,
)
_FORGOT = re.compile(r"\b(?:forg[eo]t\w*|unintentional\w*|inadvertent\w*)\b[^.;,]{0,30}", re.I)
_FRAIL = re.compile(
    r"\b(?:dementia|memory (?:loss|problems)|age-related|cognitive)\b[^.;,]{0,20}", re.I
)
_CHOSE = re.compile(
    r"\b(?:because|since|due to|as) (?:he|she|they|it|of|side effects|the)\b[^.;]{0,60}", re.I
)
# First the reason that tells most; whether it is the caregiver's.
_REASONS = (
    (True, _COST, "Z91.A20"),
    (False, _COST, "Z91.120"),
    (False, _FRAIL, "Z91.130"),
    (False, _FORGOT, "Z91.138"),
    (True, _CHOSE, "Z91.A28"),
    (False, _CHOSE, "Z91.128"),
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
    found: list[_Substance] = []
    for match, drug in reading.matches(tree):
        if drug.poisoning is None or match.sentence.kind in _BARRED:
            continue
        intent = _intent(match, reading)
        if intent:
            found.append(_Substance(drug.poisoning, intent, match))
    return found


def _reason(match: Match, reading: NoteReading) -> Iterator[Found]:
    """Yield why a drug was underdosed (Z91.12, Z91.13, Z91.14, Z91.A2)."""
    text = match.sentence.text
    for by_caregiver, pattern, code in _REASONS:
        words = pattern.search(text)
        if words and by_caregiver == (_CAREGIVER.search(text) is not None):
            start = match.sentence.span.start
            yield Found(code, Span(start + words.start(), start + words.end()))
            return


def _intent(match: Match, reading: NoteReading) -> str | None:
    """Return the character of intent or way of acting, None where the drug is no cause."""
    if reading.assertion(match.span) not in ("present", "historical", "possible"):
        return None
    before, after = match.before(_BEFORE), match.after(_AFTER)
    sentence = match.sentence.text
    if _OVERDOSE_BEFORE.search(before) or _OVERDOSE_AFTER.search(after):
        return None if _HISTORY.search(before) else _overdose_intent(reading.note.text)
    if reading.assertion(match.span) == "possible":
        return None
    if (
        _UNDERDOSED_BEFORE.search(before)
        and _REASON.search(sentence)
        and not _ORDERED.search(sentence)
    ):
        return _UNDERDOSING
    if _NO_EFFECT.search(before) or _HISTORY.search(before):
        return None
    if _EFFECT_BEFORE.search(before) or _EFFECT_AFTER.search(after):
        return "5"
    return None


def _overdose_intent(text: str) -> str:
    """Return the intent of an overdose; accidental where nothing is said (I.C.19.e.5.b)."""
    if _UNDETERMINED.search(text):
        return "4"
    return "2" if _SELF_HARM.search(text) and not _NO_SELF_HARM.search(text) else "1"
