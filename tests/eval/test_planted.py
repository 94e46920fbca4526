"""The tests of significance on planted truths: their error rate is what they say it is."""

import numpy as np
import pytest

from eval.metrics import normalise
from eval.significance import System, difference, mcnemar, metrics_of

SEEDS = 200
NOTES = 80
CODES = [normalise(f"A{n:02}.{m}") for n in range(10) for m in range(4)]
ALPHA = 0.05


def planted(seed, recall_a, recall_b):
    """A reference and two systems that find its codes with these chances, and add noise alike.

    Notes differ in how hard they are, as real ones do: codes of one note are not independent.
    """
    generator = np.random.default_rng(seed)
    gold, first, second = {}, {}, {}
    for note in map(str, range(NOTES)):
        wanted = generator.choice(CODES, size=generator.integers(3, 12), replace=False)
        ease = generator.normal(0, 0.15)
        gold[note] = frozenset(wanted.tolist())
        for found, recall in ((first, recall_a), (second, recall_b)):
            hits = wanted[generator.random(len(wanted)) < np.clip(recall + ease, 0, 1)]
            noise = generator.choice(CODES, size=generator.poisson(2))
            found[note] = frozenset([*hits.tolist(), *noise.tolist()])
    return gold, System(first, {}), System(second, {})


def p_values(recall_a, recall_b, seeds):
    found = []
    for seed in seeds:
        gold, first, second = planted(seed, recall_a, recall_b)
        metric = metrics_of(gold)["micro_f1"]
        found.append(difference(metric, first, second, resamples=400))
    return found


@pytest.fixture(scope="module")
def under_the_null():
    return p_values(0.6, 0.6, range(SEEDS))


def test_a_planted_null_is_called_significant_about_one_time_in_twenty(under_the_null):
    wrong = sum(d.p < ALPHA for d in under_the_null)
    # Binomial(200, .05): between 3 and 18 with probability .998.
    assert 3 <= wrong <= 18


def test_intervals_miss_a_null_about_one_time_in_twenty(under_the_null):
    missed = sum(not d.ci95.low <= 0 <= d.ci95.high for d in under_the_null)
    assert 3 <= missed <= 20


def test_a_planted_difference_is_found():
    found = p_values(0.6, 0.75, range(SEEDS))
    assert sum(d.p < ALPHA for d in found) >= 0.95 * SEEDS
    assert all(d.difference > 0 for d in found if d.p < ALPHA)


def test_mcnemar_finds_it_too_and_spares_the_null():
    wrong = right = 0
    for seed in range(SEEDS):
        gold, first, second = planted(seed, 0.6, 0.6)
        wrong += mcnemar(gold, first.predicted, second.predicted).p < ALPHA
        gold, first, second = planted(seed, 0.6, 0.75)
        right += mcnemar(gold, first.predicted, second.predicted).p < ALPHA
    assert wrong <= 18
    assert right >= 0.95 * SEEDS
