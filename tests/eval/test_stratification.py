import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.datasets.stratification import LabelCounts, stratify

SHARES = (0.8, 0.1, 0.1)


def pairs_of(label_sets):
    pairs = [(e, label) for e, labels in enumerate(label_sets) for label in sorted(labels)]
    examples, labels = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return LabelCounts(examples, labels, np.ones(len(pairs), dtype=np.int64))


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 8)), st.integers(1, 4)), min_size=1, max_size=60),
    st.integers(0, 5),
)
@settings(max_examples=50)
def test_everything_gets_one_part_and_no_part_overflows(examples, seed):
    label_sets, sizes = [e[0] for e in examples], np.array([e[1] for e in examples])
    part = stratify(pairs_of(label_sets), sizes, SHARES, seed=seed)
    assert set(part) <= {0, 1, 2}
    filled = np.bincount(part, weights=sizes, minlength=3)
    # A part with room takes one more example, whatever its size.
    assert (filled < np.array(SHARES) * sizes.sum() + sizes.max()).all()
    assert (part == stratify(pairs_of(label_sets), sizes, SHARES, seed=seed)).all()


def test_a_hand_made_case():
    # Label 0 is the rarer one: its four examples go first, two to each part; then those of label 1.
    label_sets = [{0}, {0}, {0}, {0}, {1}, {1}, {1}, {1}, {1}, {1}]
    part = stratify(pairs_of(label_sets), np.ones(10, dtype=np.int64), (0.5, 0.5), seed=1)
    assert np.bincount(part[:4]).tolist() == [2, 2]
    assert np.bincount(part[4:]).tolist() == [3, 3]


def test_labels_are_spread_more_evenly_than_by_chance():
    random = np.random.default_rng(3)
    weights = 1 / np.arange(1, 201)
    label_sets = [
        set(random.choice(200, size=8, p=weights / weights.sum()).tolist()) for _ in range(1000)
    ]
    pairs = pairs_of(label_sets)
    part = stratify(pairs, np.ones(1000, dtype=np.int64), SHARES, seed=1)
    chance = random.permutation(np.repeat([0, 1, 2], [800, 100, 100]))

    def error(assigned):
        """Mean gap between a part's share of a label and its due, over labels it can divide."""
        total = np.bincount(pairs.labels, minlength=200)
        share = np.array(
            [
                np.bincount(pairs.labels[assigned[pairs.examples] == p], minlength=200)
                for p in (1, 2)
            ]
        )
        common = total >= 10
        return np.abs(share / np.maximum(total, 1) - 0.1)[:, common].mean()

    assert np.bincount(part).tolist() == pytest.approx([800, 100, 100], abs=1)
    assert error(part) < error(chance) / 2
