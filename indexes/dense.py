"""Dense retrieval: windows of a note against vectors of code wordings in a FAISS index."""

from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any, Self

import numpy as np

from indexes.artefacts import Artefacts
from indexes.candidates import Candidate
from indexes.encoder import Encoder
from indexes.expansion import clinical_expander
from indexes.pooling import ROWS_PER_WINDOW, Hit, best_hits, pool
from indexes.rows import Row, RowKind
from indexes.token_vectors import Vectors
from indexes.windows import windows
from knowledge.note_text import Note, Span

# 256 inverted lists, 4 bits a dimension: 16 MB for 80,000 rows, against 122 MB uncompressed.
FACTORY = "IVF256,SQ4"
EXACT = "Flat"
# Lists searched for a query. Of the ten nearest rows 83 % are found; recall of codes at 100 on
# CodiEsp train is no lower than with exact search, which takes ten times as long.
PROBES = 32
# Below this the lists would hold too few rows to be trained well; exact search is fast enough.
_LEAST_ROWS = 10_000


class DenseIndex:
    """Rows and the FAISS index of their vectors, position by position.

    Args:
        rows: The rows.
        faiss_index: Inner-product index of as many vectors.
        parameters: Of FAISS, for searching; None takes those of the index.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        faiss_index: Any,  # noqa: ANN401 (untyped)
        parameters: Any = None,  # noqa: ANN401 (untyped)
    ) -> None:
        self.rows = rows
        self._index = faiss_index
        self._parameters = parameters

    @classmethod
    def load(cls, rows: Sequence[Row], path: Path) -> Self:
        """Load an index written by `write_index`."""
        import faiss

        index = faiss.read_index(str(path))
        if hasattr(index, "nprobe"):
            index.nprobe = PROBES
        return cls(rows, index)

    def among(self, kinds: Set[RowKind]) -> "DenseIndex":
        """Return the same index with only the rows of some kinds to be found."""
        import faiss

        kept = np.flatnonzero([row.kind in kinds for row in self.rows]).astype(np.int64)
        limit: dict[str, Any] = {"sel": faiss.IDSelectorBatch(kept)}
        if hasattr(self._index, "nprobe"):
            limit["nprobe"] = self._index.nprobe
            return DenseIndex(self.rows, self._index, faiss.SearchParametersIVF(**limit))
        return DenseIndex(self.rows, self._index, faiss.SearchParameters(**limit))

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def search(self, vectors: Vectors, k: int) -> list[list[Hit]]:
        """Return the nearest rows of each vector, best first.

        Args:
            vectors: Unit vectors, shape (queries, dimension).
            k: Rows for each.
        """
        scores, positions = self._index.search(vectors, min(k, len(self)), params=self._parameters)
        return [
            list(self._hits(*found))
            for found in zip(positions.tolist(), scores.tolist(), strict=True)
        ]

    def positions(self, vectors: Vectors, k: int) -> list[list[int]]:
        """Return the positions of the nearest rows of each vector, best first."""
        _, positions = self._index.search(vectors, min(k, len(self)), params=self._parameters)
        found: list[list[int]] = positions.tolist()
        return found

    def _hits(self, positions: Sequence[int], scores: Sequence[float]) -> Iterator[Hit]:
        for position, score in zip(positions, scores, strict=True):
            if position >= 0:  # FAISS fills up with -1 where its lists hold fewer rows
                yield Hit(self.rows[position], score)


class DenseGenerator:
    """Candidates by meaning.

    Args:
        index: Index of code rows.
        encoder: The encoder that made its vectors.
    """

    name = "dense"

    def __init__(self, index: DenseIndex, encoder: Encoder) -> None:
        self._index = index
        self._encoder = encoder

    @classmethod
    def load(cls, artefacts: Artefacts, encoder: Encoder, rows: Sequence[Row]) -> Self:
        """Load from artefacts; call `Artefacts.verify` first.

        Args:
            artefacts: The files.
            encoder: The encoder that the manifest names.
            rows: What ``read_rows(artefacts.rows)`` returns; the lexical generator shares them.
        """
        index = DenseIndex.load(rows, artefacts.code_index)
        artefacts.verify_rows(artefacts.rows, len(rows))
        artefacts.verify_rows(artefacts.code_index, len(index))
        return cls(index, encoder)

    def among(self, kinds: Set[RowKind]) -> "DenseGenerator":
        """Return the same generator with only wordings of some kinds to be found."""
        return DenseGenerator(self._index.among(kinds), self._encoder)

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` distinct codes, best first."""
        spans = windows(note)
        if not spans:
            return []
        vectors = self._encoder.encode(query_texts(note, spans))
        return pool(spans, self._index.search(vectors, ROWS_PER_WINDOW), name=self.name, k=k)

    def search(self, text: str, k: int) -> list[Hit]:
        """Return the codes nearest to a text, best first, each once."""
        (hits,) = self._index.search(
            self._encoder.encode([clinical_expander().expand(text)]), 10 * k
        )
        return best_hits(hits, k)


def query_texts(note: Note, spans: Sequence[Span]) -> list[str]:
    """Return what is encoded for some windows of a note: their words, abbreviations written out."""
    expand = clinical_expander().expand
    return [expand(note.slice(span)) for span in spans]


def build_faiss(vectors: Vectors) -> Any:  # noqa: ANN401 (untyped)
    """Return a FAISS index of vectors for inner product.

    Args:
        vectors: Unit vectors, shape (rows, dimension); compressed if there are many.
    """
    import faiss

    threads = faiss.omp_get_max_threads()
    # The sums of k-means depend on how the work is split, so the index would too.
    faiss.omp_set_num_threads(1)
    try:
        index = faiss.index_factory(
            vectors.shape[1], factory_string(len(vectors)), faiss.METRIC_INNER_PRODUCT
        )
        index.train(vectors)
        index.add(vectors)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


def write_index(path: Path, faiss_index: Any) -> None:  # noqa: ANN401 (untyped)
    """Write a FAISS index."""
    import faiss

    faiss.write_index(faiss_index, str(path))


def factory_string(rows: int) -> str:
    """Return the FAISS factory string for an index of so many rows."""
    return FACTORY if rows >= _LEAST_ROWS else EXACT
