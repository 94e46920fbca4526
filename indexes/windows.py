"""The pieces of a note that are looked up one by one: clauses and whole sentences.

A code title is a few words long, a sentence often names several findings; a clause comes nearest to
one finding. Offsets always point into the note as given.
"""

import re
from collections.abc import Iterator, Mapping

from knowledge.language import Language
from knowledge.note_text import Note, SectionKind, Span

# Bounds the work for a note of any length; a CodiEsp note has about 70 windows, a long hospital
# discharge summary about 300.
MAX_WINDOWS = 600
# Longer stretches without punctuation (tables, pasted text) are cut at white space: the encoder
# reads 128 tokens.
MAX_WINDOW_CHARACTERS = 400

_SEPARATING_WORDS: Mapping[Language, str] = {
    "en": "and|with|without|or|but|which|that|who|due to|secondary to|showed|revealed|presented"
    "|suggestive of|compatible with|diagnosis of|diagnosed with|history of",
    "es": "y|e|o|u|con|sin|ni|pero|que|quien|cuyo|cuya|debid[oa]s? a|secundari[oa]s? a|mostr[óo]"
    "|muestra|revel[óo]|presenta|present[óo]|presentaba|sugestiv[oa]s? de|sugerentes? de"
    "|compatibles? con|diagn[óo]stico de|diagnosticad[oa]s? de|antecedentes? de|historia de",
}
_SEPARATORS = {
    language: re.compile(rf"[,;:()]\s*|\.\s+|\s+(?:{words})\s+", re.IGNORECASE)
    for language, words in _SEPARATING_WORDS.items()
}
_WORD = re.compile(r"[^\W\d_]{3}")
_EDGE = " \t\r\n\xa0.,;:()"
# Where a note exceeds the limit, these sections are read first.
_DIAGNOSTIC: frozenset[SectionKind] = frozenset(
    {"diagnoses", "assessment", "hospital_course", "chief_complaint", "history_present"}
)


def windows(note: Note) -> list[Span]:
    """Return clauses and sentences of a note, each wording once, in the order of the note.

    Args:
        note: The note.

    Returns:
        Spans without white space or punctuation at their edges. At most `MAX_WINDOWS`; where the
        note has more, those of sections that state diagnoses are kept first.
    """
    found: dict[str, tuple[bool, Span]] = {}
    for sentence in note.sentences:
        minor = note.sections[sentence.section].kind not in _DIAGNOSTIC
        for span in _pieces(note, sentence.span):
            found.setdefault(note.slice(span).lower(), (minor, span))
    kept = sorted(found.values())[:MAX_WINDOWS]
    return sorted(span for _, span in kept)


def _pieces(note: Note, sentence: Span) -> Iterator[Span]:
    """Yield the clauses of a sentence, then the sentence itself."""
    text, start = note.text, sentence.start
    for separator in _SEPARATORS[note.language].finditer(text, sentence.start, sentence.end):
        yield from _bounded(text, start, separator.start())
        start = separator.end()
    yield from _bounded(text, start, sentence.end)
    if start > sentence.start:
        yield from _bounded(text, sentence.start, sentence.end)


def _bounded(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield a stretch without its edges, cut where it is too long, if it holds a word."""
    while start < end and text[start] in _EDGE:
        start += 1
    while start < end and text[end - 1] in _EDGE:
        end -= 1
    if end - start > MAX_WINDOW_CHARACTERS:
        cut = max(
            text.rfind(" ", start + 1, start + MAX_WINDOW_CHARACTERS),
            start + MAX_WINDOW_CHARACTERS // 2,
        )
        yield from _bounded(text, start, cut)
        yield from _bounded(text, cut, end)
    elif _WORD.search(text, start, end):
        yield Span(start, end)
