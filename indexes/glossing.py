"""A Spanish note read word by word in English, so that English wordings of codes can be looked up.

The gloss is no translation: each word of clinical meaning stands, in its place, as the English word
that a lexicon learned for it. The look-up and BM25 ask which words stand near each other, not in
what order, so that this is enough to find what a classification words in English. Every mention is
led back to the Spanish words.
"""

import functools
import gzip
import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from indexes.candidates import Candidate, CandidateGenerator, Mention
from indexes.cognates import Cognates
from indexes.language import SPANISH
from indexes.ranker.pool import with_completed
from indexes.tokens import text_stems, tokenise
from knowledge.abbreviations import Abbreviation
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError
from knowledge.note_text import Note, Section, Sentence, Span


@dataclass(frozen=True, slots=True)
class Lexicon:
    """English words for Spanish stems.

    Attributes:
        words: The English words of each stem, likeliest first.
    """

    words: Mapping[str, tuple[str, ...]]

    def save(self, path: Path) -> None:
        """Write the lexicon as gzipped tab-separated lines; the same one gives the same bytes."""
        lines = ("\t".join([stem, *words]) for stem, words in sorted(self.words.items()))
        payload = "\n".join(lines).encode("utf-8")
        path.write_bytes(gzip.compress(payload, compresslevel=9, mtime=0))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a lexicon written by `save`.

        Raises:
            UserError: The file is missing or has another form.
        """
        try:
            text = gzip.decompress(path.read_bytes()).decode("utf-8")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise UserError(
                f"{path} is no lexicon: {error}.", fix="icd-agent train ranker --language es"
            ) from error
        rows = (line.split("\t") for line in text.split("\n") if line)
        return cls({stem: tuple(words) for stem, *words in rows})


@dataclass(frozen=True, slots=True)
class Gloss:
    """A note in glosses.

    Attributes:
        note: The English words, with the sections and sentences of the Spanish note.
        glossed: Where each of them stands, in order.
        original: Where the Spanish word of each stands.
    """

    note: Note
    glossed: Sequence[Span]
    original: Sequence[Span]

    def back(self, span: Span) -> Span | None:
        """Return the Spanish words of a span of glosses; None where it touches none."""
        first = bisect_right(self.glossed, span.start, key=lambda s: s.end)
        last = bisect_left(self.glossed, span.end, key=lambda s: s.start)
        if first >= last:
            return None
        return Span(self.original[first].start, self.original[last - 1].end)


class Glosser:
    """Turns Spanish notes into glosses.

    Args:
        lexicon: What is known of Spanish stems.
        cognates: Finds English words for the others.
        fixed: Abbreviations and wordings whose English reading is known as a whole.
    """

    def __init__(
        self, lexicon: Lexicon, cognates: Cognates, fixed: Iterable[Abbreviation] = ()
    ) -> None:
        self._lexicon = lexicon
        self._cognates = cognates
        self._fixed = _FixedWordings(fixed)
        # Every generator that is asked about a note reads the same gloss.
        self.gloss = functools.lru_cache(maxsize=4)(self._gloss)

    def words(self, word: str) -> Sequence[str]:
        """Return the English words of a Spanish one, likeliest first; itself if none is known."""
        known = self._lexicon.words.get(SPANISH.stem(word))
        if known:
            return known
        return (self._cognates.english(word) or word,)

    def _gloss(self, note: Note) -> Gloss:
        """Read a note word by word."""
        parts: list[str] = []
        glossed: list[Span] = []
        original: list[Span] = []
        sentences: list[Sentence] = []
        length = 0
        for sentence in note.sentences:
            begin = length
            for words, place in self._read(note.slice(sentence.span)):
                at = Span(place.start + sentence.span.start, place.end + sentence.span.start)
                for word in words:
                    glossed.append(Span(length, length + len(word)))
                    original.append(at)
                    parts.append(word)
                    length += len(word) + 1
            sentences.append(Sentence(Span(begin, max(begin, length - 1)), 0))
        text = " ".join(parts)
        whole = Span(0, len(text))
        english = Note(note.id, text, (Section("", "other", whole, whole),), tuple(sentences))
        return Gloss(english, glossed, original)

    def _read(self, text: str) -> Iterator[tuple[Sequence[str], Span]]:
        """Yield the English words for each stretch of a sentence."""
        tokens = tokenise(text)
        fixed = self._fixed.find(text)
        covered = 0
        for token, stem in zip(tokens, SPANISH.token_stems(tokens), strict=True):
            place = Span(token.start, token.end)
            if token.start in fixed and token.start >= covered:
                words, place = fixed[token.start]
                covered = place.end
                yield words, place
            elif token.start < covered:
                continue
            elif not token.text.isalpha():
                yield (token.text,), place
            elif stem:
                yield self.words(token.text), place

    def stems(self, note: Note) -> frozenset[str]:
        """Return the English stems of a Spanish note."""
        return text_stems(self.gloss(note).note.text)


class _FixedWordings:
    """Finds abbreviations and wordings that are read as a whole.

    Args:
        entries: The wordings; of several readings the first, usual one counts.
    """

    def __init__(self, entries: Iterable[Abbreviation]) -> None:
        self._entries: dict[str, Abbreviation] = {}
        for entry in entries:
            self._entries.setdefault(entry.short.lower(), entry)
        shorts = sorted(self._entries, key=len, reverse=True)
        alternatives = "|".join(re.escape(s) for s in shorts)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.I) if shorts else None

    def find(self, text: str) -> dict[int, tuple[Sequence[str], Span]]:
        """Return English words and place of each wording in a text, by where it begins."""
        found: dict[int, tuple[Sequence[str], Span]] = {}
        for match in self._pattern.finditer(text) if self._pattern else ():
            entry = self._entries[match.group().lower()]
            if match.group() == entry.short or not (entry.case_sensitive or entry.ambiguous):
                found[match.start()] = (entry.expansion.split(), Span(*match.span()))
        return found


class GlossedGenerator:
    """An English generator that reads the gloss of a Spanish note.

    Args:
        generator: The generator; it keeps its name.
        glosser: Makes the gloss.
        system: The code system of the candidates.
    """

    def __init__(self, generator: CandidateGenerator, glosser: Glosser, system: CodeSystem) -> None:
        self.name = generator.name
        self._generator = generator
        self._glosser = glosser
        self._system = system

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return the candidates of the gloss with mentions of the Spanish text.

        Beside a code that is not billable stands the one that its English words support.
        """
        gloss = self._glosser.gloss(note)
        found = [c for c in self._generator.candidates(gloss.note, k) if c.code in self._system]
        completed = with_completed(found, gloss.note, self._system)
        return [replace(c, mentions=_led_back(c.mentions, gloss)) for c in completed]


def _led_back(mentions: Iterable[Mention], gloss: Gloss) -> tuple[Mention, ...]:
    spans: dict[Span, Mention] = {}
    for mention in mentions:
        if span := gloss.back(mention.span):
            spans.setdefault(span, replace(mention, span=span))
    return tuple(spans.values())
