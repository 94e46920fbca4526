"""Term look-up: candidates whose wording stands in a sentence of the note.

Works as a coder uses an index: all words of a term must occur close together in one sentence, in
any order ("fracture of the left femoral neck" finds "femoral neck fracture"), and a longer term
silences the shorter ones inside it ("lobar pneumonia" silences "pneumonia"). How a sentence is read
is in `indexes.sentence_reading`, how a term becomes a code in `indexes.term_codes`.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexes.candidates import Candidate, Mention
from indexes.note_facts import NoteFacts
from indexes.sentence_reading import NEGATIONS, Reading, SentenceReader
from indexes.term_codes import Found, TermCodes
from indexes.term_table import Term, TermKind
from indexes.title_grammar import composed_terms
from indexes.tokens import text_stems
from knowledge.abbreviations import Abbreviation
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note, Span

# Those of the official tables are set by hand, after what each is next to.
_KIND_WEIGHT: Mapping[TermKind, float] = {
    "synonym": 1.0,
    "index": 1.0,
    "title": 1.0,
    "inclusion": 0.95,
    "neoplasm": 0.95,
    "drug": 0.95,
    "external": 0.85,
    "icd9": 0.85,
    "form": 0.9,
    "mesh": 0.85,
}
# A main term of our own seed is chosen to stand alone, however common its words are.
_MAIN_TERM = 0.8
_SECOND_CODE = 0.7  # and a wording's second code, third code ...
_IMPLIED = 0.9  # and a word that stands for that of the term ("heel" for foot)
_COMPOSED = 0.85  # and a wording that only the grammar of a title holds
_SILENCED = 0.4  # a term inside a longer one
# "Pressure ulcer of other site": no note calls a site so.
_OTHER_SITE = re.compile(r"\bof other (?:specified )?(?:sites?|parts?)\b")
_ABSENT = re.compile(r"\b(?:no|not|without)\b[^,]*", re.I)
_MAX_MENTIONS = 5


@dataclass(frozen=True, slots=True)
class _Match:
    term: int
    places: frozenset[int]
    score: float
    implied: bool


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
            if not NEGATIONS.isdisjoint(term.stems):
                self._absent[number] = text_stems(" ".join(_ABSENT.findall(term.text)))
        self._codes = TermCodes(system)
        texts = [term.text for term in self._terms]
        self._reader = SentenceReader(texts, self._idf.keys(), abbreviations, known_words)

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` billable codes whose wording the note holds, best first."""
        facts = NoteFacts(note)
        read = (
            one
            for sentence in note.sentences
            for reading in self._reader.readings(note, sentence)
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

    def _read(self, reading: Reading, facts: NoteFacts) -> Iterable[Found]:
        present = reading.places.keys()
        matches = [
            match
            for rarest in present
            for number in self._by_rarest.get(rarest, ())
            if self._terms[number].stems <= present
            for match in self._matches(reading, number, rarest)
        ]
        judged = list(self._silence(matches))
        spoken = [match.places for match, silenced in judged if not silenced]
        for match, silenced in judged:
            if silenced and match.implied:
                continue
            term = self._terms[match.term]
            score = match.score * (_SILENCED if silenced else 1.0)
            mention = Mention(reading.span(match.places), min(score, 1.0), term.text, self.name)
            near, absent = reading.around(match.places, reading.claimed(match.places, spoken))
            wording = term.stems | text_stems(self._system.get(term.code).title)
            around = facts.around(mention.span, near, absent, wording)
            yield from self._codes.of(term.code, mention, around)

    def _matches(self, reading: Reading, number: int, rarest: str) -> Iterable[_Match]:
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
