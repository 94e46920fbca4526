"""A Spanish note read word by word in English, so that English wordings of codes can be looked up.

The gloss is no translation: each word of clinical meaning stands, in its place, as the English word
that a lexicon learned for it. The look-up and BM25 ask which words stand near each other, not in
what order, so that this is enough to find what a classification words in English. Every mention is
led back to the Spanish words.
"""

import functools
import gzip
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from indexes.candidates import Candidate, CandidateGenerator, Mention
from indexes.cognates import Cognates
from indexes.language import SPANISH
from indexes.ranker.pool import with_completed
from indexes.tokens import text_stems, tokenise
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
    """

    def __init__(self, lexicon: Lexicon, cognates: Cognates) -> None:
        self._lexicon = lexicon
        self._cognates = cognates
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
            tokens = tokenise(note.slice(sentence.span))
            for token, own in zip(tokens, SPANISH.token_stems(tokens), strict=True):
                for word in self._written(token.text, own):
                    at = Span(token.start + sentence.span.start, token.end + sentence.span.start)
                    glossed.append(Span(length, length + len(word)))
                    original.append(at)
                    parts.append(word)
                    length += len(word) + 1
            sentences.append(Sentence(Span(begin, max(begin, length - 1)), 0))
        text = " ".join(parts)
        whole = Span(0, len(text))
        english = Note(note.id, text, (Section("", "other", whole, whole),), tuple(sentences))
        return Gloss(english, glossed, original)

    def _written(self, word: str, stem: str | None) -> Sequence[str]:
        if word.isalpha():
            return self.words(word) if stem else ()
        return (word,)

    def stems(self, note: Note) -> frozenset[str]:
        """Return the English stems of a Spanish note."""
        return text_stems(self.gloss(note).note.text)


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
