"""Word alignment of sentence pairs: which words of a translation render which of its original.

IBM model 1 (Brown et al. 1993) trained by expectation maximisation, with two additions that a small
corpus of clinical text calls for: cognates ("proteinuria", "proteinúrico") start with more weight,
and words at like places of their sentences count for more (Dyer et al. 2013, there for model 2).
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

_ITERATIONS = 3  # more overfit rare words
_COGNATE_LENGTH = 5
_COGNATE_RATIO = 65.0  # rapidfuzz ratio, 0 to 100
_COGNATE_WEIGHT = 21.0  # of 1 for other words
_SMOOTHING = 0.3  # expected counts that a source word shares out to no target word
_UNSEEN = 1e-7  # translation probability of words that never met
_NULL = 1e-4  # weight of "no source word" for every target word
_NEGLIGIBLE = 0.005  # posterior below which a link is dropped while training
_UNRELATED = 0.45  # posterior that a word needs to lengthen an n-gram
_MAX_WORDS = 9  # of an n-gram

Matrix = NDArray[np.float64]


class SentencePair(NamedTuple):
    """Normalised words of a sentence and of its translation."""

    source: tuple[str, ...]
    target: tuple[str, ...]


def unaccented(word: str) -> str:
    """Return a word lower-cased and without accents, so that cognates look alike."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")


class _Links(NamedTuple):
    """Every (source word, target word) of the same pair, as parallel arrays.

    Attributes:
        kind: Position of the word pair among the distinct ones.
        target: Running number of the target word within the corpus.
        weight: Weight of the two places.
    """

    kind: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: Matrix


class WordAligner:
    """Translation probabilities of words.

    Args:
        source: Number of each source word.
        target: Number of each target word.
        pairs: Ascending ``source number * len(target) + target number`` of words that met.
        probabilities: p(target word | source word) for each of them.
    """

    def __init__(
        self,
        source: dict[str, int],
        target: dict[str, int],
        pairs: NDArray[np.int64],
        probabilities: Matrix,
    ) -> None:
        self._source = source
        self._target = target
        self._pairs = pairs
        self._probabilities = probabilities

    @classmethod
    def learn(cls, corpus: Sequence[SentencePair]) -> Self:
        """Train on sentence pairs; the same pairs in the same order give the same aligner."""
        source = _numbers(word for pair in corpus for word in pair.source)
        target = _numbers(word for pair in corpus for word in pair.target)
        if not source or not target:
            return cls(source, target, np.zeros(0, np.int64), np.zeros(0))
        keys = [_keys(pair, source, target).ravel() for pair in corpus]
        pairs, kind = np.unique(np.concatenate(keys), return_inverse=True)
        of_source = pairs // len(target)
        table = _initial_weights(list(source), list(target), pairs)
        table /= np.bincount(of_source, table)[of_source]
        links = _Links(kind, *_places(corpus))
        for _ in range(_ITERATIONS):
            counts = _expected_counts(links, table)
            table = counts / (np.bincount(of_source, counts) + _SMOOTHING)[of_source] + _UNSEEN
        return cls(source, target, pairs, table)

    def translations(self) -> Iterator[tuple[str, str, float]]:
        """Yield p(target word | source word) of words that met, both and the probability."""
        source, target = list(self._source), list(self._target)
        for pair, probability in zip(
            self._pairs.tolist(), self._probabilities.tolist(), strict=True
        ):
            yield source[pair // len(target)], target[pair % len(target)], probability

    def posteriors(self, pair: SentencePair) -> Matrix:
        """Return, in one row a target word, how likely each source word gave rise to it.

        A row adds up to less than 1 where no source word explains the target word.
        """
        keys = _keys(pair, self._source, self._target)
        table = np.full(keys.shape, _UNSEEN)
        if len(self._pairs):
            found = np.minimum(np.searchsorted(self._pairs, keys), len(self._pairs) - 1)
            table = np.where(self._pairs[found] == keys, self._probabilities[found], _UNSEEN)
        table = table * _nearness(len(pair.source), len(pair.target))
        return np.asarray(table / (table.sum(axis=1, keepdims=True) + _NULL))


def best_ngram(support: Matrix) -> range:
    """Return the contiguous words that a phrase of the original explains best.

    Args:
        support: For each target word the posterior of the words of the phrase, added up.

    Returns:
        Positions of the words; empty where the phrase explains none.
    """
    best, words = 0.0, range(0)
    for start in range(len(support)):
        sums = np.cumsum(support[start : start + _MAX_WORDS] - _UNRELATED)
        last = int(sums.argmax())
        if sums[last] > best:
            best, words = float(sums[last]), range(start, start + last + 1)
    return words


def _numbers(words: Iterable[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def _keys(pair: SentencePair, source: dict[str, int], target: dict[str, int]) -> NDArray[np.int64]:
    """Return the keys of all word pairs, one row a target word; -1 where a word is unknown."""
    columns = np.array([source.get(word, -1) for word in pair.source], np.int64)
    rows = np.array([target.get(word, -1) for word in pair.target], np.int64)[:, None]
    return np.where((columns < 0) | (rows < 0), -1, columns * len(target) + rows)


def _nearness(source_length: int, target_length: int) -> Matrix:
    """Return a weight for each two places, one row a target word: 1 at like places, else less."""
    columns = (np.arange(source_length) + 0.5) / max(1, source_length)
    rows = (np.arange(target_length) + 0.5) / max(1, target_length)
    return np.asarray(np.exp(-np.abs(rows[:, None] - columns)))


def _places(corpus: Sequence[SentencePair]) -> tuple[NDArray[np.int64], Matrix]:
    """Return target word and weight of every link."""
    lengths = np.array([len(pair.source) for pair in corpus for _ in pair.target])
    weights = [_nearness(len(pair.source), len(pair.target)).ravel() for pair in corpus]
    return np.repeat(np.arange(len(lengths)), lengths), np.concatenate(weights)


def _initial_weights(source: list[str], target: list[str], pairs: NDArray[np.int64]) -> Matrix:
    """Return 1 for each word pair, more for cognates."""
    weights = np.ones(len(pairs))
    long_source = np.array([len(word) >= _COGNATE_LENGTH for word in source])
    long_target = np.array([len(word) >= _COGNATE_LENGTH for word in target])
    of_source, of_target = np.divmod(pairs, len(target))
    both_long = np.flatnonzero(long_source[of_source] & long_target[of_target])
    ratios = process.cpdist(
        [source[i] for i in of_source[both_long]],
        [target[i] for i in of_target[both_long]],
        scorer=fuzz.ratio,
    )
    weights[both_long[ratios >= _COGNATE_RATIO]] = _COGNATE_WEIGHT
    return weights


def _expected_counts(links: _Links, table: Matrix) -> Matrix:
    weighted = table[links.kind] * links.weight
    posterior = weighted / (np.bincount(links.target, weighted) + _NULL)[links.target]
    posterior[posterior < _NEGLIGIBLE] = 0.0
    return np.asarray(np.bincount(links.kind, posterior, minlength=len(table)))
