"""Learns the mention dictionary from coded notes whose evidence is known.

Where the evidence was marked in the text itself, its words are the wording. Where it was marked in
the original of a translation (CodiEsp), the words of the translation are found by word alignment:
the best contiguous n-gram of the aligned lines. An original wording that is not aligned in one note
(a missing or wrong translation of the line) is looked for under its usual translations.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from indexes.coded_notes import CodedNote
from indexes.language import ENGLISH, WordForms
from indexes.mentions import MentionTable, NGram, NGramFinder, Reading, Stems, content_words
from indexes.tokens import STOP_WORDS, stem
from indexes.word_alignment import SentencePair, WordAligner, best_ngram, unaccented
from knowledge.dataset_row import AlignedEvidence, DatasetRow, EvidenceSpan

_PLURAL = re.compile(r"e?s$")
_GENDER = re.compile(r"[aeo]$")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?]\s+|\n+")
_MAX_PAIR_WORDS = 150  # longer stretches align badly
_MAX_STEMS = 9  # of an n-gram; a longer wording does not recur
# Words that may stand at the edge of an aligned n-gram and are no part of a wording.
_EDGE = STOP_WORDS | {"no", "not", "patient", "without"}
_USUAL_COUNT = 2  # how often a translation was seen, at least
_USUAL_SHARE = 0.15  # of all translations of the wording
# An n-gram that lacks a word of a wording must be this telling without the word.
_PARTIAL_PROBABILITY = 0.015


class _Marked(NamedTuple):
    """A wording that was marked for a code.

    Attributes:
        note: Position of the note.
        code: The code.
        original: Stems of the wording as marked, to find its translations elsewhere.
        words: The wording in the note; "" where it was not found.
        stems: Its n-gram, if it is one that could be looked up.
    """

    note: int
    code: str
    original: tuple[str, ...]
    words: str
    stems: Stems | None


class _Bilingual(NamedTuple):
    """Evidence in the original, its sentences, and the lines of the translation.

    Attributes:
        note: Position of the note.
        code: The code.
        pair: Normalised words of the sentences and of the lines.
        marked: Positions of the marked words among those of the sentences.
        offsets: Where the words of the lines stand in the note.
        diagnosis: Whether the code is of a diagnosis; all evidence serves to learn the alignment.
    """

    note: int
    code: str
    pair: SentencePair
    marked: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    diagnosis: bool


@dataclass(frozen=True, slots=True)
class _Corpus:
    """What the notes hold.

    Attributes:
        codes: Codes by note.
        found: N-grams by note.
        notes: Notes by n-gram.
    """

    codes: list[frozenset[str]]
    found: list[frozenset[Stems]]
    notes: dict[Stems, list[int]]

    @classmethod
    def read(cls, notes: Sequence[CodedNote], finder: NGramFinder, forms: WordForms) -> "_Corpus":
        found = [
            frozenset(
                o.stems for words in content_words(note.note, forms) for o in finder.find(words)
            )
            for note in notes
        ]
        by_ngram: dict[Stems, list[int]] = defaultdict(list)
        for number, in_note in enumerate(found):
            for stems in in_note:
                by_ngram[stems].append(number)
        return cls([note.codes for note in notes], found, by_ngram)


def learn_mentions(notes: Sequence[CodedNote], forms: WordForms = ENGLISH) -> MentionTable:
    """Learn the mention dictionary; the same notes in the same order give the same table.

    Args:
        notes: Notes with evidence for their diagnoses. One without evidence still tells which
            n-grams occur without being marked.
        forms: Word forms of the language of the notes.
    """
    marked = [*_marked_in_note(notes, forms), *_marked_in_original(notes, forms)]
    whole = {m.stems for m in marked if m.stems}
    parts = {part for stems in whole for part in _parts(stems)}
    corpus = _Corpus.read(notes, NGramFinder(sorted(whole | parts, key=sorted)), forms)
    readings = _whole_readings(marked, corpus)
    for stems, group in _partial_readings(readings, corpus).items():
        readings[stems] = [*readings.get(stems, ()), *group]
    return MentionTable(
        tuple(
            NGram(stems, len(corpus.notes.get(stems, ())), tuple(readings[stems]))
            for stems in sorted(readings, key=sorted)
        )
    )


def _ngram(words: str, forms: WordForms) -> Stems | None:
    """Return the stems of a wording, or None if it is none that could be looked up."""
    stems = forms.text_stems(words)
    return stems if _tells(stems) and len(stems) <= _MAX_STEMS else None


def _tells(stems: Stems) -> bool:
    """Tell n-grams that may name something from numbers and single short words."""
    return any(not s.isdigit() for s in stems) and (len(stems) > 1 or len(min(stems)) > 2)


def _parts(stems: Stems) -> Iterator[Stems]:
    """Yield the n-grams that lack one stem."""
    if len(stems) > 1:
        yield from (part for s in sorted(stems) if _tells(part := stems - {s}))


# --- counting ---------------------------------------------------------------------------------


def _whole_readings(marked: Sequence[_Marked], corpus: _Corpus) -> dict[Stems, list[Reading]]:
    """Return the readings of the wordings as marked, most frequent first."""
    usual = _usual_translations(marked)
    notes: dict[tuple[Stems, str], set[int]] = defaultdict(set)
    wordings: dict[Stems, Counter[str]] = defaultdict(Counter)
    for m in marked:
        stems = m.stems
        if stems:
            wordings[stems][" ".join(m.words.lower().split())] += 1
        else:
            in_note = corpus.found[m.note]
            stems = next((s for s in usual.get(m.original, ()) if s in in_note), None)
        if stems:
            notes[stems, m.code].add(m.note)
    terms = {stems: min(group, key=lambda w: (-group[w], w)) for stems, group in wordings.items()}
    readings: dict[Stems, list[Reading]] = defaultdict(list)
    for (stems, code), where in sorted(notes.items(), key=lambda item: (-len(item[1]), item[0][1])):
        readings[stems].append(Reading(code, len(where), False, terms[stems]))
    return dict(readings)


def _usual_translations(marked: Sequence[_Marked]) -> dict[tuple[str, ...], list[Stems]]:
    """Return the n-grams that a wording of the original is usually translated by, best first."""
    counts: dict[tuple[str, ...], Counter[Stems]] = defaultdict(Counter)
    for m in marked:
        if m.original and m.stems:
            counts[m.original][m.stems] += 1
    return {
        original: [
            stems
            for stems, count in sorted(group.items(), key=lambda item: (-item[1], sorted(item[0])))
            if count >= max(_USUAL_COUNT, _USUAL_SHARE * group.total())
        ]
        for original, group in counts.items()
    }


def _partial_readings(
    whole: dict[Stems, list[Reading]], corpus: _Corpus
) -> dict[Stems, list[Reading]]:
    """Return readings of n-grams that lack a word of a wording and are still telling.

    Counted are notes with the code in which no wording stands in full, so that a wording does not
    vouch for its parts.
    """
    longer: dict[tuple[Stems, str], dict[Stems, Reading]] = defaultdict(dict)
    for stems, group in whole.items():
        for part in _parts(stems):
            for reading in group:
                longer[part, reading.code][stems] = reading
    found: dict[Stems, list[Reading]] = defaultdict(list)
    for (part, code), wordings in sorted(longer.items(), key=lambda item: item[0][1]):
        if any(reading.code == code for reading in whole.get(part, ())):
            continue
        notes = corpus.notes.get(part, [])
        count = sum(code in corpus.codes[n] and corpus.found[n].isdisjoint(wordings) for n in notes)
        term = min(wordings.values(), key=lambda r: (-r.marked, r.term)).term
        reading = Reading(code, count, True, term)
        if NGram(part, len(notes), ()).probability(reading) >= _PARTIAL_PROBABILITY:
            found[part].append(reading)
    return found


# --- wordings that were marked ----------------------------------------------------------------


def _marked_in_note(notes: Sequence[CodedNote], forms: WordForms) -> Iterator[_Marked]:
    for number, note in enumerate(notes):
        for item in note.row.evidence:
            if isinstance(item, EvidenceSpan) and item.kind != "procedure":
                words = " ".join(note.row.text[start:end] for start, end in item.spans)
                yield _Marked(number, item.code, (), words, _ngram(words, forms))


def _marked_in_original(notes: Sequence[CodedNote], forms: WordForms) -> Iterator[_Marked]:
    """Yield wordings that were marked in the original, as the translation words them."""
    evidence = [e for number, note in enumerate(notes) for e in _bilingual(number, note.row)]
    aligner = WordAligner.learn(list(dict.fromkeys(e.pair for e in evidence)))
    for item in evidence:
        if item.diagnosis:
            original = tuple(sorted({item.pair.source[place] for place in item.marked}))
            words = _translation(item, aligner, notes[item.note].row.text)
            yield _Marked(item.note, item.code, original, words, _ngram(words, forms))


def _translation(item: _Bilingual, aligner: WordAligner, text: str) -> str:
    """Return the words of the note that render the marked words; "" where none do."""
    support = aligner.posteriors(item.pair)[:, list(item.marked)].sum(axis=1)
    pieces = 1 + sum(b - a > 1 for a, b in pairwise(item.marked))
    found = []
    for _ in range(pieces):
        places = best_ngram(support)
        support[places] = 0.0
        if words := _inner_words(places, item.offsets, text):
            found.append((places.start, words))
    return " ".join(words for _, words in sorted(found))


def _inner_words(places: range, offsets: Sequence[tuple[int, int]], text: str) -> str:
    """Return the text of an n-gram without the words at its edges that name nothing."""
    inner = [place for place in places if text[slice(*offsets[place])].lower() not in _EDGE]
    return text[offsets[inner[0]][0] : offsets[inner[-1]][1]] if inner else ""


def _bilingual(number: int, row: DatasetRow) -> Iterator[_Bilingual]:
    """Yield the evidence of a note that was marked in its original."""
    original = row.text_es or ""
    sentences = _sentences(original)
    for item in row.evidence:
        if not isinstance(item, AlignedEvidence):
            continue
        spans = [(start, end) for start, end in item.spans_es if end > start]
        around = [s for s in sentences if any(s[0] <= start < s[1] for start, _ in spans)]
        source = _words(original, around)
        target = _words(row.text, item.lines_en)
        if not (0 < len(source) < _MAX_PAIR_WORDS and 0 < len(target) < _MAX_PAIR_WORDS):
            continue
        pair = SentencePair(
            tuple(_spanish_stem(original[start:end]) for start, end in source),
            tuple(unaccented(stem(row.text[start:end])) for start, end in target),
        )
        marked = tuple(
            place
            for place, (start, end) in enumerate(source)
            if any(start < last and first < end for first, last in spans)
        )
        yield _Bilingual(number, item.code, pair, marked, target, item.kind == "diagnosis")


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [m.end() for m in _SENTENCE_END.finditer(text)]
    return list(pairwise([0, *ends, len(text)]))


def _words(text: str, spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(m.span() for start, end in spans for m in _WORD.finditer(text, start, end))


def _spanish_stem(word: str) -> str:
    """Return a word without the endings of number and gender.

    A light stem keeps more of what cognates share than the Snowball stemmer does: out-of-fold MAP
    .498 against .494 on CodiEsp train.
    """
    word = unaccented(word)
    return _GENDER.sub("", _PLURAL.sub("", word)) if len(word) > 4 else word
