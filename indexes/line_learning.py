"""Learns the evidence-line model: ridge regression from sentences to the codes they speak for.

All codes are solved for at once in the dual, where the problem is as small as the number of
sentences (Saunders, Gammerman and Vovk 1998), and the solution is turned into weights of features,
of which the largest are kept as int8. Three departures from the plain method, each chosen out of
fold on CodiEsp train:

- The features of a training sentence have length 1, those of a note to code do not: a finding
  weighs as much in a long enumeration as in a short sentence.
- A code shares, at a fraction, in the sentences of the other codes of its category.
- The titles of the codes are further sentences, with less weight.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.coded_notes import CodedNote
from indexes.encoder import Encoder
from indexes.evidence_lines import LineModel, LineWeights
from indexes.line_features import BLOCK, FEATURES, feature_matrix
from indexes.windows import windows
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

# In the similarity of two sentences words count this much, parts of words and the vector 1.
WORD_WEIGHT = 0.5
RIDGE = 0.3
# The titles' own ridge: a note seldom says a disease in the words of its title.
TITLE_RIDGE = 1.0
CATEGORY_SHARE = 0.15
# Smaller weights are dropped. With .0005 MAP is .006 higher and the file ten times as large.
LEAST_WEIGHT = 0.003
# The solver holds a square matrix of that many rows in memory: 1.2 GB.
MAX_SENTENCES = 12_000
# A part of a word that a single sentence has tells nothing that its whole word does not.
_LEAST_SENTENCES_OF_PART = 2
_CODES_AT_ONCE = 64  # bounds the memory for weights before most are dropped
_TEXTS_AT_ONCE = 256


class Titled(Protocol):
    """Something with a title."""

    @property
    def title(self) -> str:
        """The title."""
        ...


class Titles(Protocol):
    """Where the titles of codes are found; a code system is one."""

    def __contains__(self, code: object) -> bool:
        """Tell whether a code has a title."""
        ...

    def get(self, code: str) -> Titled:
        """Return what has the title of a code."""
        ...


class Examples(NamedTuple):
    """What is learned from, row by row.

    Attributes:
        texts: Sentences of notes, then titles of codes.
        codes: The codes that each is evidence of, which may be none.
        ridge: How far each may be missed.
    """

    texts: list[str]
    codes: list[frozenset[str]]
    ridge: Floats


class _Weighted(NamedTuple):
    """The hashed features of the examples.

    Attributes:
        rows: Weighted by inverse document frequency, each block of a row scaled to its length;
            shape (examples, FEATURES).
        query: What a feature of a note to code counts, shape (FEATURES,): as much as in a training
            sentence of average length.
    """

    rows: "csr_matrix"
    query: Floats


def learn_lines(
    notes: Sequence[CodedNote],
    encoder: Encoder,
    titles: Titles,
    progress: Progress = lambda done, total: None,
    least_weight: float = LEAST_WEIGHT,
) -> LineModel:
    """Learn which codes the sentences of notes are evidence of.

    Args:
        notes: Notes with evidence; those that have codes and no evidence are left out.
        encoder: Encoder of the vectors.
        titles: The titles of codes, in the language of the notes.
        progress: Told texts encoded and texts in all.
        least_weight: Smaller weights are dropped.

    Raises:
        UserError: No note has evidence.
    """
    examples = training_examples(notes, titles)
    codes = sorted(frozenset[str]().union(*examples.codes))
    vectors = _encoded(examples.texts, encoder, progress)
    features = _weighted(feature_matrix(examples.texts))
    gram = (features.rows @ features.rows.T).toarray() + vectors @ vectors.T
    dual = _solve(gram, examples.ridge, _targets(examples.codes, codes))
    weights = _feature_weights(features, dual, least_weight)
    steps = _steps(abs(weights).max(axis=0).toarray().ravel())
    by_dimension = vectors.T @ dual
    vector_steps = _steps(np.abs(by_dimension).max(axis=0, initial=0.0))
    return LineModel(
        LineWeights(
            codes=np.array(codes),
            counts=np.diff(weights.indptr).astype(np.uint16),
            columns=weights.indices.astype(np.uint16),
            weights=np.rint(weights.data / steps[weights.indices]).astype(np.int8),
            steps=steps,
            vector_weights=np.rint(by_dimension / vector_steps).astype(np.int8),
            vector_steps=vector_steps,
            fingerprint=np.array(encoder.fingerprint),
        )
    )


def training_examples(notes: Sequence[CodedNote], titles: Titles) -> Examples:
    """Return sentences of notes with the codes whose evidence they overlap, and titles.

    Where there are more sentences than `MAX_SENTENCES`, those without evidence are left out first.

    Raises:
        UserError: No note has evidence.
    """
    found = [
        (note.note.slice(span), frozenset(e.code for e in note.evidence if e.span.overlaps(span)))
        for note in notes
        if note.evidence or not note.codes
        for span in whole_sentences(note.note)
    ]
    if not any(codes for _, codes in found):
        raise UserError(
            "The notes hold no evidence of their codes; there are no evidence lines to learn from.",
            fix='give a data set whose lines have "evidence", such as CodiEsp train.',
        )
    kept = sorted(found, key=lambda example: not example[1])[:MAX_SENTENCES]
    known = sorted(c for c in frozenset[str]().union(*(codes for _, codes in kept)) if c in titles)
    texts = [text for text, _ in kept] + [titles.get(code).title for code in known]
    codes = [codes for _, codes in kept] + [frozenset({code}) for code in known]
    ridge = np.repeat([RIDGE, TITLE_RIDGE], [len(kept), len(known)])
    return Examples(texts, codes, ridge)


def whole_sentences(note: Note) -> list[Span]:
    """Return the windows of a note that are part of no longer one, in the order of the note."""
    found: list[Span] = []
    for span in sorted(windows(note), key=lambda s: (s.start, -s.end)):
        if not found or span.end > found[-1].end:
            found.append(span)
    return found


def _encoded(texts: Sequence[str], encoder: Encoder, progress: Progress) -> Floats:
    parts = []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        progress(start, len(texts))
        parts.append(encoder.encode(texts[start : start + _TEXTS_AT_ONCE]))
    progress(len(texts), len(texts))
    return np.concatenate(parts).astype(np.float64)


def _targets(examples: Sequence[frozenset[str]], codes: Sequence[str]) -> Floats:
    """Return shape (examples, codes): 1 for codes of the example, a share more for their category.

    A code that an example lacks still has the share where another code of its category is there.
    """
    position = {code: column for column, code in enumerate(codes)}
    of_category: dict[str, list[int]] = {}
    for code, column in position.items():
        of_category.setdefault(code[:3], []).append(column)
    targets = np.zeros((len(examples), len(codes)))
    for row, found in enumerate(examples):
        for category in {code[:3] for code in found}:
            targets[row, of_category[category]] = CATEGORY_SHARE
        for code in found:
            targets[row, position[code]] = 1 + CATEGORY_SHARE
    return targets


def _weighted(raw: "csr_matrix") -> _Weighted:
    from scipy.sparse import diags, hstack

    sentences = raw.getnnz(axis=0)
    rarity = np.log((1 + raw.shape[0]) / (1 + sentences)) + 1
    rarity[BLOCK:][sentences[BLOCK:] < _LEAST_SENTENCES_OF_PART] = 0
    blocks = ((slice(0, BLOCK), WORD_WEIGHT**0.5), (slice(BLOCK, FEATURES), 1.0))
    rows, query = [], []
    for columns, weight in blocks:
        block = raw[:, columns] @ diags(rarity[columns])
        lengths = np.sqrt(block.multiply(block).sum(axis=1)).A1
        rows.append(diags(weight / np.where(lengths > 0, lengths, 1)) @ block)
        query.append(rarity[columns] * weight / max(lengths.mean(), 1e-12))
    return _Weighted(hstack(rows, format="csr"), np.concatenate(query))


def _solve(gram: Floats, ridge: Floats, targets: Floats) -> Floats:
    """Return the dual coefficients, shape (examples, codes)."""
    from scipy.linalg import cho_factor, cho_solve

    gram[np.diag_indices_from(gram)] += ridge
    return np.asarray(cho_solve(cho_factor(gram, overwrite_a=True), targets, overwrite_b=True))


def _feature_weights(features: _Weighted, dual: Floats, least: float) -> "csr_matrix":
    """Return the weights that are kept, shape (FEATURES, codes)."""
    from scipy.sparse import csr_matrix, hstack

    used = np.flatnonzero(features.rows.getnnz(axis=0))
    rows, query = features.rows[:, used].T.tocsr(), features.query[used, None]
    blocks = []
    for start in range(0, dual.shape[1], _CODES_AT_ONCE):
        weights = (rows @ dual[:, start : start + _CODES_AT_ONCE]) * query
        blocks.append(csr_matrix(np.where(np.abs(weights) < least, 0, weights)))
    kept = hstack(blocks, format="csr")
    counts = np.zeros(FEATURES, dtype=np.int64)
    counts[used] = np.diff(kept.indptr)
    ends = np.concatenate([[0], np.cumsum(counts)])
    return csr_matrix((kept.data, kept.indices, ends), shape=(FEATURES, dual.shape[1]))


def _steps(largest: Floats) -> NDArray[np.float32]:
    """Return the step of each code whose largest weight is given, so that it takes 127 steps."""
    return np.where(largest > 0, largest / 127, 1).astype(np.float32)
