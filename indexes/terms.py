"""Term look-up: candidates whose wording stands in a sentence of the note.

Works as a coder uses an index: all words of a term must occur close together in one sentence, in
any order ("fracture of the left femoral neck" finds "femoral neck fracture"). Abbreviations are
expanded, misspelt words are led to the nearest word of the vocabulary by rapidfuzz, and a longer
term silences the shorter ones inside it ("lobar pneumonia" silences "pneumonia").
"""

import functools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from indexes.candidates import Candidate, Mention
from indexes.specificity import specify
from indexes.term_table import Term, TermKind
from indexes.tokens import Token, stem, text_stems, token_stems, tokenise
from knowledge.abbreviations import Abbreviation
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note, Sentence, Span

# Those of the official tables are set by hand, after what each is next to.
_KIND_WEIGHT: Mapping[TermKind, float] = {
    "synonym": 1.0,
    "index": 1.0,
    "title": 1.0,
    "inclusion": 0.95,
    "neoplasm": 0.95,
    "drug": 0.95,
    "external": 0.85,
    "mesh": 0.85,
}
# A main term of our own seed is chosen to stand alone, however common its words are.
_MAIN_TERM = 0.8
_MISSPELT = 0.8  # a corrected word counts a little less than one written right
_AMBIGUOUS = 0.5  # so does an abbreviation with several meanings
_SECOND_CODE = 0.7  # and a wording's second code, third code ...
_SILENCED = 0.4  # a term inside a longer one
_MIN_FUZZY_LENGTH = 7
_WORD = re.compile(rf"[a-z]{{{_MIN_FUZZY_LENGTH - 1},}}")
# How many content tokens a punctuation mark counts: what it parts seldom belongs together.
_SEPARATION = {",": 1, ";": 2, ":": 1}
_CONTEXT = 5  # content tokens before and after a mention that may make its code more specific
_MAX_MENTIONS = 5
_MAX_TOKENS = 120  # of a sentence; longer ones (tables, pasted results) are read in pieces


@dataclass(slots=True)
class _Reading:
    """One sentence as the look-up reads it.

    Attributes:
        tokens: Tokens, with offsets into the note.
        places: For each stem the indices of its tokens.
        trust: For each token below 1 where it was corrected or is ambiguous.
        content: For each token how many content tokens stand before it.
        ends: Offset at which an abbreviation of several tokens ends, by its first token.
    """

    tokens: list[Token]
    places: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    trust: dict[int, float] = field(default_factory=dict)
    content: list[int] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)

    def span(self, places: Collection[int]) -> Span:
        """Return the span from the first to the last of some tokens."""
        last = max(places)
        return Span(self.tokens[min(places)].start, self.ends.get(last, self.tokens[last].end))

    def around(self, first: int, last: int) -> frozenset[str]:
        """Return the stems that stand between or near two tokens."""
        low, high = self.content[first] - _CONTEXT, self.content[last] + _CONTEXT
        return frozenset(
            s
            for s, places in self.places.items()
            if any(low <= self.content[place] <= high for place in places)
        )


@dataclass(frozen=True, slots=True)
class _Match:
    term: int
    places: frozenset[int]
    score: float


class TermGenerator:
    """Candidate codes by term look-up.

    Args:
        terms: The term table, best kind first.
        system: The code system of the terms.
        abbreviations: Clinical abbreviations to expand.
        known_words: Lower-case words that are spelt right though no term holds them; they are
            not corrected.
    """

    name = "terms"

    def __init__(
        self,
        terms: Sequence[Term],
        system: CodeSystem,
        abbreviations: Iterable[Abbreviation],
        known_words: Collection[str] = frozenset(),
    ) -> None:
        self._terms = terms
        self._known_words = known_words
        self._system = system
        frequency = Counter(s for term in terms for s in term.stems)
        self._idf = {s: math.log(1 + len(terms) / n) for s, n in frequency.items()}
        self._by_rarest: dict[str, list[int]] = defaultdict(list)
        self._weights: list[float] = []
        seen: Counter[frozenset[str]] = Counter()
        for number, term in enumerate(terms):
            rarest = max(term.stems, key=lambda s: (self._idf[s], s))
            self._by_rarest[rarest].append(number)
            information = 1 - math.exp(-sum(self._idf[s] for s in term.stems) / 5)
            rank_weight = _SECOND_CODE ** seen[term.stems]
            if term.kind == "synonym":
                information = max(information, _MAIN_TERM)
            self._weights.append(_KIND_WEIGHT[term.kind] * information * rank_weight)
            seen[term.stems] += 1
        self._abbreviations = _AbbreviationReader(abbreviations)
        self._correct = functools.lru_cache(maxsize=50_000)(self._nearest_stem)

    @property
    def table(self) -> Sequence[Term]:
        """The terms that it looks up."""
        return self._terms

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` billable codes whose wording the note holds, best first."""
        mentions: dict[str, list[Mention]] = defaultdict(list)
        for sentence in note.sentences:
            for reading in self._readings(note, sentence):
                for code, mention in self._read(reading):
                    mentions[code].append(mention)
        found = []
        for code, group in mentions.items():
            places: dict[Span, Mention] = {}
            for mention in sorted(group, key=lambda m: (-m.score, m.span)):
                places.setdefault(mention.span, mention)
            best = list(places.values())[:_MAX_MENTIONS]
            # A finding named again and again is a little likelier to be coded.
            score = best[0].score * (1 + 0.05 * math.log(len(places)))
            found.append(Candidate(code, score, tuple(best), {self.name: best[0].score}))
        return sorted(found, key=lambda c: (-c.score, c.code))[:k]

    def _readings(self, note: Note, sentence: Sentence) -> Iterable[_Reading]:
        text, offset = note.slice(sentence.span), sentence.span.start
        tokens = [Token(t.text, t.start + offset, t.end + offset) for t in tokenise(text)]
        expansions = self._abbreviations.read(text, offset)
        for first in range(0, len(tokens), _MAX_TOKENS):
            yield self._reading(tokens[first : first + _MAX_TOKENS], expansions)

    def _reading(self, tokens: list[Token], expansions: list["_Expansion"]) -> _Reading:
        reading = _Reading(tokens)
        content = 0
        covered_until = -1
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
            content += _SEPARATION.get(token.text, int(own is not None))
        return reading

    def _place(self, reading: _Reading, place: int, word: str, own: str) -> None:
        unknown = own not in self._idf and word not in self._known_words
        if unknown and len(word) >= _MIN_FUZZY_LENGTH and word.isalpha():
            corrected = self._correct(word)
            if corrected:
                reading.trust[place] = _MISSPELT
                own = corrected
        reading.places[own].append(place)

    @functools.cached_property
    def _vocabulary(self) -> dict[str, list[str]]:
        """The words of all terms by their first two letters, which people rarely get wrong."""
        words = {w for term in self._terms for w in _WORD.findall(term.text.lower())}
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

    def _read(self, reading: _Reading) -> Iterable[tuple[str, Mention]]:
        present = reading.places.keys()
        matches = [
            match
            for rarest in present
            for number in self._by_rarest.get(rarest, ())
            if self._terms[number].stems <= present
            for match in self._matches(reading, number, rarest)
        ]
        for match, silenced in self._silence(matches):
            term = self._terms[match.term]
            near = reading.around(min(match.places), max(match.places))
            code = specify(self._system, term.code, near)
            if code is None:
                continue
            score = match.score * (_SILENCED if silenced else 1.0)
            span = reading.span(match.places)
            yield code, Mention(span, min(score, 1.0), term.text, self.name)

    def _matches(self, reading: _Reading, number: int, rarest: str) -> Iterable[_Match]:
        """Yield the places where all stems of a term stand close together."""
        stems = self._terms[number].stems
        for anchor in reading.places[rarest]:
            places = frozenset(min(reading.places[s], key=lambda p: abs(p - anchor)) for s in stems)
            first, last = min(places), max(places)
            foreign = reading.content[last] - reading.content[first] + 1 - len(places)
            if foreign >= len(places):
                continue
            closeness = len(stems) / (len(stems) + 0.5 * max(0, foreign))
            trust = math.prod(reading.trust.get(p, 1.0) for p in places)
            yield _Match(number, places, self._weights[number] * closeness * trust)

    def _silence(self, matches: list[_Match]) -> Iterable[tuple[_Match, bool]]:
        """Mark the matches that say less than a longer match of the same words."""
        kept: list[_Match] = []
        for match in sorted(
            matches, key=lambda m: (self._length(m), m.score, -m.term), reverse=True
        ):
            silenced = any(self._says_less(match, longer) for longer in kept)
            if not silenced:
                kept.append(match)
            yield match, silenced

    def _says_less(self, match: _Match, longer: _Match) -> bool:
        if self._length(match) >= self._length(longer):
            return False
        # A word that occurs twice may have been taken from either place.
        inside = min(longer.places) <= min(match.places) and max(match.places) <= max(longer.places)
        part = self._terms[match.term].stems < self._terms[longer.term].stems
        return match.places <= longer.places or (inside and part)

    def _length(self, match: _Match) -> tuple[int, int]:
        # By words, then by stems: "HIV" is one word and holds both terms of its expansion.
        return len(match.places), len(self._terms[match.term].stems)


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
