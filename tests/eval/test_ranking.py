import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from eval.ranking import precision_at, r_precision, ranking_metrics

# Two notes; the second lists nothing for J189.
GOLD = {"a": frozenset({"I10", "E119"}), "b": frozenset({"J189"})}
SCORES = {"a": {"I10": 0.9, "N179": 0.6, "E119": 0.3}, "b": {"I10": 0.5}}
RANKINGS = {note: tuple(scores) for note, scores in SCORES.items()}


def test_areas_by_hand():
    metrics = ranking_metrics(GOLD, SCORES, RANKINGS)
    # Pairs by falling score: I10a right, N179a, I10b, E119a right, then the four unscored of 2
    # notes x 4 codes, one of them right: precision 1/1, 2/4, 3/8 at each of the three right ones.
    assert metrics.auprc_micro == pytest.approx((1 + 2 / 4 + 3 / 8) / 3)
    # I10: 1 first of 2 notes; E119: 1; J189: both notes unscored, 1 of 2.
    assert metrics.auprc_macro == pytest.approx((1 + 1 + 1 / 2) / 3)
    # Of 3 x 5 right-wrong pairs: I10a beats 5, E119a beats the 3 unscored, J189b ties with these.
    assert metrics.roc_auc_micro == pytest.approx((5 + 3 + 3 / 2) / 15)
    assert metrics.roc_auc_macro == pytest.approx((1 + 1 + 1 / 2) / 3)


def test_precision_counts_empty_ranks_as_wrong():
    assert precision_at(GOLD, RANKINGS, 1) == pytest.approx((1 + 0) / 2)
    assert precision_at(GOLD, RANKINGS, 4) == pytest.approx((2 / 4 + 0) / 2)


def test_r_precision_is_over_notes_with_codes():
    # Note a: one of its first two candidates; note b: none.
    assert r_precision(GOLD, RANKINGS) == pytest.approx((1 / 2 + 0) / 2)
    assert r_precision({**GOLD, "c": frozenset()}, RANKINGS) == pytest.approx(1 / 4)


def test_without_codes_areas_are_undefined():
    metrics = ranking_metrics({"a": frozenset()}, SCORES, RANKINGS)
    assert metrics.auprc_micro is None
    assert metrics.roc_auc_macro is None
    assert metrics.r_precision == 0


CODES = ["A", "B", "C", "D", "E"]
NOTE = st.tuples(
    st.frozensets(st.sampled_from(CODES)),
    st.dictionaries(st.sampled_from(CODES), st.sampled_from([0.0, 0.25, 0.5, 0.75])),
)


@settings(deadline=None)
@given(st.lists(NOTE, min_size=1, max_size=6))
def test_areas_are_those_of_the_dense_matrix(notes):
    gold = {str(at): codes for at, (codes, _) in enumerate(notes)}
    scores = {str(at): listed for at, (_, listed) in enumerate(notes)}
    rankings = {note: tuple(sorted(s, key=lambda c: -s[c])) for note, s in scores.items()}
    labels = sorted({code for codes, listed in notes for code in (*codes, *listed)})
    right = np.array([[c in gold[n] for c in labels] for n in gold])
    given_scores = np.array([[scores[n].get(c, -1.0) for c in labels] for n in gold])
    metrics = ranking_metrics(gold, scores, rankings)
    if right.any() and not right.all():
        assert metrics.auprc_micro == pytest.approx(
            average_precision_score(right.ravel(), given_scores.ravel())
        )
        assert metrics.roc_auc_micro == pytest.approx(
            roc_auc_score(right.ravel(), given_scores.ravel())
        )
    columns = [
        roc_auc_score(right[:, at], given_scores[:, at])
        for at in range(len(labels))
        if 0 < right[:, at].sum() < len(gold)
    ]
    assert metrics.roc_auc_macro == (pytest.approx(np.mean(columns)) if columns else None)


def test_many_notes_take_no_dense_matrix():
    rng = random.Random(0)
    codes = [str(n) for n in range(5_000)]
    gold = {str(n): frozenset(rng.sample(codes, 10)) for n in range(500)}
    scores = {n: {c: rng.random() for c in (*rng.sample(codes, 40), *g)} for n, g in gold.items()}
    metrics = ranking_metrics(gold, scores, {n: tuple(s) for n, s in scores.items()})
    assert metrics.roc_auc_micro is not None
    assert metrics.roc_auc_micro > 0.99  # every right code is scored, nearly no wrong one is
