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
from indexes.implications import Implications
from indexes.note_facts import NoteFacts
from indexes.term_codes import Found, TermCodes
from indexes.term_table import Term, TermKind
from indexes.title_grammar import composed_terms
from indexes.tokens import Token, stem, text_stems, token_stems, tokenise
from knowledge.abbreviations import Abbreviation
from knowledge.body_sites import load_readings
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
_IMPLIED = 0.9  # and a word that stands for that of the term ("heel" for foot)
_COMPOSED = 0.85  # and a wording that only the grammar of a title holds
_SILENCED = 0.4  # a term inside a longer one
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
# "Pressure ulcer of other site": no note calls a site so.
_OTHER_SITE = re.compile(r"\bof other (?:specified )?(?:sites?|parts?)\b")
_NEGATIONS = frozenset({"no", "without", "not"})
_ABSENT = re.compile(r"\b(?:no|not|without)\b[^,]*", re.I)
_NEGATION_ENDS = frozenset({"but", "with", "has", "had", "is", "was"})
_NEGATION_REACH = 4  # tokens, the negation itself included
_MAX_MENTIONS = 5
_MAX_TOKENS = 120  # of a sentence; longer ones (tables, pasted results) are read in pieces


@dataclass(slots=True)
class _Reading:
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

    def claimed(self, match: "_Match", spoken: Iterable["_Match"]) -> frozenset[int]:
        """Return the places of other mentions; what is said next to a mention belongs to it too."""
        return frozenset().union(*(o.places for o in spoken if self._is_apart(match, o)))

    def _is_apart(self, match: "_Match", other: "_Match") -> bool:
        if not match.places.isdisjoint(other.places):
            return False
        first, last = self.content[min(match.places)], self.content[max(match.places)]
        start, end = self.content[min(other.places)], self.content[max(other.places)]
        following = self.tokens[max(match.places) + 1 :][:1]
        joined = any(token.text.lower() in _JOINING for token in following)
        return max(start - last, first - end) > (_JOINED_REACH if joined else 1)


@dataclass(frozen=True, slots=True)
class _Match:
    term: int
    places: frozenset[int]
    score: float
    implied: bool


def _is_without(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a token ends "w/o"."""
    return [t.text.lower() for t in tokens[max(place - 2, 0) : place + 1]] == ["w", "/", "o"]


def _still_ruled_out(left: int, word: str) -> int:
    """Return for how many tokens a negation still holds, the one at hand included."""
    if word in _NEGATIONS:
        return _NEGATION_REACH
    return max(left - 1, 0) if word.isalnum() and word not in _NEGATION_ENDS else 0


def _crosses_negation(
    nearest: Mapping[str, int], absent: frozenset[str], negated: Collection[int]
) -> bool:
    """Tell whether a match joins what a note rules out with what it does not.

    Args:
        nearest: Places of the stems of a term.
        absent: Stems that the term itself says are not there, its negation among them.
        negated: Places that the note rules out.
    """
    places = {place for s, place in nearest.items() if s not in absent}
    return 0 < sum(place in negated for place in places) < len(places)


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
        terms = [term for term in terms if not _OTHER_SITE.search(term.text)]
        self._terms = [*terms, *composed_terms(terms, system)]
        self._known_words = known_words
        self._system = system
        frequency = Counter(s for term in terms for s in term.stems)
        self._idf = {s: math.log(1 + len(terms) / n) for s, n in frequency.items()}
        first_composed = len(terms)
        self._by_rarest: dict[str, list[int]] = defaultdict(list)
        self._weights: list[float] = []
        self._absent: dict[int, frozenset[str]] = {}
        seen: Counter[frozenset[str]] = Counter()
        for number, term in enumerate(self._terms):
            rarest = max(term.stems, key=lambda s: (self._idf[s], s))
            self._by_rarest[rarest].append(number)
            information = 1 - math.exp(-sum(self._idf[s] for s in term.stems) / 5)
            rank_weight = _SECOND_CODE ** seen[term.stems]
            if term.kind == "synonym":
                information = max(information, _MAIN_TERM)
            kind_weight = _KIND_WEIGHT[term.kind] * (1 if number < first_composed else _COMPOSED)
            self._weights.append(kind_weight * information * rank_weight)
            seen[term.stems] += 1
            if not _NEGATIONS.isdisjoint(term.stems):
                self._absent[number] = text_stems(" ".join(_ABSENT.findall(term.text)))
        self._codes = TermCodes(system)
        self._implications = Implications(load_readings())
        self._abbreviations = _AbbreviationReader(abbreviations)
        self._correct = functools.lru_cache(maxsize=50_000)(self._nearest_stem)

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` billable codes whose wording the note holds, best first."""
        facts = NoteFacts(note)
        read = (
            one
            for sentence in note.sentences
            for reading in self._readings(note, sentence)
            for one in self._read(reading, facts)
        )
        mentions = self._codes.settle(read, facts)
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

    def _imply(self, reading: _Reading) -> None:
        """Place the words of titles that words of the note stand for."""
        for place, stems in list(self._implications.read(reading.places)):
            for s in stems:
                if place not in reading.places.get(s, ()):
                    reading.places[s].append(place)
                    reading.implied.add((s, place))

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

    def _read(self, reading: _Reading, facts: NoteFacts) -> Iterable[Found]:
        present = reading.places.keys()
        matches = [
            match
            for rarest in present
            for number in self._by_rarest.get(rarest, ())
            if self._terms[number].stems <= present
            for match in self._matches(reading, number, rarest)
        ]
        judged = list(self._silence(matches))
        spoken = [match for match, silenced in judged if not silenced]
        for match, silenced in judged:
            if silenced and match.implied:
                continue
            term = self._terms[match.term]
            score = match.score * (_SILENCED if silenced else 1.0)
            mention = Mention(reading.span(match.places), min(score, 1.0), term.text, self.name)
            near, absent = reading.around(match.places, reading.claimed(match, spoken))
            wording = term.stems | text_stems(self._system.get(term.code).title)
            around = facts.around(mention.span, near, absent, wording)
            yield from self._codes.of(term.code, mention, around)

    def _matches(self, reading: _Reading, number: int, rarest: str) -> Iterable[_Match]:
        """Yield the places where all stems of a term stand close together."""
        stems = self._terms[number].stems
        for anchor in reading.places[rarest]:
            nearest = {s: min(reading.places[s], key=lambda p: abs(p - anchor)) for s in stems}
            places = frozenset(nearest.values())
            first, last = min(places), max(places)
            foreign = reading.content[last] - reading.content[first] + 1 - len(places)
            if foreign >= len(places):
                continue
            closeness = len(stems) / (len(stems) + 0.5 * max(0, foreign))
            trust = math.prod(reading.trust.get(p, 1.0) for p in places)
            if _crosses_negation(nearest, self._absent.get(number, frozenset()), reading.negated):
                continue
            implied = any(taken in reading.implied for taken in nearest.items())
            if implied and len(places) == 1:
                continue  # one word that says it all stands in the table of terms
            trust *= _IMPLIED if implied else 1.0
            yield _Match(number, places, self._weights[number] * closeness * trust, implied)

    def _silence(self, matches: list[_Match]) -> Iterable[tuple[_Match, bool]]:
        """Mark the matches that say less than a longer match of the same words."""
        kept: list[_Match] = []
        for match in sorted(
            matches,
            key=lambda m: (len(m.places), not m.implied, self._length(m), m.score, -m.term),
            reverse=True,
        ):
            silenced = any(self._says_less(match, longer) for longer in kept)
            if not silenced:
                kept.append(match)
            yield match, silenced

    def _says_less(self, match: _Match, longer: _Match) -> bool:
        if match.implied and not longer.implied and match.places <= longer.places:
            return True
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
