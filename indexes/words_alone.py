"""An encoder of vectors without dimensions, for parts that read words alone."""

from collections.abc import Sequence

import numpy as np

from indexes.token_vectors import Vectors


class WordsAlone:
    """Stands where an encoder is asked for and none is of use.

    The bundled encoder learned from English: on Spanish text its vectors say less than the words
    and parts of words do.
    """

    name = "words-alone"
    dimension = 0
    fingerprint = "words-alone"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return shape (texts, 0)."""
        return np.zeros((len(texts), 0), dtype=np.float32)
