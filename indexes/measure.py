"""What compression of the index costs, and how well retrieval finds gold codes.

`index_recall` compares the compressed index with an exact search over freshly made vectors;
`code_recall` needs notes with codes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexes.artefacts import Artefacts
from indexes.build import Progress, encode_rows, shards_folder
from indexes.candidates import Candidate, CandidateGenerator
from indexes.dense import DenseGenerator, DenseIndex, query_texts
from indexes.encoder import Encoder
from indexes.fusion import reciprocal_rank_fusion
from indexes.lexical import LexicalGenerator
from indexes.rows import read_rows
from indexes.token_vectors import Vectors
from indexes.windows import windows
from knowledge.errors import UserError
from knowledge.guidelines import load_cards
from knowledge.jsonl import read_jsonl
from knowledge.note_text import Note

NEIGHBOURS = (10, 100)
DEPTHS = (50, 100)
_CANDIDATES = 200
_BATCH = 256


class Query(NamedTuple):
    """A note to search for.

    Attributes:
        note: The note.
        codes: Its gold codes without dots; empty if unknown.
    """

    note: Note
    codes: frozenset[str]


class Measurement(NamedTuple):
    """What was found.

    Attributes:
        windows: Windows of the notes, each a query.
        index_recall: See `index_recall`.
        code_recall: See `code_recall`; empty where no note has gold codes.
    """

    windows: int
    index_recall: dict[int, float]
    code_recall: dict[str, dict[int, float]]


def measure_artefacts(
    artefacts: Artefacts, encoder: Encoder, queries: Sequence[Query], progress: Progress
) -> Measurement:
    """Measure the indexes of a folder.

    Args:
        artefacts: The folder; call `Artefacts.verify` first.
        encoder: The encoder that its manifest names.
        queries: Notes to search for.
        progress: Called as for `indexes.build.encode_rows`.
    """
    rows = read_rows(artefacts.rows)
    exact = encode_rows(rows, encoder, shards_folder(), progress)
    vectors = query_vectors(queries, encoder)
    generators: tuple[CandidateGenerator, ...] = (
        DenseGenerator.load(artefacts, encoder, rows),
        LexicalGenerator.load(artefacts, rows),
    )
    return Measurement(
        len(vectors),
        index_recall(DenseIndex.load(rows, artefacts.code_index), exact, vectors),
        code_recall(queries, generators) if any(query.codes for query in queries) else {},
    )


def default_queries() -> list[Query]:
    """Return the texts of the guideline cards: clinical prose that every installation has."""
    return [Query(Note.parse(card.body, card.id), frozenset()) for card in load_cards()]


def read_queries(path: Path) -> list[Query]:
    """Read notes from JSONL lines with "text" and, if known, "codes".

    Raises:
        UserError: A line has no text, or there is no line.
    """
    queries = []
    for line_number, value in read_jsonl(path):
        text, codes = value.get("text"), value.get("codes", [])
        if not isinstance(text, str) or not isinstance(codes, list):
            raise UserError(
                f'{path}, line {line_number}: needs "text", a string, and may have "codes", a list.'
            )
        note = Note.parse(text, str(value.get("id", line_number)))
        queries.append(Query(note, frozenset(_undotted(str(code)) for code in codes)))
    if not queries:
        raise UserError(f"{path} holds no notes.", fix="give a JSONL file with at least one note.")
    return queries


def query_vectors(queries: Sequence[Query], encoder: Encoder) -> Vectors:
    """Encode the windows of the notes, note by note as retrieval does."""
    texts = [query_texts(q.note, windows(q.note)) for q in queries]
    return np.concatenate([encoder.encode(of_note) for of_note in texts if of_note])


def index_recall(index: DenseIndex, rows: Vectors, queries: Vectors) -> dict[int, float]:
    """Return which share of the exact n nearest rows the index has among its n, by n.

    Args:
        index: The compressed index.
        rows: Exact vectors of its rows, shape (rows, dimension).
        queries: Unit vectors, shape (queries, dimension).
    """
    found = dict.fromkeys(NEIGHBOURS, 0.0)
    for batch in _batches(queries):
        similarity = batch @ rows.T
        for n in NEIGHBOURS:
            exact = np.argpartition(-similarity, n - 1, axis=1)[:, :n]
            for of_query, near in zip(exact, index.positions(batch, n), strict=True):
                found[n] += len(set(of_query.tolist()) & set(near)) / n
    return {n: total / len(queries) for n, total in found.items()}


def code_recall(
    queries: Sequence[Query], generators: Sequence[CandidateGenerator]
) -> dict[str, dict[int, float]]:
    """Return micro recall of the gold codes at each depth, by generator and for their fusion.

    Codes are compared exactly, dots apart.
    """
    hits: dict[str, dict[int, int]] = {}
    for query in queries:
        rankings: dict[str, Sequence[Candidate]] = {
            generator.name: generator.candidates(query.note, _CANDIDATES)
            for generator in generators
        }
        rankings["fusion"] = reciprocal_rank_fusion(rankings)
        _count_hits(query, rankings, hits)
    gold = sum(len(query.codes) for query in queries)
    return {
        name: {depth: count / gold for depth, count in of_name.items()}
        for name, of_name in hits.items()
    }


def _count_hits(
    query: Query,
    rankings: Mapping[str, Sequence[Candidate]],
    hits: dict[str, dict[int, int]],
) -> None:
    for name, ranking in rankings.items():
        counts = hits.setdefault(name, dict.fromkeys(DEPTHS, 0))
        for depth in DEPTHS:
            codes = {_undotted(candidate.code) for candidate in ranking[:depth]}
            counts[depth] += len(codes & query.codes)


def _batches(vectors: Vectors) -> Iterator[Vectors]:
    for start in range(0, len(vectors), _BATCH):
        yield vectors[start : start + _BATCH]


def _undotted(code: str) -> str:
    return code.upper().replace(".", "")
