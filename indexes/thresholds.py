"""The one threshold that serves a set of scored notes best."""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple


class Threshold(NamedTuple):
    """A score from which codes are assigned, and the micro-F1 that gives."""

    value: float
    micro_f1: float


def best_threshold(scores: Sequence[Mapping[str, float]], gold: Sequence[Set[str]]) -> Threshold:
    """Return the global threshold with the highest micro-F1.

    It lies midway between two neighbouring scores, so that it does not hang on one of them.

    Args:
        scores: For each note the score of each candidate code, above 0.
        gold: For each note its reference codes; those that are no candidates count as missed.
    """
    judged = sorted(
        (
            (s, code in g)
            for found, g in zip(scores, gold, strict=True)
            for code, s in found.items()
        ),
        reverse=True,
    )
    total = sum(len(g) for g in gold)
    best, hits = Threshold(1.0, 0.0), 0
    for rank, (score, hit) in enumerate(judged, start=1):
        hits += hit
        following = judged[rank][0] if rank < len(judged) else 0.0
        f1 = 2 * hits / (rank + total)
        if f1 > best.micro_f1 and score > following:
            best = Threshold((score + following) / 2, f1)
    return best
