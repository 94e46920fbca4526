"""Codes by the wording of sentences that annotators gave as their evidence.

Where the mention dictionary knows the words of a code, this linear model weighs everything a window
of a note says: hashed words and parts of words (`indexes.line_features`) and the encoder's vector.
`indexes.line_learning` learns the weights.
"""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from indexes.candidates import Candidate, Mention
from indexes.encoder import Encoder
from indexes.line_features import FEATURES, feature_matrix
from indexes.token_vectors import Vectors
from indexes.windows import windows
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

Scores = NDArray[np.float32]

TERM = "wording of coded evidence"
MOST_MENTIONS = 3
# A window speaks of a code from this score on.
_SPEAKS = 0.1
# No single window is certain: else it would hide all others in a noisy-or.
_CERTAIN = 0.95
_TRAIN = "icd-agent train ranker DATA.jsonl"


class LineWeights(NamedTuple):
    """The weights of a model as they are stored: steps of int8, one size of step for each code.

    Attributes:
        codes: The codes, sorted; shape (codes,).
        counts: How many weights each feature has, uint16 of shape (FEATURES,).
        columns: Position in `codes` of each weight, feature by feature; uint16.
        weights: The weights in steps, int8.
        steps: Size of a step, float32 of shape (codes,).
        vector_weights: Weights of the encoder's vector in steps, int8 of shape (dimension, codes).
        vector_steps: Size of a step of those, float32 of shape (codes,).
        fingerprint: Identifies the encoder; shape ().
    """

    codes: NDArray[np.str_]
    counts: NDArray[np.uint16]
    columns: NDArray[np.uint16]
    weights: NDArray[np.int8]
    steps: Scores
    vector_weights: NDArray[np.int8]
    vector_steps: Scores
    fingerprint: NDArray[np.str_]

    def check(self) -> None:
        """Raise ValueError where arrays do not fit together."""
        size, kept = self.codes.size, int(self.counts.sum(dtype=np.int64))
        expected: dict[str, tuple[tuple[int, ...], str]] = {
            "codes": ((size,), "U"),
            "counts": ((FEATURES,), "u"),
            "columns": ((kept,), "u"),
            "weights": ((kept,), "i"),
            "steps": ((size,), "f"),
            "vector_weights": ((len(self.vector_weights), size), "i"),
            "vector_steps": ((size,), "f"),
            "fingerprint": ((), "U"),
        }
        for name, (shape, kind) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype.kind != kind:
                raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}")
        if kept and int(self.columns.max()) >= size:
            raise ValueError(f"a weight belongs to none of the {size} codes")


class LineModel:
    """Scores texts for the codes whose evidence it has seen.

    Args:
        weights: What was learned.
    """

    def __init__(self, weights: LineWeights) -> None:
        from scipy.sparse import csr_matrix

        self._weights = weights
        self.codes: tuple[str, ...] = tuple(weights.codes.tolist())
        ends = np.concatenate([[0], np.cumsum(weights.counts, dtype=np.int32)])
        values = weights.weights * weights.steps[weights.columns]
        self._by_feature = csr_matrix(
            (values, weights.columns.astype(np.int32), ends), shape=(FEATURES, len(self.codes))
        )
        self._by_dimension = weights.vector_weights * weights.vector_steps

    @property
    def fingerprint(self) -> str:
        """Identifies the encoder whose vectors it weighs."""
        return str(self._weights.fingerprint)

    def save(self, path: Path) -> None:
        """Write the model; equal models give equal bytes."""
        with path.open("wb") as file:
            np.savez_compressed(file, **self._weights._asdict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model written by `save`.

        Raises:
            UserError: The file is missing or has another form.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                weights = LineWeights(**{name: arrays[name] for name in LineWeights._fields})
            weights.check()
        except (
            OSError,
            EOFError,
            KeyError,
            TypeError,
            ValueError,
            BadZipFile,
            zlib.error,
        ) as error:
            raise UserError(f"{path} is no evidence-line model: {error}.", fix=_TRAIN) from error
        return cls(weights)

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Scores:
        """Score all codes for texts.

        Args:
            texts: Windows of a note.
            vectors: Their vectors by the encoder of the model, shape (texts, dimension).

        Returns:
            Shape (texts, codes): near 1 where a text says what evidence of the code said, near 0
            or below where it does not. Not limited to that range.
        """
        by_wording = (feature_matrix(texts) @ self._by_feature).toarray()
        return np.asarray(by_wording + vectors @ self._by_dimension, dtype=np.float32)


class LineGenerator:
    """Candidates by the wording of coded evidence.

    Args:
        model: The model.
        encoder: The encoder it was learned with; one that remembers saves encoding twice what the
            dense generator reads too.

    Raises:
        UserError: The model belongs to another encoder.
    """

    name = "lines"

    def __init__(self, model: LineModel, encoder: Encoder) -> None:
        if model.fingerprint != encoder.fingerprint:
            raise UserError(
                f"The evidence-line model was learned with another encoder than {encoder.name}: "
                f"weights {model.fingerprint[:12]}, in use are {encoder.fingerprint[:12]}.",
                fix=_TRAIN,
            )
        self._model = model
        self._encoder = encoder

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` distinct codes, best first.

        A code is as good as its best window. Adding up over the windows ranks worse: the many
        faint resemblances of a long note outweigh one clear statement.
        """
        spans = windows(note)
        if not spans or k < 1:
            return []
        texts = [note.slice(span) for span in spans]
        view = _NoteScores(spans, self._model.scores(texts, self._encoder.encode(texts)))
        categories = _Categories.of(self._model.codes, np.clip(view.best, 0.0, 1.0))
        order = np.argsort(-view.best, kind="stable")[:k].tolist()
        return [
            self._candidate(column, view, categories) for column in order if view.best[column] > 0
        ]

    def _candidate(self, column: int, view: "_NoteScores", categories: "_Categories") -> Candidate:
        code = self._model.codes[column]
        score = min(float(view.best[column]), 1.0)
        features = {
            **view.features(column),
            "category_max": categories.best[code[:3]],
            "category_sum": categories.total[code[:3]],
        }
        mentions = tuple(
            Mention(span, min(found, 1.0), TERM, self.name) for span, found in view.places(column)
        )
        return Candidate(code, score, mentions, {self.name: score}, features)


class _NoteScores:
    """The scores of all windows of a note, shape (windows, codes), and what follows from them."""

    def __init__(self, spans: Sequence[Span], scores: Scores) -> None:
        self._spans = spans
        self._scores = scores
        self.best: Scores = scores.max(axis=0)

    def features(self, column: int) -> dict[str, float]:
        """Return numbers on one code for the ranker."""
        scores = self._scores[:, column]
        there = np.clip(scores, 0.0, _CERTAIN)
        return {
            "max": float(self.best[column]),
            "noisy_or": float(1 - np.prod(1 - there)),
            "windows": float(np.count_nonzero(scores > _SPEAKS)),
            "margin": self._margin(column),
        }

    def places(self, column: int) -> Iterator[tuple[Span, float]]:
        """Yield the best windows of a code, best first, none of which overlaps a better one."""
        scores = self._scores[:, column]
        taken: list[Span] = []
        for row in np.argsort(-scores, kind="stable").tolist():
            span = self._spans[row]
            if len(taken) == MOST_MENTIONS or (taken and scores[row] <= _SPEAKS):
                return
            if not any(span.overlaps(other) for other in taken):
                taken.append(span)
                yield span, float(scores[row])

    def _margin(self, column: int) -> float:
        """Return by how much a code leads all others in its best window; negative if it trails."""
        row = self._scores[int(self._scores[:, column].argmax())]
        others = np.delete(row, column)
        return float(row[column] - others.max(initial=0.0))


class _Categories(NamedTuple):
    """How strongly a note speaks of each category: best score and sum over its codes."""

    best: dict[str, float]
    total: dict[str, float]

    @classmethod
    def of(cls, codes: Sequence[str], scores: Scores) -> Self:
        best: dict[str, float] = {}
        total: dict[str, float] = {}
        for code, score in zip(codes, scores.tolist(), strict=True):
            category = code[:3]
            best[category] = max(best.get(category, 0.0), score)
            total[category] = total.get(category, 0.0) + score
        return cls(best, total)
