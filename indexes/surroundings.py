"""What stands around a mention and may make its code more specific.

Words near a mention say site, acuity and type; a stage or degree is read as one attribute, since
the figure alone means nothing ("3" of "3 weeks"). The side is that of the nearest word that names
one, else what the note says elsewhere of the same site (guideline section I.B.13).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from indexes.episodes import Episode
from indexes.tokens import text_stems
from knowledge.body_sites import site_words
from knowledge.note_text import Note, Span

Side = Literal["right", "left", "bilateral"]

_FIGURES = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "first": "1", "second": "2"}
_FIGURES |= {"third": "3", "1st": "1", "2nd": "2", "3rd": "3"}
_GRADED = re.compile(
    r"\b(?P<kind>stage|grade|ckd(?:\s*\(?stage)?)[\s:-]*(?P<figure>[1-5]|iv|i{1,3}|v)\s*(?P<part>[ab])?\b"
    r"|\b(?P<ordinal>first|second|third|1st|2nd|3rd)[\s-]degree\b"
    r"|\bpartial[\s-]thickness(?= burn)|\b(?P<open>unstageable)\b",
    re.I,
)
_SIDE_WORDS: Mapping[str, Side] = {
    "right": "right",
    "rt": "right",
    "r": "right",
    "left": "left",
    "lt": "left",
    "l": "left",
    "bilateral": "bilateral",
    "bilater": "bilateral",
    "bilaterally": "bilateral",
    "bilat": "bilateral",
    "both": "bilateral",
    "od": "right",
    "os": "left",
    "ou": "bilateral",
}
_SIDED = re.compile(
    r"(?<![\w'])(?:right|left|bilateral(?:ly)?|bilat|both)(?![\w'])"
    r"|(?<![\w'.])(?i:rt|lt)\b|(?<![\w'.-])(?:R|L|OD|OS|OU)(?![\w'.-])",
    re.I,
)
_SINGLE = re.compile(r"\A(?:[rl]|o[dsu])\Z", re.I)
_MAX_BETWEEN = 6  # words between a side and what it belongs to
_PARTING = re.compile(r"[;.]|\b(?:with|by|but|without|no|then)\b", re.I)
_REACH = 40  # characters after a side word within which the site stands that it belongs to


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What supports a more specific code.

    Attributes:
        near: Stems that stand near the mention, those of the mention itself among them.
        absent: Stems that stand near it and are ruled out.
        attributes: Stages and degrees near it, as `attributes` reads them.
        side: The side that the note gives; None where it gives none, or several.
        patient: Stems that hold for the whole note, such as those of sex.
        episode: Of an injury.
    """

    near: frozenset[str]
    absent: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    side: Side | None = None
    patient: frozenset[str] = frozenset()
    episode: Episode | None = None

    def tells(self, stems: Iterable[str]) -> bool:
        """Tell whether all stems stand near the mention or hold for the note."""
        return all(s in self.near or s in self.patient for s in stems)

    def tells_any(self, stems: Iterable[str]) -> bool:
        """Tell whether one of some stems stands near the mention."""
        return any(s in self.near for s in stems)


def attributes(text: str) -> frozenset[str]:
    """Return the stages, grades and degrees that a text names, all as in ``stage 3b``."""
    return frozenset(_attribute(match) for match in _GRADED.finditer(text)) - {""}


def without_attributes(text: str) -> str:
    """Return a text without the words of stages and degrees."""
    return _GRADED.sub(" ", text)


def _attribute(match: re.Match[str]) -> str:
    if match["open"]:
        return "unstageable"
    if match["ordinal"]:
        return f"stage {_FIGURES[match['ordinal'].lower()]}"
    if match["figure"]:
        figure = match["figure"].lower()
        return f"stage {_FIGURES.get(figure, figure)}{(match['part'] or '').lower()}"
    return "stage 2"  # a burn of partial thickness


def sides(text: str) -> Iterator[tuple[Side, int, int]]:
    """Yield the sides that a text names with the offsets of their words."""
    for match in _SIDED.finditer(text):
        word = match.group()
        if _SINGLE.match(word) and not word.isupper():
            continue
        yield _SIDE_WORDS[word.lower()], match.start(), match.end()


def side_of(stems: Collection[str]) -> Side | None:
    """Return the one side that the stems of a sentence name."""
    return _only({side for word, side in _SIDE_WORDS.items() if word in stems})


@dataclass(slots=True)
class SideReader:
    """Finds the side of a mention, in its sentence or where the note speaks of the same site."""

    note: Note
    _by_site: dict[str, set[Side]] | None = field(default=None, init=False)

    def of(self, span: Span, stems: Collection[str]) -> Side | None:
        """Return the side of what a span names, None where the note leaves it open.

        Args:
            span: The mention.
            stems: Stems of its wording and code, sites among them.
        """
        sentence = self.note.sentence_at(span.start)
        if sentence is None:
            return None
        start = sentence.span.start
        text = self.note.slice(sentence.span)
        here = _nearest(text, Span(span.start - start, max(span.end - start, 0)))
        if here:
            return here
        section = self.note.sections[sentence.section]
        named = {side for side, _, _ in sides(section.title)}
        if len(named) == 1:
            return named.pop()
        return self._elsewhere(stems)

    def _elsewhere(self, stems: Collection[str]) -> Side | None:
        if self._by_site is None:
            self._by_site = _sides_by_site(self.note.text)
        found: set[Side] = set()
        for stem in _site_stems().intersection(stems):
            found |= self._by_site.get(stem, set())
        return _only(found)


def _nearest(text: str, mention: Span) -> Side | None:
    """Return the side named inside a mention, else right before, else right after it."""
    found = list(sides(text))
    inside = {side for side, first, last in found if mention.start <= first and last <= mention.end}
    if inside:
        return _only(inside)
    before = [item for item in found if item[2] <= mention.start]
    if before and _belongs(text[before[-1][2] : mention.start]):
        return before[-1][0]
    after = [item for item in found if item[1] >= mention.end]
    if after and _belongs(text[mention.end : after[0][1]]):
        return _joined(after, text)
    return None


def _belongs(between: str) -> bool:
    """Tell whether a side and a mention belong together by the words between them."""
    return len(between.split()) <= _MAX_BETWEEN and not _PARTING.search(between)


def _joined(found: list[tuple[Side, int, int]], text: str) -> Side:
    """Return the first side, or both where "right and left" stand together."""
    first = found[0]
    if len(found) > 1 and re.fullmatch(r"\W*(?:and)?\W*", text[first[2] : found[1][1]]):
        return first[0] if first[0] == found[1][0] else "bilateral"
    return first[0]


def _only(found: Collection[Side]) -> Side | None:
    """Return the one side; both sides are bilateral only where the note says so."""
    return next(iter(found)) if len(found) == 1 else None


def _sides_by_site(text: str) -> dict[str, set[Side]]:
    found: dict[str, set[Side]] = {}
    for side, _, end in sides(text):
        reach = re.split(r"[.;,\n]", text[end : end + _REACH], maxsplit=1)[0]
        for stem in text_stems(reach) & _site_stems():
            found.setdefault(stem, set()).add(side)
    return found


def has_site(stems: Collection[str]) -> bool:
    """Tell whether stems name a site of the body."""
    return not _site_stems().isdisjoint(stems)


@lru_cache(maxsize=1)
def _site_stems() -> frozenset[str]:
    return frozenset(s for word in site_words() for s in text_stems(word))
