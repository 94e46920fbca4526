"""Metrics of scored candidates: areas under curves, precision and recall at a depth.

Scores need not be probabilities, but those of different notes are held against each other. The
label space is all codes that the reference or any candidate list names; what a note's list leaves
out is scored below everything it holds. Those left out are counted, not listed, so memory grows
with the lists and not with notes x codes.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eval.metrics import CodeSets, Rankings, ratio

Scores: TypeAlias = Mapping[str, Mapping[str, float]]
"""Score of each candidate code by note id."""

PRECISION_DEPTHS = (5, 8, 15)


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """What the functions of this module give for one set of candidates.

    Attributes:
        auprc_micro: Average precision over all (note, code) pairs.
        auprc_macro: Mean over the codes of the reference.
        roc_auc_micro: Area under the ROC curve over all (note, code) pairs.
        roc_auc_macro: Mean over the codes of the reference that some note lacks.
        r_precision: Mean precision within as many ranks as the note has codes.
        precision_at: Mean precision within the first k ranks, by k.
    """

    auprc_micro: float | None
    auprc_macro: float | None
    roc_auc_micro: float | None
    roc_auc_macro: float | None
    r_precision: float
    precision_at: Mapping[int, float]


class _Curve(NamedTuple):
    """Right and wrong pairs at or above each distinct score, the highest score first.

    The last point stands for all pairs, those without a score among them.
    """

    right: NDArray[np.float64]
    wrong: NDArray[np.float64]


def ranking_metrics(gold: CodeSets, scores: Scores, rankings: Rankings) -> RankingMetrics:
    """Compute every metric of this module.

    Args:
        gold: Reference codes by note id.
        scores: Finite score of each candidate by note id.
        rankings: The same candidates, best first.
    """
    pooled, by_code = _curves(gold, scores)
    return RankingMetrics(
        auprc_micro=_auprc(pooled),
        auprc_macro=_mean([_auprc(curve) for curve in by_code]),
        roc_auc_micro=_roc_auc(pooled),
        roc_auc_macro=_mean([_roc_auc(curve) for curve in by_code]),
        r_precision=r_precision(gold, rankings),
        precision_at={depth: precision_at(gold, rankings, depth) for depth in PRECISION_DEPTHS},
    )


def precision_at(gold: CodeSets, rankings: Rankings, depth: int) -> float:
    """Return the mean over notes of the share of relevant codes within the first `depth` ranks.

    Ranks that a short list leaves empty count as wrong, as in trec_eval.
    """
    return ratio(math.fsum(_hits(gold, rankings, n, depth) / depth for n in gold), len(gold))


def r_precision(gold: CodeSets, rankings: Rankings) -> float:
    """Return the mean over notes with codes of the precision within as many ranks as codes."""
    coded = [note for note, codes in gold.items() if codes]
    shares = [_hits(gold, rankings, n, len(gold[n])) / len(gold[n]) for n in coded]
    return ratio(math.fsum(shares), len(coded))


def _hits(gold: CodeSets, rankings: Rankings, note: str, depth: int) -> int:
    return len(gold[note].intersection(rankings.get(note, ())[:depth]))


def _curves(gold: CodeSets, scores: Scores) -> tuple[_Curve, list[_Curve]]:
    """Return the curve of all pairs together, and those of each code of the reference."""
    by_code: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for note, codes in gold.items():
        for code, score in scores.get(note, {}).items():
            by_code[code].append((score, code in codes))
    positives = Counter(code for codes in gold.values() for code in codes)
    labels = by_code.keys() | positives.keys()
    pairs = [pair for listed in by_code.values() for pair in listed]
    pooled = _curve(pairs, positives.total(), len(gold) * len(labels))
    return pooled, [
        _curve(by_code.get(code, ()), positives[code], len(gold)) for code in sorted(positives)
    ]


def _curve(pairs: Sequence[tuple[float, bool]], positives: int, total: int) -> _Curve:
    scores = np.array([score for score, _ in pairs], dtype=np.float64)
    relevant = np.array([right for _, right in pairs], dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(relevant[order])
    # Pairs of one score are taken together: their order among each other means nothing.
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    wrong = ends + 1 - right[ends]
    return _Curve(np.append(right[ends], positives), np.append(wrong, total - positives))


def _auprc(curve: _Curve) -> float | None:
    """Return average precision, the sum of precision times gain in recall, as scikit-learn has it.

    None where no pair is right.
    """
    if not curve.right[-1]:
        return None
    taken = curve.right + curve.wrong
    precision = curve.right / np.maximum(taken, 1)
    return float(np.sum(precision * np.diff(curve.right, prepend=0)) / curve.right[-1])


def _roc_auc(curve: _Curve) -> float | None:
    """Return the area under the ROC curve by trapezoids; None where all or no pairs are right."""
    if not curve.right[-1] or not curve.wrong[-1]:
        return None
    right, wrong = (np.concatenate(([0.0], counts)) for counts in curve)
    area = np.sum(np.diff(wrong) * (right[1:] + right[:-1])) / 2
    return float(area / (right[-1] * wrong[-1]))


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None
