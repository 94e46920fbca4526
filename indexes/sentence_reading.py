"""One sentence as the term look-up reads it: stems and where they stand.

Abbreviations are expanded, misspelt words are led to the nearest word of the vocabulary by
rapidfuzz, words for sites are read as titles call them, and what a negation rules out is marked.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from indexes.implications import Implications
from indexes.tokens import Token, stem, text_stems, token_stems, tokenise
from knowledge.abbreviations import Abbreviation
from knowledge.body_sites import load_readings
from knowledge.note_text import Note, Sentence, Span

_MISSPELT = 0.8  # a corrected word counts a little less than one written right
_AMBIGUOUS = 0.5  # so does an abbreviation with several meanings
_MIN_FUZZY_LENGTH = 7
_WORD = re.compile(rf"[a-z]{{{_MIN_FUZZY_LENGTH - 1},}}")
# How many content tokens a punctuation mark counts: what it parts seldom belongs together.
_SEPARATION = {",": 1, ";": 2, ":": 1}
# Words about a place that keep nothing apart: "the dorsal aspect of the right hand".
_NEUTRAL = frozenset(
    {
        "w",
        "right",
        "left",
        "bilater",
        "aspect",
        "region",
        "area",
        "surfac",
        "side",
        "dorsal",
        "ventral",
    }
)
_JOINING = frozenset({"with", "w"})
_JOINED_REACH = 3  # content tokens after "with" that belong to what stands before it
_CONTEXT = 7  # content tokens before and after a mention that may make its code more specific
NEGATIONS = frozenset({"no", "without", "not"})
_NEGATION_ENDS = frozenset({"but", "with", "has", "had", "is", "was"})
_NEGATION_REACH = 4  # tokens, the negation itself included
_MAX_TOKENS = 120  # of a sentence; longer ones (tables, pasted results) are read in pieces


@dataclass(slots=True)
class Reading:
    """One sentence as the look-up reads it.

    Attributes:
        tokens: Tokens, with offsets into the note.
        places: For each stem the indices of its tokens.
        implied: Stems, with the indices of their tokens, that another word of the note stands for.
        trust: For each token below 1 where it was corrected or is ambiguous.
        content: For each token how many content tokens stand before it.
        negated: Tokens that a word such as "no" rules out.
        ends: Offset at which an abbreviation of several tokens ends, by its first token.
    """

    tokens: list[Token]
    places: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    implied: set[tuple[str, int]] = field(default_factory=set)
    trust: dict[int, float] = field(default_factory=dict)
    content: list[int] = field(default_factory=list)
    negated: set[int] = field(default_factory=set)
    ends: dict[int, int] = field(default_factory=dict)

    def span(self, places: Collection[int]) -> Span:
        """Return the span from the first to the last of some tokens."""
        last = max(places)
        return Span(self.tokens[min(places)].start, self.ends.get(last, self.tokens[last].end))

    def around(
        self, mention: Collection[int], claimed: Collection[int]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Return the stems of a mention and those near it that no other mention claims.

        Those that a negation rules out, but not the mention, come second.
        """
        low = self.content[min(mention)] - _CONTEXT
        high = self.content[max(mention)] + _CONTEXT
        ruled_out = set() if self.negated.issuperset(mention) else self.negated
        near: set[str] = set()
        absent: set[str] = set()
        for s, places in self.places.items():
            for p in places:
                if low <= self.content[p] <= high and p not in claimed:
                    (absent if p in ruled_out else near).add(s)
        return frozenset(near), frozenset(absent)

    def claimed(self, mention: frozenset[int], spoken: Iterable[frozenset[int]]) -> frozenset[int]:
        """Return the places of other mentions; what is said next to a mention belongs to it too.

        Args:
            mention: Places of the mention.
            spoken: Places of the mentions of the sentence that no longer one silences.
        """
        return frozenset().union(*(places for places in spoken if self._is_apart(mention, places)))

    def _is_apart(self, mention: frozenset[int], other: frozenset[int]) -> bool:
        if not mention.isdisjoint(other):
            return False
        first, last = self.content[min(mention)], self.content[max(mention)]
        start, end = self.content[min(other)], self.content[max(other)]
        following = self.tokens[max(mention) + 1 :][:1]
        joined = any(token.text.lower() in _JOINING for token in following)
        return max(start - last, first - end) > (_JOINED_REACH if joined else 1)


class SentenceReader:
    """Reads the sentences of notes.

    Args:
        texts: The texts of all terms; misspelt words are led to theirs.
        stems: Their stems.
        abbreviations: Clinical abbreviations to expand.
        known_words: Lower-case words that are spelt right though no term holds them.
    """

    def __init__(
        self,
        texts: Iterable[str],
        stems: Collection[str],
        abbreviations: Iterable[Abbreviation],
        known_words: Collection[str],
    ) -> None:
        self._texts = texts
        self._stems = stems
        self._known_words = known_words
        self._implications = Implications(load_readings())
        self._abbreviations = _AbbreviationReader(abbreviations)
        self._correct = functools.lru_cache(maxsize=50_000)(self._nearest_stem)

    def readings(self, note: Note, sentence: Sentence) -> Iterator[Reading]:
        """Yield the readings of a sentence, of a long one in pieces."""
        text, offset = note.slice(sentence.span), sentence.span.start
        tokens = [Token(t.text, t.start + offset, t.end + offset) for t in tokenise(text)]
        expansions = self._abbreviations.read(text, offset)
        for first in range(0, len(tokens), _MAX_TOKENS):
            yield self._reading(tokens[first : first + _MAX_TOKENS], expansions)

    def _reading(self, tokens: list[Token], expansions: list["_Expansion"]) -> Reading:
        reading = Reading(tokens)
        content = 0
        covered_until = -1
        ruled_out = 0
        for place, (token, own) in enumerate(zip(tokens, token_stems(tokens), strict=True)):
            reading.content.append(content)
            for expansion in (e for e in expansions if e.span.start == token.start):
                covered_until = reading.ends[place] = expansion.span.end
                for s in expansion.stems:
                    reading.places[s].append(place)
                if expansion.ambiguous:
                    reading.trust[place] = _AMBIGUOUS
            if token.start >= covered_until and own:
                self._place(reading, place, token.text.lower(), own)
            word = "without" if _is_without(tokens, place) else token.text.lower()
            ruled_out = _still_ruled_out(ruled_out, word)
            if ruled_out:
                reading.negated.add(place)
            content += _SEPARATION.get(token.text, int(own is not None and own not in _NEUTRAL))
        self._imply(reading)
        return reading

    def _imply(self, reading: Reading) -> None:
        """Place the words of titles that words of the note stand for."""
        for place, stems in list(self._implications.read(reading.places)):
            for s in stems:
                if place not in reading.places.get(s, ()):
                    reading.places[s].append(place)
                    reading.implied.add((s, place))

    def _place(self, reading: Reading, place: int, word: str, own: str) -> None:
        unknown = own not in self._stems and word not in self._known_words
        if unknown and len(word) >= _MIN_FUZZY_LENGTH and word.isalpha():
            corrected = self._correct(word)
            if corrected:
                reading.trust[place] = _MISSPELT
                own = corrected
        reading.places[own].append(place)

    @functools.cached_property
    def _vocabulary(self) -> dict[str, list[str]]:
        """The words of all terms by their first two letters, which people rarely get wrong."""
        words = {word for text in self._texts for word in _WORD.findall(text.lower())}
        by_start: dict[str, list[str]] = defaultdict(list)
        for word in sorted(words):
            by_start[word[:2]].append(word)
        return by_start

    def _nearest_stem(self, word: str) -> str | None:
        """Return the stem of the term word within one edit (two from ten letters on), if any."""
        hit = process.extractOne(
            word,
            self._vocabulary.get(word[:2], ()),
            scorer=DamerauLevenshtein.distance,
            score_cutoff=1 if len(word) < 10 else 2,
        )
        return stem(hit[0]) if hit else None


def _is_without(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a token ends "w/o"."""
    return [t.text.lower() for t in tokens[max(place - 2, 0) : place + 1]] == ["w", "/", "o"]


def _still_ruled_out(left: int, word: str) -> int:
    """Return for how many tokens a negation still holds, the one at hand included."""
    if word in NEGATIONS:
        return _NEGATION_REACH
    return max(left - 1, 0) if word.isalnum() and word not in _NEGATION_ENDS else 0


@dataclass(frozen=True, slots=True)
class _Expansion:
    span: Span
    stems: frozenset[str]
    ambiguous: bool


class _AbbreviationReader:
    """Finds abbreviations in a sentence and gives the stems of their expansions."""

    def __init__(self, abbreviations: Iterable[Abbreviation]) -> None:
        self._readings: dict[str, list[Abbreviation]] = defaultdict(list)
        for entry in abbreviations:
            # One that negates ("NKDA", no known drug allergies) names nothing that is there.
            if not entry.expansion.startswith("no "):
                self._readings[entry.short.lower()].append(entry)
        shorts = sorted(self._readings, key=len, reverse=True)
        alternatives = "|".join(re.escape(s) for s in shorts)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.I) if shorts else None

    def read(self, text: str, offset: int) -> list[_Expansion]:
        """Return the expansions in ``text``, spans shifted by ``offset``."""
        found = []
        for m in self._pattern.finditer(text) if self._pattern else ():
            for entry in self._readings[m.group().lower()]:
                # An ambiguous one counts as usually written only: "PE" may be a diagnosis.
                strict = entry.case_sensitive or entry.ambiguous
                if m.group() == entry.short or not strict:
                    span = Span(m.start() + offset, m.end() + offset)
                    stems = text_stems(entry.expansion)
                    found.append(_Expansion(span, stems, entry.ambiguous))
        return found
