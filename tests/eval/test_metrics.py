import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import (
    average_precision,
    bootstrap_interval,
    codes_per_note,
    evaluate,
    exact_match,
    macro_f1,
    mean_average_precision,
    micro_scores,
    normalise,
    recall_at,
    truncated_micro_f1,
)

# Three notes: one partly right, one with an invented code only, one without a prediction.
GOLD = {
    "a": frozenset({"N179", "I10", "E119"}),
    "b": frozenset({"I10"}),
    "c": frozenset({"J189"}),
}
PREDICTED = {"a": frozenset({"N179", "I10", "E118"}), "b": frozenset({"Z999"})}
RANKINGS = {"a": ("N179", "E118", "I10"), "b": ("Z999", "I10")}


def test_micro_counts_are_pooled():
    # tp 2 (N179, I10 in a), fp 2 (E118, Z999), fn 3 (E119, I10 in b, J189)
    assert micro_scores(GOLD, PREDICTED) == pytest.approx((2 / 4, 2 / 5, 4 / 9))


def test_equal_counts_of_different_notes_are_not_merged():
    # Four notes right and one wrong: 0.8, whatever their counts have in common.
    gold = {str(n): frozenset({"I10"}) for n in range(5)}
    predicted = {**{str(n): frozenset({"I10"}) for n in range(4)}, "4": frozenset({"E119"})}
    assert micro_scores(gold, predicted).precision == pytest.approx(0.8)


def test_macro_by_its_three_definitions():
    # N179: 1; I10: tp 1, fn 1 -> 2/3; E119: 0; J189: 0. E118 and Z999 are not in the reference.
    # Means over the reference: precision (1 + 1 + 0 + 0) / 4, recall (1 + 1/2 + 0 + 0) / 4.
    of_means = 2 * (1 / 2) * (3 / 8) / (1 / 2 + 3 / 8)
    assert macro_f1(GOLD, PREDICTED) == pytest.approx((5 / 3 / 4, 5 / 3 / 6, of_means))


def test_exact_match_is_of_whole_notes():
    assert exact_match(GOLD, PREDICTED) == 0
    assert exact_match(GOLD, {"b": frozenset({"I10"})}) == pytest.approx(1 / 3)
    assert exact_match({"a": frozenset()}, {}) == 1


def test_truncated_sets_count_a_shared_prefix_once():
    # Categories: a {N17 I10 E11} in both (tp 3), b {I10}/{Z99}, c {J18}/{}: 2*3 / (5 + 4)
    assert truncated_micro_f1(GOLD, PREDICTED, 3) == pytest.approx(6 / 9)
    gold = {"a": frozenset({"I10", "I259", "E119"})}
    # Letters {I, E} against {I}: 2*1 / (2 + 1)
    assert truncated_micro_f1(gold, {"a": frozenset({"I501", "I480"})}, 1) == pytest.approx(2 / 3)


def test_average_precision_divides_by_all_relevant_codes():
    # Hits at ranks 1 and 3 of three relevant codes.
    assert average_precision(GOLD["a"], RANKINGS["a"]) == pytest.approx((1 / 1 + 2 / 3) / 3)


def test_map_is_over_the_notes_with_reference_codes():
    expected = ((1 + 2 / 3) / 3 + 1 / 2 + 0) / 3
    assert mean_average_precision(GOLD, RANKINGS) == pytest.approx(expected)
    with_empty = {**GOLD, "d": frozenset()}
    assert mean_average_precision(with_empty, RANKINGS) == pytest.approx(expected)


@pytest.mark.parametrize(("depth", "found"), [(1, 1), (2, 2), (3, 3), (100, 3)])
def test_recall_at_depth(depth, found):
    assert recall_at(GOLD, RANKINGS, depth) == pytest.approx(found / 5)


def test_codes_per_note_counts_notes_without_prediction():
    assert codes_per_note(GOLD, PREDICTED) == pytest.approx(4 / 3)


def test_predictions_for_other_notes_change_nothing():
    extra = frozenset({"A000"})
    assert evaluate(GOLD, {**PREDICTED, "x": extra}, {**RANKINGS, "x": ("A000",)}) == evaluate(
        GOLD, PREDICTED, RANKINGS
    )


def test_bootstrap_ends_are_resampled_scores():
    interval = bootstrap_interval(GOLD, PREDICTED, resamples=200)
    # Only note a ever scores, 4/6 at best; a sample without it scores 0.
    assert interval == pytest.approx((0.0, 4 / 6))
    assert bootstrap_interval(GOLD, PREDICTED, resamples=200) == interval


def test_bootstrap_percentiles_of_a_known_stream():
    gold = {str(n): frozenset({"I10"}) for n in range(10)}
    predicted = {str(n): frozenset({"I10"}) for n in range(6)}
    generator = random.Random(0)
    drawn = [[generator.choice(sorted(gold)) for _ in range(10)] for _ in range(80)]
    hits = [sum(note in predicted for note in sample) for sample in drawn]
    scores = sorted(2 * hit / (10 + hit) for hit in hits)
    assert bootstrap_interval(gold, predicted, resamples=80) == (scores[2], scores[77])


def test_nothing_to_resample_has_no_interval():
    assert bootstrap_interval(GOLD, PREDICTED, resamples=0) is None
    assert bootstrap_interval({}, {}) is None


def test_empty_denominators_give_zero():
    metrics = evaluate({"a": frozenset()}, {}, {})
    assert metrics.micro == (0, 0, 0)
    assert metrics.macro == (0, 0, 0)
    assert metrics.mean_average_precision == 0
    assert set(metrics.recall_at.values()) == {0}
    assert metrics.micro_f1_ci95 == (0, 0)


@pytest.mark.parametrize("written", ["n17.9", "N179", " N17.9 ", "N.17.9"])
def test_codes_are_compared_without_case_and_dots(written):
    assert normalise(written) == "N179"


CODES = st.sampled_from(["I10", "E119", "E118", "E1165", "N179", "N178", "J189", "Z999"])
RANKED = st.lists(CODES, unique=True, max_size=6).map(tuple)
NOTES = st.dictionaries(
    st.text("abcd", min_size=1, max_size=3), st.tuples(RANKED, RANKED, RANKED), max_size=8
)


def split(notes):
    gold = {note: frozenset(codes) for note, (codes, _, _) in notes.items()}
    predicted = {note: frozenset(codes) for note, (_, codes, _) in notes.items()}
    rankings = {note: codes for note, (_, _, codes) in notes.items()}
    return gold, predicted, rankings


def ratios(metrics):
    return [
        *metrics.micro,
        *(metrics.micro_f1_ci95 or ()),
        *metrics.macro,
        metrics.exact_match,
        metrics.category_micro_f1,
        metrics.chapter_letter_micro_f1,
        metrics.mean_average_precision,
        *metrics.recall_at.values(),
    ]


@given(NOTES)
def test_ratios_are_bounded_and_coarser_codes_never_lose_a_match(notes):
    gold, predicted, rankings = split(notes)
    metrics = evaluate(gold, predicted, rankings, resamples=20)
    assert all(0 <= ratio <= 1 for ratio in ratios(metrics))
    depths = list(metrics.recall_at.values())
    assert depths == sorted(depths)
    if metrics.micro.f1 > 0:
        assert metrics.category_micro_f1 > 0
        assert metrics.chapter_letter_micro_f1 > 0


@given(NOTES)
def test_perfect_predictions_score_one(notes):
    gold = {note: frozenset(codes) for note, (codes, _, _) in notes.items() if codes}
    metrics = evaluate(gold, gold, {note: sorted(gold[note]) for note in gold}, resamples=20)
    if gold:
        values = ratios(metrics)[:-5]
        assert values == pytest.approx([1] * len(values))
        assert metrics.recall_at[8] == 1


@given(NOTES, st.randoms(use_true_random=False))
def test_the_order_of_notes_is_irrelevant(notes, shuffler):
    items = list(notes.items())
    shuffler.shuffle(items)
    assert evaluate(*split(notes), resamples=20) == evaluate(*split(dict(items)), resamples=20)
