"""Joins the rankings of several generators into one."""

from collections.abc import Mapping, Sequence

from indexes.candidates import Candidate, Mention
from knowledge.note_text import Span


def reciprocal_rank_fusion(
    rankings: Mapping[str, Sequence[Candidate]],
    k: int = 60,
    weights: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """Add up ``weight / (k + rank)`` over the rankings (Cormack, Clarke and Büttcher 2009).

    Args:
        rankings: Candidates by name of the generator, best first, each code once.
        k: Softens the lead of the first ranks.
        weights: Weight by name of the generator; 1 where not given.

    Returns:
        Every code of the rankings, best first, with the sum as score, its mentions of all
        generators and each generator's own score in ``sources``. Equal sums are ordered by code.

    Raises:
        ValueError: A weight is given for a generator that is not there.
    """
    weights = weights or {}
    if unknown := weights.keys() - rankings.keys():
        raise ValueError(f"weights for unknown generators: {', '.join(sorted(unknown))}")
    scores: dict[str, float] = {}
    for name, ranking in rankings.items():
        for rank, candidate in enumerate(ranking, start=1):
            gain = weights.get(name, 1.0) / (k + rank)
            scores[candidate.code] = scores.get(candidate.code, 0.0) + gain
    return merge_candidates(rankings, scores)


def merge_candidates(
    rankings: Mapping[str, Sequence[Candidate]], scores: Mapping[str, float]
) -> list[Candidate]:
    """Join what several generators found of each code.

    Args:
        rankings: Candidates by name of the generator.
        scores: The joint score of every code of the rankings.

    Returns:
        The codes, best first, with mentions and sources of all generators. Equal scores are
        ordered by code.
    """
    found: dict[str, list[Candidate]] = {}
    for ranking in rankings.values():
        for candidate in ranking:
            found.setdefault(candidate.code, []).append(candidate)
    ranked = sorted(scores, key=lambda code: (-scores[code], code))
    return [_merge(code, scores[code], found[code]) for code in ranked]


def _merge(code: str, score: float, found: Sequence[Candidate]) -> Candidate:
    sources = {name: value for candidate in found for name, value in candidate.sources.items()}
    return Candidate(code, score, _merge_mentions(found), sources)


def _merge_mentions(found: Sequence[Candidate]) -> tuple[Mention, ...]:
    """Return one mention for each span, best first.

    Where several generators name the same words, the mention of the first one stays: list the
    generator that matches words exactly before those that match clauses.
    """
    merged: dict[Span, Mention] = {}
    for candidate in found:
        for mention in candidate.mentions:
            merged.setdefault(mention.span, mention)
    return tuple(sorted(merged.values(), key=lambda mention: (-mention.score, mention.span)))
