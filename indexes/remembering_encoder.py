"""An encoder that remembers: generators that read the same windows of a note encode them once."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from indexes.encoder import Encoder
from indexes.token_vectors import Vectors

# The windows of a few dozen notes; 6 MB for vectors of length 384.
REMEMBERED_TEXTS = 4096


class RememberingEncoder:
    """Another encoder with the vectors of the texts it was last given.

    Args:
        encoder: Encodes what is not remembered. A text's vector must not depend on the other texts.
        limit: Texts to remember; the one that was longest not asked for is forgotten first.
    """

    def __init__(self, encoder: Encoder, limit: int = REMEMBERED_TEXTS) -> None:
        self._encoder = encoder
        self._limit = limit
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Name of the encoder that does the work."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """Identifies its weights."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors, float32 of shape (texts, dimension)."""
        found = self._recall(texts)
        if new := [text for text in dict.fromkeys(texts) if text not in found]:
            # Copies, since a row would keep the vectors of all its neighbours in memory.
            fresh = {t: v.copy() for t, v in zip(new, self._encoder.encode(new), strict=True)}
            self._remember(fresh)
            found |= fresh
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = found[text]
        return vectors

    def _recall(self, texts: Sequence[str]) -> dict[str, Vectors]:
        with self._lock:
            found = {text: self._vectors[text] for text in texts if text in self._vectors}
            for text in found:
                self._vectors.move_to_end(text)
        return found

    def _remember(self, fresh: dict[str, Vectors]) -> None:
        with self._lock:
            for text, vector in fresh.items():
                self._vectors[text] = vector
                self._vectors.move_to_end(text)
            while len(self._vectors) > self._limit:
                self._vectors.popitem(last=False)
