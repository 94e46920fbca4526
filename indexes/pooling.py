"""From what single windows of a note find to one ranking of codes for the note."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexes.candidates import Candidate, Mention
from indexes.rows import Row
from knowledge.note_text import Span

# Rows looked up for a window. More add siblings of the same few codes.
ROWS_PER_WINDOW = 20
# A code that is second best for its window counts 1 / 2**0.15 = 0.90 of its similarity, the tenth
# 0.71: else a vague window ("fracture") fills the ranking with its many near equals. Chosen on
# CodiEsp train: recall@50 of the dense generator rose from .40 to .46.
RANK_DISCOUNT = 0.15
MAX_MENTIONS = 5


class Hit(NamedTuple):
    """A row that resembles a text.

    Attributes:
        row: The row.
        score: Its similarity in [0, 1].
    """

    row: Row
    score: float

    @property
    def key(self) -> str:
        """The code or guideline card of the row."""
        return self.row.key


def best_hits(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Return the best hit of each key, at most ``k``, in the order given."""
    unique: dict[str, Hit] = {}
    for hit in hits:
        unique.setdefault(hit.key, hit)
    return list(unique.values())[:k]


def pool(
    spans: Sequence[Span], hits: Sequence[Sequence[Hit]], *, name: str, k: int
) -> list[Candidate]:
    """Rank codes by their best window.

    Args:
        spans: The windows of a note.
        hits: For each window the rows it found, best first.
        name: Name of the generator.
        k: Codes to return.

    Returns:
        At most ``k`` candidates; equal scores stand in the order of the note.
    """
    mentions: dict[str, list[Mention]] = {}
    for span, found in zip(spans, hits, strict=True):
        for code, mention in _window_mentions(span, found, name):
            mentions.setdefault(code, []).append(mention)
    for of_code in mentions.values():
        of_code.sort(key=_score, reverse=True)
    ranked = sorted(mentions, key=lambda code: _score(mentions[code][0]), reverse=True)[:k]
    return [_candidate(code, mentions[code], name) for code in ranked]


def _window_mentions(span: Span, found: Sequence[Hit], name: str) -> Iterator[tuple[str, Mention]]:
    for rank, hit in enumerate(best_hits(found, len(found)), start=1):
        score = min(max(hit.score, 0.0), 1.0) / rank**RANK_DISCOUNT
        yield hit.key, Mention(span, score, hit.row.text, name)


def _candidate(code: str, mentions: Sequence[Mention], name: str) -> Candidate:
    score = mentions[0].score
    return Candidate(code, score, tuple(mentions[:MAX_MENTIONS]), {name: score})


def _score(mention: Mention) -> float:
    return mention.score
