"""Learns the Spanish-English lexicon from texts in both languages.

The titles of one code of ICD-10 are a short text and its translation, and so are a sentence of a
bilingual note and the lines aligned with it. IBM model 1 finds which word renders which
(`indexes.word_alignment`).
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from indexes.glossing import Lexicon
from indexes.language import ENGLISH, SPANISH, WordForms
from indexes.tokens import tokenise
from indexes.word_alignment import SentencePair, WordAligner
from knowledge.code_systems.base import CodeSystem
from knowledge.dataset_row import AlignedEvidence, DatasetRow

# Probability from which a word is taken for a translation, and a second one besides.
_LEAST = 0.2
_LEAST_SECOND = 0.3
_MAX_PAIR_WORDS = 100  # longer stretches align badly
_SENTENCE_END = re.compile(r"[.!?]\s+|\n+")


def learn_lexicon(texts: Iterable[tuple[str, str]]) -> Lexicon:
    """Learn English words for Spanish stems.

    Args:
        texts: Short Spanish texts and their translations.
    """
    written: dict[str, Counter[str]] = defaultdict(Counter)
    pairs = []
    for spanish, english in texts:
        for token, stem in _content(english, ENGLISH):
            written[stem][token] += 1
        source = tuple(stem for _, stem in _content(spanish, SPANISH))
        target = tuple(stem for _, stem in _content(english, ENGLISH))
        if 0 < len(source) <= _MAX_PAIR_WORDS and 0 < len(target) <= _MAX_PAIR_WORDS:
            pairs.append(SentencePair(source, target))
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for source_stem, target_stem, probability in WordAligner.learn(pairs).translations():
        if probability >= _LEAST:
            found[source_stem].append((-probability, target_stem))
    words = {}
    for source_stem, group in found.items():
        best, *others = sorted(group)
        kept = [best, *(o for o in others[:1] if -o[0] >= _LEAST_SECOND)]
        words[source_stem] = tuple(_usual(written[target]) for _, target in kept)
    return Lexicon(words)


def title_pairs(
    titles: Mapping[str, str], editions: Iterable[CodeSystem]
) -> Iterator[tuple[str, str]]:
    """Yield the Spanish title of each code with its English ones.

    Args:
        titles: Spanish titles by code.
        editions: English editions of the classification.
    """
    for code, spanish in titles.items():
        english = dict.fromkeys(s.get(code).title for s in editions if code in s)
        yield from ((spanish, title) for title in english)


def line_pairs(row: DatasetRow) -> Iterator[tuple[str, str]]:
    """Yield the Spanish sentences with evidence and the English lines aligned to them, each once.

    Args:
        row: A note; one that has no translation yields nothing.
    """
    original = row.text_es or ""
    ends = [0, *(m.end() for m in _SENTENCE_END.finditer(original)), len(original)]
    seen: set[int] = set()
    for item in row.evidence:
        if not isinstance(item, AlignedEvidence) or not item.spans_es:
            continue
        place = bisect_right(ends, item.spans_es[0][0])
        lines = " ".join(row.text[start:end] for start, end in item.lines_en)
        if place < len(ends) and place not in seen and lines:
            seen.add(place)
            yield original[ends[place - 1] : ends[place]], lines


def _content(text: str, forms: WordForms) -> Iterator[tuple[str, str]]:
    """Yield the words of a text with their stems, without stop words."""
    tokens = tokenise(text)
    for token, stem in zip(tokens, forms.token_stems(tokens), strict=True):
        if stem:
            yield token.text.lower(), stem


def _usual(written: Counter[str]) -> str:
    return min(written, key=lambda word: (-written[word], word))
