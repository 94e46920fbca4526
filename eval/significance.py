"""Whether two systems differ on the same notes: effects with intervals and p-values.

Notes are the units that vary, so everything here draws, swaps or pairs whole notes: the interval
of a difference by the paired bootstrap (Efron and Tibshirani 1993, chapter 13), its p-value by
approximate randomisation (Noreen 1989; Yeh 2000, "More accurate tests for the statistical
significance of result differences", COLING), and McNemar's exact test on single decisions. Where
several systems meet one baseline, Holm's step-down (1979) holds the error of the family.

Code sets and rankings are as in `eval.metrics`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from eval.metrics import PAIRED_RESAMPLES, CodeSets, Interval, Rankings, average_precision

_SEED = 0
_BATCH = 200  # resamples at once: what macro-F1 holds in memory is their number times the codes
_NO_CODES: frozenset[str] = frozenset()

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
K = TypeVar("K")


class System(NamedTuple):
    """What one system predicted.

    Attributes:
        predicted: Assigned codes by note id.
        rankings: Candidate codes by note id, best first and distinct.
    """

    predicted: CodeSets
    rankings: Rankings


class Difference(NamedTuple):
    """How far a system is from the baseline in one metric.

    Attributes:
        baseline: The metric of the baseline.
        system: The metric of the system.
        difference: System minus baseline.
        ci95: 95 % percentile interval of the difference, paired bootstrap over notes. That of
            macro-F1 leans towards frequent codes: a draw of notes loses a third of the codes that
            occur once.
        p: Two-sided p-value of approximate randomisation; exact where the notes are few.
    """

    baseline: float
    system: float
    difference: float
    ci95: Interval
    p: float


class McNemar(NamedTuple):
    """McNemar's exact test over (note, code) decisions.

    A decision is right where the code is assigned and in the reference, or neither. Decisions on
    which both systems agree do not count. The test takes decisions as independent, which those of
    one note are not: read it beside the tests over notes.

    Attributes:
        baseline_only: Decisions that only the baseline has right.
        system_only: Decisions that only the system has right.
        p: Two-sided binomial p-value.
    """

    baseline_only: int
    system_only: int
    p: float


class Metric(NamedTuple):
    """A metric as a function of sums over notes, so that any draw of notes can be scored.

    Attributes:
        rows: What each note adds, for a system, shape (notes, columns).
        value: From sums, shape (draws, columns), to the metric, shape (draws,).
    """

    rows: Callable[[System], sparse.csr_array]
    value: Callable[[Floats], Floats]


def metrics_of(gold: CodeSets) -> dict[str, Metric]:
    """Return the metrics that are compared, by the names that ``eval score`` gives them."""
    notes = sorted(gold)
    codes = {code: column for column, code in enumerate(sorted(set().union(*gold.values())))}

    def micro_rows(system: System) -> sparse.csr_array:
        pairs = [(gold[n], system.predicted.get(n, _NO_CODES)) for n in notes]
        return sparse.csr_array([[2.0 * len(g & p), len(g) + len(p)] for g, p in pairs])

    def macro_rows(system: System) -> sparse.csr_array:
        blocks = [sparse.lil_array((len(notes), len(codes))) for _ in range(3)]
        hits, sizes, in_gold = blocks
        for row, note in enumerate(notes):
            assigned = system.predicted.get(note, _NO_CODES)
            for code in gold[note]:
                hits[row, codes[code]] = 2.0 * (code in assigned)
                in_gold[row, codes[code]] = 1.0
            for code in (gold[note] | assigned) & codes.keys():
                sizes[row, codes[code]] = (code in gold[note]) + (code in assigned)
        return sparse.csr_array(sparse.hstack(blocks))

    def macro_value(sums: Floats) -> Floats:
        hits, sizes, in_gold = np.split(sums, 3, axis=1)
        occurs = in_gold > 0
        return _divide((_divide(hits, sizes) * occurs).sum(axis=1), occurs.sum(axis=1))

    def map_rows(system: System) -> sparse.csr_array:
        precisions = [average_precision(gold[n], system.rankings.get(n, ())) for n in notes]
        return sparse.csr_array(
            [[p, float(bool(gold[n]))] for n, p in zip(notes, precisions, strict=True)]
        )

    return {
        "micro_f1": Metric(micro_rows, _quotient),
        "macro_f1_gold_codes": Metric(macro_rows, macro_value),
        "map": Metric(map_rows, _quotient),
    }


def difference(
    metric: Metric, baseline: System, system: System, *, resamples: int = PAIRED_RESAMPLES
) -> Difference:
    """Compare two systems in one metric.

    The draws come from a fixed seed over the sorted note ids, so the figures are reproducible.

    Args:
        metric: One of `metrics_of`, for at least two notes.
        baseline: What the system is compared with.
        system: The system.
        resamples: Draws of the bootstrap, and of the randomisation.
    """
    of_baseline, of_system = metric.rows(baseline), metric.rows(system)
    notes = of_baseline.shape[0]
    stacked = sparse.csr_array(sparse.vstack([of_baseline, of_system]))

    def score(rows: Rows) -> Floats:
        drawn = np.atleast_2d(rows)
        weights = np.stack([np.bincount(draw, minlength=2 * notes) for draw in drawn])
        values = metric.value(np.asarray(weights @ stacked))
        return values.reshape(rows.shape[:-1])

    def gap(rows: Rows, other: Rows, axis: int = -1) -> Floats:
        return score(other) - score(rows)

    def gap_of_draw(rows: Rows, axis: int = -1) -> Floats:
        return gap(rows, rows + notes)

    own = np.arange(notes)
    interval = stats.bootstrap(
        (own,),
        gap_of_draw,
        n_resamples=resamples,
        batch=_BATCH,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    test = stats.permutation_test(
        (own, own + notes),
        gap,
        permutation_type="samples",
        n_resamples=resamples,
        batch=_BATCH,
        vectorized=True,
        rng=np.random.default_rng(_SEED),
    )
    before, after = float(score(own)), float(score(own + notes))
    limits = Interval(float(interval.low), float(interval.high))
    return Difference(before, after, after - before, limits, float(test.pvalue))


def mcnemar(gold: CodeSets, baseline: CodeSets, system: CodeSets) -> McNemar:
    """Test the decisions on which two systems disagree (McNemar 1947; exact binomial)."""
    only_baseline = only_system = 0
    for note, codes in gold.items():
        before, after = baseline.get(note, _NO_CODES), system.get(note, _NO_CODES)
        won, lost = len((before ^ after) & codes & after), len((before ^ after) & codes & before)
        # A code outside the reference is right where it was left out.
        added, dropped = len(after - before - codes), len(before - after - codes)
        only_system += won + dropped
        only_baseline += lost + added
    trials = only_baseline + only_system
    p = float(stats.binomtest(only_system, trials).pvalue) if trials else 1.0
    return McNemar(only_baseline, only_system, p)


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Return p-values adjusted by Holm's step-down for the number of tests, by the same keys."""
    adjusted: dict[K, float] = {}
    highest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for done, (name, p) in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - done) * p))
        adjusted[name] = highest
    return adjusted


def _quotient(sums: Floats) -> Floats:
    return _divide(sums[:, 0], sums[:, 1])


def _divide(numerator: Floats, denominator: NDArray[np.generic]) -> Floats:
    """Divide; a ratio with an empty denominator is 0, as in `eval.metrics`."""
    result: Floats = np.divide(
        numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0
    )
    return result
