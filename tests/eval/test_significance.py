import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics import bootstrap_interval, evaluate
from eval.significance import System, difference, holm, mcnemar, metrics_of

CODES = [f"C{number:02d}" for number in range(12)]


def _system(predicted):
    return System(predicted, {note: tuple(sorted(codes)) for note, codes in predicted.items()})


def _noisy(gold, generator, recall, extra):
    """Predict each reference code with a probability, and some that are wrong."""
    return _system(
        {
            note: frozenset(c for c in codes if generator.random() < recall)
            | frozenset(c for c in CODES if c not in codes and generator.random() < extra)
            for note, codes in gold.items()
        }
    )


def _gold(generator, notes):
    return {f"n{n}": frozenset(generator.sample(CODES, generator.randint(1, 5))) for n in notes}


code_sets = st.dictionaries(
    st.sampled_from("abcdefg"), st.frozensets(st.sampled_from(CODES[:5]), max_size=4), min_size=2
)


@settings(max_examples=40)
@given(code_sets, code_sets, code_sets)
def test_the_values_are_those_of_the_metrics(gold, baseline, system):
    systems = (_system(baseline), _system(system))
    reports = [evaluate(gold, s.predicted, s.rankings, resamples=0) for s in systems]
    expected = {
        "micro_f1": [r.micro.f1 for r in reports],
        "macro_f1_gold_codes": [r.macro.gold_codes for r in reports],
        "map": [r.mean_average_precision for r in reports],
    }
    metrics = metrics_of(gold)
    assert metrics.keys() == expected.keys()
    for name, metric in metrics.items():
        found = difference(metric, *systems, resamples=100)
        assert [found.baseline, found.system] == pytest.approx(expected[name])
        assert found.difference == pytest.approx(expected[name][1] - expected[name][0])
        assert 0 < found.p <= 1
        back = difference(metric, *reversed(systems), resamples=100)
        assert back.difference == pytest.approx(-found.difference)
        assert back.ci95 == pytest.approx((-found.ci95.high, -found.ci95.low), abs=1e-9)


@pytest.mark.parametrize("name", ["micro_f1", "macro_f1_gold_codes", "map"])
def test_a_system_does_not_differ_from_itself(name):
    generator = random.Random(1)
    gold = _gold(generator, range(20))
    system = _noisy(gold, generator, 0.5, 0.1)
    found = difference(metrics_of(gold)[name], system, system, resamples=200)
    assert found.difference == 0
    assert found.ci95 == (0, 0)
    assert found.p == 1


def test_the_p_value_of_few_notes_is_exact():
    # Four notes that the system has right and the baseline has not: of the 16 ways to swap the two
    # on a note, one gives a difference as large and one its opposite.
    gold = {note: frozenset({"I10"}) for note in "abcd"}
    baseline = _system({note: frozenset({"J45"}) for note in "abcd"})
    found = difference(metrics_of(gold)["micro_f1"], baseline, _system(gold))
    assert found.difference == 1
    assert found.ci95 == (1, 1)
    assert found.p == pytest.approx(2 / 16)


def test_the_interval_of_a_system_beside_nothing_is_that_of_its_score():
    generator = random.Random(3)
    gold = _gold(generator, range(200))
    system = _noisy(gold, generator, 0.6, 0.05)
    found = difference(metrics_of(gold)["micro_f1"], _system({}), system)
    expected = bootstrap_interval(gold, system.predicted, resamples=5000)
    assert found.ci95 == pytest.approx(expected, abs=0.006)


def test_a_planted_difference_is_found_and_a_planted_null_is_not():
    """Over 200 seeds: about 5 % of equal systems differ "significantly", most unequal ones do."""
    p_values = {0.6: [], 0.8: []}
    for seed in range(200):
        generator = random.Random(seed)
        gold = _gold(generator, range(60))
        baseline = _noisy(gold, generator, 0.6, 0.04)
        for recall, found in p_values.items():
            system = _noisy(gold, generator, recall, 0.04)
            metric = metrics_of(gold)["micro_f1"]
            found.append(difference(metric, baseline, system, resamples=200).p)
    null, planted = (np.mean(np.array(found) < 0.05) for found in p_values.values())
    assert 0.01 <= null <= 0.1  # 200 draws of 5 %: 99.9 % of them lie inside
    assert planted > 0.9


def test_mcnemar_counts_the_decisions_that_one_alone_has_right():
    gold = {"a": frozenset({"I10", "E11"}), "b": frozenset({"J45"}), "c": frozenset()}
    baseline = {"a": frozenset({"I10"}), "b": frozenset({"K21", "J45"}), "c": frozenset({"R51"})}
    system = {"a": frozenset({"I10", "E11"}), "b": frozenset({"J45"}), "c": frozenset({"R05"})}
    # Right: E11 added, K21 and R51 left out. Wrong: R05 added.
    found = mcnemar(gold, baseline, system)
    assert (found.baseline_only, found.system_only) == (1, 3)
    assert found.p == pytest.approx(2 * (1 + 4) / 16)
    assert mcnemar(gold, system, system) == (0, 0, 1.0)


def test_holm_steps_down():
    # 3 x .01, 2 x .02, then .04 may not fall below what came before it.
    adjusted = holm({"a": 0.02, "b": 0.01, "c": 0.04})
    assert adjusted == pytest.approx({"b": 0.03, "a": 0.04, "c": 0.04})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
