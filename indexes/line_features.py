"""What the evidence-line model sees of a text: words, pairs of words and parts of words, hashed.

Features are numbers from a hash, not strings (feature hashing, Weinberger et al. 2009): no wording
of a training note is stored with a model, and there is no vocabulary to load.
"""

import functools
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# One half of the numbers is for words, the other for parts of words. About a tenth of the features
# of 8,000 sentences share their number with another.
BLOCK = 1 << 19
FEATURES = 2 * BLOCK
# Lengths of the parts of words; a space stands for the edge of the word.
_SHORTEST, _LONGEST = 3, 5

_WORD = re.compile(r"\w\w+")


def feature_matrix(texts: Sequence[str]) -> "csr_matrix":
    """Return which text has which features.

    Returns:
        Ones of shape (texts, FEATURES), float32; columns below BLOCK are words and pairs of
        words, the others parts of words.
    """
    from scipy.sparse import csr_matrix

    found = [sorted(_features(text)) for text in texts]
    ends = np.cumsum([0, *map(len, found)])
    columns = np.fromiter((f for row in found for f in row), dtype=np.int32, count=int(ends[-1]))
    ones = np.ones(len(columns), dtype=np.float32)
    return csr_matrix((ones, columns, ends), shape=(len(texts), FEATURES))


def _features(text: str) -> set[int]:
    lowered = text.lower()
    words = _WORD.findall(lowered)
    features = {_hash(word) for word in words}
    features.update(_hash(f"{first} {second}") for first, second in pairwise(words))
    for token in lowered.split():
        features.update(_part_features(token))
    return features


@functools.lru_cache(maxsize=50_000)
def _part_features(token: str) -> frozenset[int]:
    return frozenset(BLOCK + _hash(part) for part in _parts(f" {token} "))


def _parts(padded: str) -> Iterator[str]:
    for length in range(_SHORTEST, _LONGEST + 1):
        if length >= len(padded):
            yield padded
            return
        yield from (padded[i : i + length] for i in range(len(padded) - length + 1))


def _hash(feature: str) -> int:
    # Python's own hash differs from process to process.
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BLOCK
