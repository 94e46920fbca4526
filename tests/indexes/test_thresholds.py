import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.thresholds import best_threshold


def test_hand_computed():
    scores = [{"A": 0.9, "B": 0.4}, {"A": 0.2, "C": 0.6}]
    gold = [{"A"}, {"C", "D"}]
    # At 0.5: two right of two, one missed: F1 = 2 * 2 / (2 + 3).
    assert best_threshold(scores, gold) == (pytest.approx(0.5), pytest.approx(0.8))


def test_nothing_right():
    assert best_threshold([{"A": 0.9}], [{"B"}]) == (1.0, 0.0)


notes = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from("ABCDE"), st.integers(1, 100).map(lambda n: n / 100), max_size=5
        ),
        st.sets(st.sampled_from("ABCDEF")),
    ),
    max_size=6,
)


@given(notes)
def test_no_other_threshold_does_better(pairs):
    scores, gold = [s for s, _ in pairs], [g for _, g in pairs]
    found = best_threshold(scores, gold)

    def micro_f1(threshold):
        predicted = [{c for c, s in note.items() if s >= threshold} for note in scores]
        hits = sum(len(p & g) for p, g in zip(predicted, gold, strict=True))
        total = sum(map(len, predicted)) + sum(map(len, gold))
        return 2 * hits / total if total else 0.0

    assert micro_f1(found.value) == pytest.approx(found.micro_f1)
    assert all(micro_f1(s) <= found.micro_f1 + 1e-12 for note in scores for s in note.values())
