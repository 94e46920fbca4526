"""Search by words, for codes and for guideline cards: what the command and the tools share."""

from collections.abc import Sequence
from typing import NamedTuple

from indexes.candidates import Candidate, CandidateGenerator
from indexes.fusion import reciprocal_rank_fusion
from indexes.guideline_search import GuidelineSearch
from indexes.tokens import text_stems
from knowledge.code_systems.base import CodeSystem
from knowledge.guidelines import load_cards
from knowledge.note_text import Note

_DEPTH = 10  # candidates of each generator for one hit that is asked for


class SearchHit(NamedTuple):
    """A code or guideline card that fits the words, and the wording that matched."""

    key: str
    score: float
    title: str
    matched: str


def code_hits(
    text: str, limit: int, system: CodeSystem, generators: Sequence[CandidateGenerator]
) -> list[SearchHit]:
    """Rank codes as for a note that says only ``text``, all generators fused.

    Of equally good hits the one that shares more of the words stands first: half a word
    ("mild persistent asth") may be any word to one of the generators.
    """
    note = Note.parse(text, "query")
    depth = _DEPTH * limit
    fused = reciprocal_rank_fusion({g.name: g.candidates(note, depth) for g in generators})
    words = text_stems(text)
    fused.sort(key=lambda c: (-c.score, -len(words & text_stems(_matched(c)))))
    return [
        SearchHit(
            key=c.code,
            score=round(c.score, 4),
            title=system.get(c.code).title,
            matched=_matched(c),
        )
        for c in fused[:limit]
    ]


def _matched(candidate: Candidate) -> str:
    """Return the best wording that a candidate was found by."""
    return candidate.mentions[0].term if candidate.mentions else ""


def guideline_hits(text: str, limit: int, search: GuidelineSearch) -> list[SearchHit]:
    """Rank guideline cards; the body of a card is what matched."""
    cards = {card.id: card for card in load_cards()}
    return [
        SearchHit(
            key=hit.key,
            score=round(hit.score, 4),
            title=cards[hit.key].title,
            matched=cards[hit.key].body.strip(),
        )
        for hit in search.search(text, limit)
    ]
