"""PLM-ICD's opinion of a note, by the exported model: onnxruntime and numpy, no torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexes.candidates import Candidate, Mention
from indexes.plm_icd.chunks import SpecialTokens, TokenChunks, chunk_note
from indexes.plm_icd.files import PLMCard, PLMFiles
from indexes.token_vectors import OnnxTokenEncoder
from knowledge.note_text import Note, Span

NAME = "plm_icd"
_EVIDENCE_SHARE = 0.25  # of the highest attention, from which neighbouring tokens are evidence too
_OPINION = 200  # most probable codes of a note that are worth their evidence
_LAYER_NORM_EPSILON = 1e-5

Floats = NDArray[np.float32]


class Prediction(NamedTuple):
    """What PLM-ICD thinks of one code.

    Attributes:
        code: The code as its training data writes it.
        probability: Its sigmoid.
        evidence: The words its attention rests on.
    """

    code: str
    probability: float
    evidence: Span


class PLMPredictor:
    """An exported PLM-ICD model.

    Args:
        folder: What `indexes.plm_icd.export` wrote.
        threads: Cores to use; all that the process may use if not given.

    Raises:
        UserError: A file is missing or has another form.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        from threadpoolctl import ThreadpoolController
        from tokenizers import Tokenizer

        files = PLMFiles(folder)
        self.card: PLMCard = files.read_card()
        self.label_space = frozenset(self.card.codes)
        self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        self._special = SpecialTokens(*self.card.special_tokens)
        self._encoder = OnnxTokenEncoder(files.encoder, threads)
        with np.load(files.labels, allow_pickle=False) as arrays:
            weights = {name: arrays[name].astype(np.float32) for name in arrays.files}
        self._blas = ThreadpoolController().select(user_api="blas")
        self._query, self._value, self._bias = (weights[n] for n in ("query", "value", "bias"))
        self._norm_weight, self._norm_bias = weights["norm_weight"], weights["norm_bias"]
        self._last: tuple[str, Sequence[Prediction]] = ("", ())

    @property
    def threshold(self) -> float:
        """Probability from which the model assigns a code."""
        return self.card.threshold

    def opinion(self, note: Note) -> Sequence[Prediction]:
        """Return the codes worth looking at, most probable first; the last note is remembered."""
        if self._last[0] != note.text:
            self._last = (note.text, self.predict(note, _OPINION))
        return self._last[1]

    def predict(self, note: Note, k: int) -> list[Prediction]:
        """Return the ``k`` most probable codes, most probable first."""
        chunks = self._chunks(note)
        if not chunks.tokens:
            return []
        parts = self._read(chunks)
        probabilities = self._probabilities(parts)
        best = _highest(probabilities, k)
        attention = _softmax(np.concatenate([part.scores[best] for part in parts], axis=1))
        return [
            Prediction(
                self.card.codes[label],
                float(probabilities[label]),
                evidence_span(weights, chunks.offsets, note),
            )
            for label, weights in zip(best, attention, strict=True)
        ]

    def scores(self, note: Note, k: int) -> dict[str, float]:
        """Return the ``k`` most probable codes with their probabilities, without evidence."""
        chunks = self._chunks(note)
        if not chunks.tokens:
            return {}
        probabilities = self._probabilities(self._read(chunks))
        return {self.card.codes[n]: float(probabilities[n]) for n in _highest(probabilities, k)}

    def _chunks(self, note: Note) -> TokenChunks:
        return chunk_note(note, self._tokenizer, self._special, self.card.config.chunk_tokens)

    def _read(self, chunks: TokenChunks) -> "list[_ChunkReading]":
        # Both kinds of work share out the chunks; BLAS threads would wait, busy, beside them.
        with self._blas.limit(limits=1):
            return list(self._encoder.encode(chunks.ids, self._read_chunk))

    def _probabilities(self, parts: "Sequence[_ChunkReading]") -> Floats:
        probabilities: Floats = 1 / (1 + np.exp(-(_attended(parts) + self._bias)))
        return probabilities

    def _read_chunk(self, hidden: Floats) -> "_ChunkReading":
        """Return what the labels see in a chunk, given the vectors of its tokens."""
        tokens = self._normed(hidden[1:-1])  # without the special ones
        scores = self._query @ tokens.T
        highest = scores.max(axis=1)
        weights = np.exp(scores - highest[:, None])
        value = np.einsum("lt,lt->l", weights, self._value @ tokens.T)
        return _ChunkReading(scores, highest, weights.sum(axis=1), value)

    def _normed(self, tokens: Floats) -> Floats:
        centred = tokens - tokens.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + _LAYER_NORM_EPSILON)
        normed: Floats = centred / deviation * self._norm_weight + self._norm_bias
        return normed


class _ChunkReading(NamedTuple):
    """What the labels see in one chunk, before the softmax over all tokens of the note.

    Attributes:
        scores: Of each token for each label, shape (labels, tokens).
        highest: Highest score a label, shape (labels,).
        mass: Sum of exp(score - highest), shape (labels,).
        value: Sum of exp(score - highest) times what the token says for the label.
    """

    scores: Floats
    highest: Floats
    mass: Floats
    value: Floats


class PLMGenerator:
    """PLM-ICD as one more voice among the candidate generators."""

    name = NAME

    def __init__(self, predictor: PLMPredictor) -> None:
        self.predictor = predictor

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return at most ``k`` distinct codes, best first."""
        return as_candidates(self.predictor.opinion(note)[:k])


def as_candidates(predictions: Sequence[Prediction]) -> list[Candidate]:
    """Turn predictions into candidates in the same order."""
    return [
        Candidate(
            code,
            probability,
            (Mention(evidence, probability, "attention of PLM-ICD", NAME),),
            {NAME: probability},
        )
        for code, probability, evidence in predictions
    ]


def evidence_span(attention: Floats, offsets: NDArray[np.int64], note: Note) -> Span:
    """Return the whole words around the token with the highest attention.

    Neighbours in the same sentence belong to them while their attention is a fair share of the
    highest.

    Args:
        attention: Weights of the tokens, shape (tokens,).
        offsets: Offsets of the tokens, shape (tokens, 2).
        note: The note of the tokens.
    """
    peak = int(attention.argmax())
    least = _EVIDENCE_SHARE * float(attention[peak])
    sentence = note.sentence_at(int(offsets[peak, 0]))
    limits = sentence.span if sentence else Span(0, len(note.text))

    def grow(positions: Iterator[int] | range) -> int:
        last = peak
        for position in positions:
            inside = limits.start <= offsets[position, 0] and offsets[position, 1] <= limits.end
            if not inside or attention[position] < least:
                break
            last = position
        return last

    first, last = grow(range(peak - 1, -1, -1)), grow(range(peak + 1, len(attention)))
    return _whole_words(note.text, int(offsets[first, 0]), int(offsets[last, 1]))


def _whole_words(text: str, start: int, end: int) -> Span:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return Span(start, end)


def _highest(probabilities: Floats, k: int) -> list[int]:
    best: list[int] = np.argsort(-probabilities, kind="stable")[:k].tolist()
    return best


def _attended(parts: Sequence[_ChunkReading]) -> Floats:
    """Return each label's value under one softmax over the tokens of all chunks."""
    highest = np.stack([part.highest for part in parts])
    scale = np.exp(highest - highest.max(axis=0))
    mass = (scale * np.stack([part.mass for part in parts])).sum(axis=0)
    value = (scale * np.stack([part.value for part in parts])).sum(axis=0)
    attended: Floats = value / mass
    return attended


def _softmax(scores: Floats) -> Floats:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    normed: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return normed
