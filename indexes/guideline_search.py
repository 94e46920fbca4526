"""Search for guideline cards: by meaning (FAISS) and by words (BM25), the two rankings fused.

A card is one row, its title and text. On the held-out questions of
``tests/data/guideline_queries.yaml`` that speak as coders do, the mean reciprocal rank is .86 for
the fusion, .81 for FAISS and .80 for BM25 alone; on those in lay words it is .49, .51 and .22.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from indexes.artefacts import Artefacts
from indexes.candidates import Candidate
from indexes.dense import DenseIndex
from indexes.encoder import Encoder, load_encoder
from indexes.fusion import reciprocal_rank_fusion
from indexes.lexical import LexicalIndex
from indexes.pooling import Hit, best_hits
from indexes.rows import read_rows
from knowledge.code_systems.base import CodeSystem

FUSED = "fused"
# Cards that each ranking gives to the fusion.
_DEPTH = 50
# BM25 counts for less, since a question in lay words shares few with its card, and the first ranks
# of either count for more than with the usual constant of 60. Chosen on the groups "tune" and
# "tune_lay" of the questions, where recall@5 rose from .86 (FAISS) to .96; equal weights and 60
# gave .91. Constants from 5 to 20 and weights from .5 to 1 did about as well.
_RANK_CONSTANT = 10
_WEIGHTS = {"bm25": 0.7}


class GuidelineSearch:
    """Guideline cards that answer a question.

    Args:
        dense: FAISS index of the cards.
        lexical: BM25 index of the same rows.
        encoder: The encoder of the FAISS index.
    """

    def __init__(self, dense: DenseIndex, lexical: LexicalIndex, encoder: Encoder) -> None:
        self._dense = dense
        self._lexical = lexical
        self._encoder = encoder

    @classmethod
    def load(cls, artefacts: Artefacts, encoder: Encoder) -> Self:
        """Load from artefacts; call `Artefacts.verify` first.

        The BM25 index is made here: that takes a fraction of a second for a few hundred cards.
        """
        rows = read_rows(artefacts.guideline_rows)
        dense = DenseIndex.load(rows, artefacts.guideline_index)
        return cls(dense, LexicalIndex.build(rows), encoder)

    def search(self, text: str, k: int) -> list[Hit]:
        """Return at most ``k`` cards, best first; scores are those of the fusion."""
        return self.rankings(text)[FUSED][:k]

    def rankings(self, text: str) -> dict[str, list[Hit]]:
        """Return the rankings ``dense``, ``bm25`` and ``fused`` of the cards for a text."""
        (near,) = self._dense.search(self._encoder.encode([text]), _DEPTH)
        found = {
            "dense": best_hits(near, _DEPTH),
            "bm25": best_hits(self._lexical.search(text, _DEPTH), _DEPTH),
        }
        rows = {hit.key: hit.row for hits in found.values() for hit in hits}
        rankings = {name: _candidates(hits) for name, hits in found.items()}
        fused = reciprocal_rank_fusion(rankings, _RANK_CONSTANT, _WEIGHTS)
        return {**found, FUSED: [Hit(rows[c.code], c.score) for c in fused]}


def load_guideline_search(system: CodeSystem, directory: Path | None = None) -> GuidelineSearch:
    """Load the search over the cards of a folder that ``icd-agent index build`` wrote.

    Args:
        system: The code system of the artefacts.
        directory: The folder; None takes the shipped one.

    Raises:
        UserError: The artefacts are missing, damaged, or belong to another encoder or release.
    """
    artefacts = Artefacts.from_directory(directory) if directory else Artefacts.bundled()
    encoder = load_encoder(artefacts.read_manifest().encoder)
    artefacts.verify(system, encoder)
    return GuidelineSearch.load(artefacts, encoder)


def _candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """Present cards to the fusion, which ranks by key whatever the key stands for."""
    return [Candidate(hit.key, hit.score) for hit in hits]
