"""Coded notes as what PLM-ICD learns from: token chunks, label positions, evidence tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from indexes.coded_notes import CodedNote
from indexes.plm_icd.chunks import TokenChunks, chunk_note
from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.encoders import Pretrained
from indexes.plm_icd.labels import LabelSpace


class Example(NamedTuple):
    """One training note.

    Attributes:
        chunks: Token ids of its chunks.
        codes: Positions of its codes in the label space.
        categories: Positions of their categories.
        chapters: Positions of their chapters.
        evidence: By position of a code the tokens of its evidence; codes without are left out.
    """

    chunks: list[list[int]]
    codes: list[int]
    categories: list[int]
    chapters: list[int]
    evidence: Mapping[int, list[int]]


def make_example(
    coded: CodedNote, labels: LabelSpace, pretrained: Pretrained, config: PLMConfig
) -> Example:
    """Turn a coded note into an example; codes outside the label space are passed over."""
    chunks = chunk_note(
        coded.note,
        pretrained.tokenizer,
        pretrained.special,
        config.chunk_tokens,
        config.max_training_tokens,
    )
    codes = sorted(labels.position[code] for code in coded.codes if code in labels.position)
    return Example(
        chunks.ids,
        codes,
        sorted({labels.category_positions[code] for code in codes}),
        sorted({labels.chapter_positions[code] for code in codes}),
        _evidence_tokens(coded, labels, chunks),
    )


def count_labels(examples: Sequence[Example], labels: LabelSpace) -> list[np.ndarray]:
    """Return the number of examples with each code, category and chapter."""
    return [
        _count((e.codes for e in examples), len(labels.codes)),
        _count((e.categories for e in examples), len(labels.categories)),
        _count((e.chapters for e in examples), len(labels.chapters)),
    ]


def _count(positions: Iterable[list[int]], size: int) -> np.ndarray:
    counts = np.zeros(size, dtype=np.float32)
    for found in positions:
        counts[found] += 1
    return counts


def _evidence_tokens(
    coded: CodedNote, labels: LabelSpace, chunks: TokenChunks
) -> dict[int, list[int]]:
    tokens: dict[int, set[int]] = {}
    starts, ends = chunks.offsets[:, 0], chunks.offsets[:, 1]
    for code, span in coded.evidence:
        if code in labels.position:
            inside = np.flatnonzero((starts < span.end) & (ends > span.start)).tolist()
            tokens.setdefault(labels.position[code], set()).update(inside)
    return {code: sorted(found) for code, found in tokens.items() if found}
