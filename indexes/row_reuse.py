"""Takes the vectors of unchanged wordings from an index that is there, and encodes the others.

A release shares almost all its wordings with the one before, so adopting it need not encode them
anew. The old index keeps vectors in 4 bits a dimension; they are put into an empty copy of the same
index, whose cells and ranges stay as they were trained, so they come out as they went in, but for
a few on the border between two cells.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexes.artefacts import Artefacts
from indexes.dense import EXACT, factory_string
from indexes.encoder import Encoder
from indexes.rows import Row, read_rows
from indexes.token_vectors import Vectors


class ReusedIndex(NamedTuple):
    """An index made from another one.

    Attributes:
        index: The FAISS index of the rows.
        reused: How many rows took their vector from the other index.
    """

    index: Any
    reused: int


def index_from(
    rows: Sequence[Row],
    former: Artefacts,
    encoder: Encoder,
    encode: Callable[[Sequence[Row]], Vectors],
) -> ReusedIndex | None:
    """Return a compressed index of rows, None where nothing can be reused.

    Args:
        rows: What to index.
        former: The artefacts to take vectors from.
        encoder: The encoder in use; it must be that of the former artefacts.
        encode: Returns the vectors of rows, shape (rows, dimension).
    """
    import faiss

    if former.read_manifest().encoder_fingerprint != encoder.fingerprint:
        return None
    if factory_string(len(rows)) == EXACT:
        return None  # few rows, kept uncompressed, are encoded in seconds
    index = faiss.read_index(str(former.code_index))
    if not isinstance(index, faiss.IndexIVFScalarQuantizer):
        return None
    place = {row.text: number for number, row in enumerate(read_rows(former.rows))}
    known = np.array([place.get(row.text, -1) for row in rows], dtype=np.int64)
    index.make_direct_map(True)
    stored: Vectors = index.reconstruct_n(0, index.ntotal)
    index.make_direct_map(False)
    vectors = np.empty((len(rows), encoder.dimension), dtype=np.float32)
    vectors[known >= 0] = stored[known[known >= 0]]
    fresh = {row.text: row for row, number in zip(rows, known, strict=True) if number < 0}
    if fresh:
        encoded = dict(zip(fresh, encode(list(fresh.values())), strict=True))
        for number in np.flatnonzero(known < 0).tolist():
            vectors[number] = encoded[rows[number].text]
    index.reset()
    index.add(vectors)
    return ReusedIndex(index, int(np.count_nonzero(known >= 0)))
