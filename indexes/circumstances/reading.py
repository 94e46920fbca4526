"""A note as the readers of circumstances see it: its sentences by word, and what is said there."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from knowledge.assertion import Assertion, AssertionAnnotator
from knowledge.circumstances import Side
from knowledge.note_text import Note, SectionKind, Span
from knowledge.phrases import PhraseToken, PhraseTree, phrase_tokens

_T = TypeVar("_T")
_AGE = re.compile(
    r"\b(?P<number>\d{1,3})\s*-?\s*(?P<unit>years?|yrs?|y|months?|mos?|m|weeks?|wks?|w|days?|d)"
    r"(?:\s*[-/.]?\s*(?P<old>o(?:ld)?\b)|(?=\s*(?:[MF]\b|male|female|boy|girl|man|woman)))",
    re.I,
)
_YEARS = {"y": 1.0, "m": 1 / 12, "w": 1 / 52, "d": 1 / 365}
_MAJORITY = 18.0
_RIGHT = frozenset({"right", "rt", "r", "right-sided"})
_LEFT = frozenset({"left", "lt", "l", "left-sided"})
_BOTH = frozenset({"bilateral", "bilaterally", "b/l", "both", "bilat"})
_SUFFIX = re.compile(r"-(?=(?:induced|related|associated|dependent)\b)", re.I)
_SIDE_REACH = 4  # words on either side of a phrase in which its side is sought


class Found(NamedTuple):
    """A code with the words that ask for it."""

    code: str
    span: Span


class ReadSentence(NamedTuple):
    """A sentence by word.

    Attributes:
        span: Where it stands in the note.
        text: Its characters.
        tokens: Its words, with offsets into ``text``.
        kind: Of its section.
    """

    span: Span
    text: str
    tokens: list[PhraseToken]
    kind: SectionKind


class Match(NamedTuple):
    """Tokens ``[first, last)`` of a sentence that a phrase covers."""

    sentence: ReadSentence
    first: int
    last: int

    @property
    def span(self) -> Span:
        """Where they stand in the note."""
        tokens, offset = self.sentence.tokens, self.sentence.span.start
        return Span(offset + tokens[self.first].start, offset + tokens[self.last - 1].end)

    @property
    def text(self) -> str:
        """The words of the match."""
        tokens = self.sentence.tokens
        return self.sentence.text[tokens[self.first].start : tokens[self.last - 1].end]

    def before(self, words: int) -> str:
        """Return the text of up to ``words`` tokens before the match."""
        tokens = self.sentence.tokens
        start = tokens[max(0, self.first - words)].start
        return self.sentence.text[start : tokens[self.first].start]

    def after(self, words: int) -> str:
        """Return the text of up to ``words`` tokens behind the match."""
        tokens = self.sentence.tokens
        end = tokens[min(len(tokens), self.last + words) - 1].end
        return self.sentence.text[tokens[self.last - 1].end : end]


class NoteReading:
    """A note read once for all readers.

    Attributes:
        note: The note.
        sentences: Its sentences by word.
    """

    def __init__(self, note: Note) -> None:
        self.note = note
        self.sentences = [self._read(note, index) for index in range(len(note.sentences))]
        self._annotator = AssertionAnnotator(note)
        self._assertions: dict[Span, Assertion] = {}

    @staticmethod
    def _read(note: Note, index: int) -> ReadSentence:
        sentence = note.sentences[index]
        text = note.slice(sentence.span)
        kind = note.sections[sentence.section].kind
        # "NSAID-induced" names the drug; the offsets stay.
        return ReadSentence(sentence.span, text, phrase_tokens(_SUFFIX.sub(" ", text)), kind)

    def assertion(self, span: Span) -> Assertion:
        """Return what the note says of the words at ``span``."""
        if span not in self._assertions:
            self._assertions[span] = self._annotator.of(span).assertion
        return self._assertions[span]

    def in_list(self, match: Match) -> bool:
        """Tell whether a match stands in the list that the heading of its section opens.

        With text on the line of the heading that line is the list, else all up to a blank line.
        """
        note, start = self.note, match.span.start
        section = note.section_at(start)
        inline = "\n" not in note.text[section.span.start : section.body.start].lstrip()
        between = note.text[section.body.start : start].strip(" \t")
        return "\n" not in between if inline else "\n\n" not in between.lstrip("\n")

    @cached_property
    def minor(self) -> bool | None:
        """Whether the patient is under 18; None where the note gives no age."""
        age = _AGE.search(self.note.text)
        if age is None:
            return None
        return int(age["number"]) * _YEARS[age["unit"][0].lower()] < _MAJORITY

    def matches(self, tree: PhraseTree[_T]) -> Iterator[tuple[Match, _T]]:
        """Yield the phrases of a tree from left to right, the longest where two overlap."""
        for sentence in self.sentences:
            at = 0
            while at < len(sentence.tokens):
                found = tree.longest(sentence.tokens, at)
                if found:
                    last, value = found
                    yield Match(sentence, at, last), value
                    at = last
                else:
                    at += 1


def sides_of(match: Match) -> frozenset[Side]:
    """Return the sides that the words in and around a match name, the nearest ones."""
    tokens = match.sentence.tokens
    found: dict[int, frozenset[Side]] = {}
    low = max(0, match.first - _SIDE_REACH)
    for at in range(low, min(len(tokens), match.last + _SIDE_REACH)):
        sides = _sides(tokens[at].text)
        # Words behind the phrase count a little less: "right hip and left knee".
        distance = 2 * max(match.first - at, 0) + 3 * max(at - match.last + 1, 0)
        if sides:
            found.setdefault(distance, sides)
    return found[min(found)] if found else frozenset()


def _sides(word: str) -> frozenset[Side]:
    sides: list[Side] = []
    if word in _RIGHT or word in _BOTH:
        sides.append("right")
    if word in _LEFT or word in _BOTH:
        sides.append("left")
    return frozenset(sides)
