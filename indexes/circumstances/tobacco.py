"""Tobacco: current dependence by product (F17), former (Z87.891), or neither (I.C.5.b)."""

import functools
import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, NoteReading, ReadSentence
from knowledge.circumstance_cues import cue
from knowledge.note_text import SectionKind, Span

_cue = functools.partial(cue, "tobacco")
_BARRED: frozenset[SectionKind] = frozenset({"family_history", "disposition"})
_USE = "Z72.0"
_RANKS = {"F17.200": 1, _USE: 2}  # what tells less than a product
_PRODUCTS = {"cigarette": "F17.21", "chew": "F17.22", "other": "F17.29", "": "F17.20"}


def read_tobacco(reading: NoteReading) -> Iterator[Found]:
    """Yield the tobacco status of the patient, the current one where past and present are told."""
    current: list[Found] = []
    former: list[Found] = []
    for sentence in reading.sentences:
        if sentence.kind in _BARRED:
            continue
        topic = _cue("topic").search(sentence.text)
        if topic:
            _read(sentence, topic, current, former, reading)
    # A product is more than "smoker", that more than "use"; two products are two codes.
    most = min((_RANKS.get(found.code, 0) for found in current), default=0)
    yield from [found for found in current if _RANKS.get(found.code, 0) == most] or former


def _read(
    sentence: ReadSentence,
    topic: re.Match[str],
    current: list[Found],
    former: list[Found],
    reading: NoteReading,
) -> None:
    text, start = sentence.text, sentence.span.start
    span = Span(start + topic.start(), start + topic.end())
    assertion = reading.assertion(span)
    if assertion in ("family", "hypothetical") or _is_of_others(text):
        return
    if _cue("never").search(text) and not _cue("stopped").search(text):
        return
    over = _cue("former").search(text)
    if over and not _cue("not_quit").search(text):
        low, high = min(over.start(), topic.start()), max(over.end(), topic.end())
        former.append(Found("Z87.891", Span(start + low, start + high)))
    elif assertion != "absent" and _is_current(text):
        current.append(Found(_current_code(text), span))


def _is_of_others(text: str) -> bool:
    """Tell whether a sentence speaks of the smoke of others, or of other drugs."""
    return bool(_cue("others").search(text)) and not _cue("own").search(text)


def _is_current(text: str) -> bool:
    # Counselling on cessation alone does not say who smokes what.
    if _cue("cessation_only").search(text) and not _cue("cigarette").search(text):
        return False
    return _cue("current").search(text) is not None


def _current_code(text: str) -> str:
    if not _cue("dependence").search(text):
        return _USE
    return _PRODUCTS[_product(text)] + ("1" if _cue("remission").search(text) else "0")


def _product(text: str) -> str:
    if _cue("chew").search(text):
        return "chew"
    if _cue("cigarette").search(text):
        return "cigarette"
    return "other" if _cue("vape").search(text) else ""
