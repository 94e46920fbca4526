"""Tobacco: current dependence by product (F17), former (Z87.891), or neither (I.C.5.b)."""

import functools
import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, NoteReading, ReadSentence
from knowledge.circumstance_cues import cue
from knowledge.note_text import SectionKind, Span

_cue = functools.partial(cue, "tobacco")
_BARRED: frozenset[SectionKind] = frozenset({"family_history", "disposition"})
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
    # A product is more than "smoker"; two products are two codes.
    if any(found.code != "F17.200" for found in current):
        current = [found for found in current if found.code != "F17.200"]
    yield from current or former


def _read(
    sentence: ReadSentence,
    topic: re.Match[str],
    current: list[Found],
    former: list[Found],
    reading: NoteReading,
) -> None:
    text = sentence.text
    if _cue("others").search(text) and not _cue("own").search(text):
        return
    start = sentence.span.start
    span = Span(start + topic.start(), start + topic.end())
    if reading.assertion(span) in ("family", "hypothetical"):
        return
    if _cue("never").search(text) and not _cue("stopped").search(text):
        return
    over = _cue("former").search(text)
    if over and not _cue("not_quit").search(text):
        low, high = min(over.start(), topic.start()), max(over.end(), topic.end())
        former.append(Found("Z87.891", Span(start + low, start + high)))
        return
    if _cue("cessation_only").search(text) and not _cue("cigarette").search(text):
        return
    if reading.assertion(span) == "absent":
        return
    if _cue("current").search(text):
        course = "1" if _cue("remission").search(text) else "0"
        current.append(Found(_PRODUCTS[_product(text)] + course, span))


def _product(text: str) -> str:
    if _cue("chew").search(text):
        return "chew"
    if _cue("cigarette").search(text):
        return "cigarette"
    return "other" if _cue("vape").search(text) else ""
