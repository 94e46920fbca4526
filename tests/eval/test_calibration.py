"""Calibration: the error by hand, its bounds, its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.calibration import calibration_interval, expected_calibration_error


def test_calibration_error_by_hand():
    gold = {"a": frozenset({"I10", "E11"}), "b": frozenset({"J45"})}
    # Bin .9: two codes of .9 and .94, one right; bin .2: one code, wrong; 1.0 falls into the last.
    confidences = {"a": {"I10": 0.9, "R51": 0.94}, "b": {"K21": 0.2}}
    gap = (abs(0.9 + 0.94 - 1) + abs(0.2 - 0)) / 3
    assert expected_calibration_error(gold, confidences) == pytest.approx(gap)
    assert expected_calibration_error(gold, {"a": {"I10": 1.0}, "b": {"J45": 1.0}}) == 0
    assert expected_calibration_error(gold, {"c": {"I10": 0.5}}) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 20))
def test_calibration_error_is_a_share(values, bins):
    gold = {str(n): frozenset({"I10"}) if n % 2 else frozenset() for n in range(len(values))}
    confidences = {str(n): {"I10": value} for n, value in enumerate(values)}
    assert 0 <= expected_calibration_error(gold, confidences, bins=bins) <= 1


def test_interval_holds_the_error_and_needs_confidences():
    gold = {str(n): frozenset({"I10"} if n % 3 else {"E119"}) for n in range(60)}
    confidences = {note: {"I10": 0.9} for note in gold}
    error = expected_calibration_error(gold, confidences)
    low, high = calibration_interval(gold, confidences)
    assert error == pytest.approx(0.9 - 40 / 60)
    assert 0 < low < error < high < 0.45
    assert calibration_interval(gold, confidences) == (low, high)
    assert calibration_interval(gold, {}) is None
    assert calibration_interval(gold, confidences, resamples=0) is None
