"""Mention dictionary: wordings that annotators marked as the reason for a code, found in a note.

Where the term look-up knows how a classification words a disease, this table knows how clinicians
word it and what coders made of it. Each n-gram of the table is a set of stems; it stands in a
sentence where all of them come close together, in any order. `indexes.mention_learning` learns the
table from coded notes.
"""

import functools
import gzip
import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from indexes.candidates import Candidate, Mention
from indexes.language import ENGLISH, WordForms
from indexes.tokens import tokenise
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

# Additive smoothing of the share of notes; chosen out-of-fold on CodiEsp train.
_PRIOR_COUNT = 0.2
_PRIOR_NOTES = 1.0
_PARTIAL = 0.5  # an n-gram that lacks a word of the marked wording
_CORRECTED = 0.5  # many a word that looks misspelt is another word
_MAX_MENTIONS = 5
_WORTH_SHOWING = 0.25  # of the best n-gram's probability; fainter ones only add to the score
_MAX_WORDS = 120  # content words of a sentence; longer ones (tables, pasted results) are cut
_MIN_FUZZY_LENGTH = 7
_WORD = re.compile(rf"[^\W\d_]{{{_MIN_FUZZY_LENGTH - 1},}}")
# One letter apart and yet opposites: such words are no misspellings of each other.
_PREFIX = re.compile(r"hyper|hypo|inter|intra|infra|supra|super|")

Stems = frozenset[str]


class Reading(NamedTuple):
    """A code that an n-gram was marked for.

    Attributes:
        code: The code as the training set writes it.
        marked: Training notes in which the n-gram was the reason for it.
        partial: Whether the n-gram lacks a word of the wording that was marked.
        term: The wording that was marked, as a person reads it.
    """

    code: str
    marked: int
    partial: bool
    term: str


class NGram(NamedTuple):
    """An n-gram and what it was marked for.

    Attributes:
        stems: Its stems.
        notes: Training notes in which it occurs, marked or not.
        readings: Its codes.
    """

    stems: Stems
    notes: int
    readings: tuple[Reading, ...]

    def probability(self, reading: Reading) -> float:
        """Return the smoothed share of notes with the n-gram in which it led to the code."""
        notes = max(self.notes, reading.marked)
        share = (reading.marked + _PRIOR_COUNT) / (notes + _PRIOR_NOTES)
        return share * _PARTIAL if reading.partial else share


@dataclass(frozen=True, slots=True)
class MentionTable:
    """The learned n-grams, in the order of their sorted stems."""

    ngrams: tuple[NGram, ...]

    def save(self, path: Path) -> None:
        """Write the table as gzipped tab-separated lines; the same table gives the same bytes."""
        lines = (
            "\t".join([" ".join(sorted(n.stems)), str(n.notes), r.code, str(r.marked)])
            + f"\t{int(r.partial)}\t{r.term}"
            for n in self.ngrams
            for r in n.readings
        )
        payload = "\n".join(lines).encode("utf-8")
        path.write_bytes(gzip.compress(payload, compresslevel=9, mtime=0))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a table written by `save`.

        Raises:
            UserError: The file is missing or has another form.
        """
        readings: dict[tuple[str, int], list[Reading]] = defaultdict(list)
        try:
            text = gzip.decompress(path.read_bytes()).decode("utf-8")
            for line in text.split("\n") if text else ():
                stems, notes, code, marked, partial, term = line.split("\t")
                reading = Reading(code, int(marked), partial == "1", term)
                readings[stems, int(notes)].append(reading)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise UserError(
                f"{path} is no mention dictionary: {error}.", fix="icd-agent train ranker"
            ) from error
        return cls(
            tuple(
                NGram(frozenset(stems.split(" ")), notes, tuple(group))
                for (stems, notes), group in readings.items()
            )
        )


class Word(NamedTuple):
    """A word of a note that carries meaning: its stem and where it stands."""

    stem: str
    text: str
    span: Span
    corrected: bool = False


def content_words(note: Note, forms: WordForms = ENGLISH) -> Iterator[list[Word]]:
    """Yield the words of each sentence, without stop words and punctuation."""
    for sentence in note.sentences:
        offset = sentence.span.start
        tokens = tokenise(note.slice(sentence.span))
        words = [
            Word(own, token.text, Span(token.start + offset, token.end + offset))
            for token, own in zip(tokens, forms.token_stems(tokens), strict=True)
            if own
        ]
        for first in range(0, len(words), _MAX_WORDS):
            yield words[first : first + _MAX_WORDS]


class Occurrence(NamedTuple):
    """An n-gram found in a note.

    Attributes:
        stems: The n-gram.
        span: From its first to its last word.
        gap: Foreign content words between them.
        corrected: Whether one of its words was misspelt.
    """

    stems: Stems
    span: Span
    gap: int
    corrected: bool


class NGramFinder:
    """Finds n-grams whose stems stand close together in a sentence, in any order.

    Args:
        ngrams: The n-grams.
    """

    def __init__(self, ngrams: Collection[Stems]) -> None:
        self.frequency = Counter(s for stems in ngrams for s in stems)
        self._by_rarest: dict[str, list[Stems]] = defaultdict(list)
        for stems in ngrams:
            rarest = min(stems, key=lambda s: (self.frequency[s], s))
            self._by_rarest[rarest].append(stems)

    def find(self, words: Sequence[Word]) -> Iterator[Occurrence]:
        """Yield the places of n-grams among the content words of a sentence.

        At most as many foreign words as the n-gram is long may stand between its own.
        """
        places: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(words):
            places[word.stem].append(place)
        for rarest, anchors in places.items():
            for stems in self._by_rarest.get(rarest, ()):
                if stems <= places.keys():
                    yield from self._at(words, places, stems, anchors)

    @staticmethod
    def _at(
        words: Sequence[Word], places: dict[str, list[int]], stems: Stems, anchors: list[int]
    ) -> Iterator[Occurrence]:
        seen = set()
        for anchor in anchors:
            own = {min(places[s], key=lambda p: abs(p - anchor)) for s in stems}
            first, last = min(own), max(own)
            gap = last - first + 1 - len(own)
            if gap <= len(own) and (first, last) not in seen:
                seen.add((first, last))
                span = Span(words[first].span.start, words[last].span.end)
                corrected = any(words[p].corrected for p in own)
                yield Occurrence(stems, span, gap, corrected)


class _Evidence(NamedTuple):
    """One n-gram found in a note that was marked for a code."""

    ngram: NGram
    reading: Reading
    places: tuple[Occurrence, ...]
    probability: float


class MentionGenerator:
    """Candidate codes by the mention dictionary.

    Args:
        table: What was learned.
        known_words: Lower-case words that are spelt right though no n-gram holds them; they are
            not corrected.
        forms: Word forms of the language that the table was learned in.
    """

    name = "mentions"

    def __init__(
        self,
        table: MentionTable,
        known_words: Collection[str] = frozenset(),
        forms: WordForms = ENGLISH,
    ) -> None:
        self._forms = forms
        self._ngrams = {ngram.stems: ngram for ngram in table.ngrams}
        self._finder = NGramFinder(self._ngrams)
        self._known_words = known_words
        self._correct = functools.lru_cache(maxsize=50_000)(self._nearest_stem)

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` codes whose marked wordings the note holds, best first."""
        places: dict[Stems, list[Occurrence]] = defaultdict(list)
        for words in content_words(note, self._forms):
            for occurrence in self._finder.find([self._spelt(word) for word in words]):
                places[occurrence.stems].append(occurrence)
        by_code: dict[str, list[_Evidence]] = defaultdict(list)
        for stems, group in places.items():
            for evidence in _read(self._ngrams[stems], group):
                by_code[evidence.reading.code].append(evidence)
        covers = _Covers(self._ngrams, places)
        found = [self._candidate(code, group, covers) for code, group in by_code.items()]
        return sorted(found, key=lambda c: (-c.score, c.code))[:k]

    def _candidate(self, code: str, group: list[_Evidence], covers: "_Covers") -> Candidate:
        group.sort(key=lambda e: (-e.probability, -len(e.ngram.stems), sorted(e.ngram.stems)))
        whole = [e for e in group if not e.reading.partial]
        # A wording in part says nothing new where one stands in full.
        score = 1 - math.prod(1 - e.probability for e in whole or group[:1])
        best = group[0]
        rivals = (best.ngram.probability(r) for r in best.ngram.readings if r.code != code)
        features = {
            "probability": best.probability,
            "marked": float(best.reading.marked),
            "notes": float(best.ngram.notes),
            "words": float(len(best.ngram.stems)),
            "partial": float(not whole),
            "gap": float(min(place.gap for place in best.places)),
            "corrected": float(all(place.corrected for place in best.places)),
            "ngrams": float(len(group)),
            "places": float(len({place.span for e in group for place in e.places})),
            "margin": best.probability - max(rivals, default=0.0),
            "covered": covers.share(code, best.places),
        }
        return Candidate(code, score, self._mentions(group), {self.name: score}, features)

    def _mentions(self, group: list[_Evidence]) -> tuple[Mention, ...]:
        spans: dict[Span, Mention] = {}
        faintest = _WORTH_SHOWING * group[0].probability
        for evidence in (e for e in group if e.probability >= faintest):
            for place in sorted(evidence.places, key=lambda o: (o.gap, o.span)):
                mention = Mention(
                    place.span, evidence.probability, evidence.reading.term, self.name
                )
                spans.setdefault(place.span, mention)
        return tuple(spans.values())[:_MAX_MENTIONS]

    def _spelt(self, word: Word) -> Word:
        """Return a word with the stem of the table's word that it misspells, if it does."""
        if word.stem in self._finder.frequency or len(word.text) < _MIN_FUZZY_LENGTH:
            return word
        lower = word.text.lower()
        if lower in self._known_words or not lower.isalpha():
            return word
        corrected = self._correct(lower)
        return word._replace(stem=corrected, corrected=True) if corrected else word

    @functools.cached_property
    def _vocabulary(self) -> dict[str, list[str]]:
        """Words of the table by `_onset`."""
        texts = {r.term for ngram in self._ngrams.values() for r in ngram.readings}
        words = {word for text in texts for word in _WORD.findall(text)}
        by_onset: dict[str, list[str]] = defaultdict(list)
        for word in sorted(words):
            if self._forms.stem(word) in self._finder.frequency:
                by_onset[_onset(word)].append(word)
        return by_onset

    def _nearest_stem(self, word: str) -> str | None:
        """Return the stem of the table's word within one edit (two from ten letters on), if any."""
        hit = process.extractOne(
            word,
            self._vocabulary.get(_onset(word), ()),
            scorer=DamerauLevenshtein.distance,
            score_cutoff=1 if len(word) < 10 else 2,
        )
        return self._forms.stem(hit[0]) if hit else None


class _Covers:
    """Longer n-grams of a note that silence shorter ones inside them.

    Args:
        ngrams: The table.
        places: The n-grams of the note.
    """

    def __init__(self, ngrams: dict[Stems, NGram], places: dict[Stems, list[Occurrence]]) -> None:
        self._covers = [
            (occurrence, {r.code for r in ngrams[stems].readings})
            for stems, group in places.items()
            if len(stems) > 1 and any(not r.partial for r in ngrams[stems].readings)
            for occurrence in group
        ]

    def share(self, code: str, places: Sequence[Occurrence]) -> float:
        """Return the share of places that lie inside a longer n-gram of other codes only."""
        return sum(self._covered(code, place) for place in places) / len(places)

    def _covered(self, code: str, place: Occurrence) -> bool:
        return any(
            place.stems < longer.stems and longer.span.contains(place.span) and code not in codes
            for longer, codes in self._covers
        )


def _read(ngram: NGram, places: Iterable[Occurrence]) -> Iterator[_Evidence]:
    group = tuple(places)
    trust = _CORRECTED if all(place.corrected for place in group) else 1.0
    for reading in ngram.readings:
        yield _Evidence(ngram, reading, group, trust * ngram.probability(reading))


def _onset(word: str) -> str:
    """Return how a word begins: a misspelling keeps its first two letters and its prefix."""
    prefix = _PREFIX.match(word)
    return prefix.group() if prefix and prefix.group() else word[:2]
