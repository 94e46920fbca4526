"""How far confidence is from precision: the expected calibration error, with its interval.

Bins are equally wide over 0 to 1, as in Guo et al. 2017, "On calibration of modern neural networks"
(ICML); the gap of a bin is weighted by the codes assigned in it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eval.metrics import DEFAULT_RESAMPLES, CodeSets, Interval

BINS = 10
_SEED = 0

# Confidence, 0 to 1, of each assigned code by note id.
Confidences = Mapping[str, Mapping[str, float]]


def expected_calibration_error(
    gold: CodeSets, confidences: Confidences, *, bins: int = BINS
) -> float | None:
    """Return the gap between confidence and precision by bin, weighted by assigned codes.

    Args:
        gold: Reference codes by note id.
        confidences: Of the assigned codes; notes outside ``gold`` are passed over.
        bins: Number of bins.

    Returns:
        None where no assigned code has a confidence.
    """
    sums = _sums_by_note(gold, confidences, bins).sum(axis=0)
    return float(_error(sums)) if sums[:, 2].sum() else None


def calibration_interval(
    gold: CodeSets,
    confidences: Confidences,
    *,
    bins: int = BINS,
    resamples: int = DEFAULT_RESAMPLES,
) -> Interval | None:
    """Return the 95 % percentile interval of the error over notes drawn with replacement.

    A draw of few codes strays further from its own confidence than all of them do, so the interval
    leans upwards.

    Returns:
        None without resamples or where no assigned code has a confidence.
    """
    sums = _sums_by_note(gold, confidences, bins)
    if resamples < 1 or not sums[:, :, 2].sum():
        return None
    generator = np.random.default_rng(_SEED)
    errors = []
    for _ in range(resamples):
        drawn = sums[generator.integers(len(sums), size=len(sums))].sum(axis=0)
        if drawn[:, 2].sum():
            errors.append(float(_error(drawn)))
    low, high = np.percentile(errors, (2.5, 97.5))
    return Interval(float(low), float(high))


def _sums_by_note(gold: CodeSets, confidences: Confidences, bins: int) -> NDArray[np.float64]:
    """Return, by note and bin, the sum of confidences, the right codes and all codes."""
    sums = np.zeros((max(len(gold), 1), bins, 3))
    for row, note in enumerate(sorted(gold)):
        for code, confidence in confidences.get(note, {}).items():
            place = min(int(confidence * bins), bins - 1)
            sums[row, place] += (confidence, code in gold[note], 1)
    return sums


def _error(sums: NDArray[np.float64]) -> np.float64:
    """Return the error of sums over notes, shape (bins, 3)."""
    gaps: NDArray[np.float64] = np.abs(sums[:, 0] - sums[:, 1])
    return np.float64(gaps.sum() / sums[:, 2].sum())
