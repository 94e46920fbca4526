import math

from hypothesis import given
from hypothesis import strategies as st

from agent.confidence import evidence_odds, log_odds, probability


@given(st.floats(min_value=1e-5, max_value=1 - 1e-5))
def test_log_odds_and_probability_are_inverses(p):
    assert math.isclose(probability(log_odds(p)), p, rel_tol=1e-9)


@given(st.floats(min_value=0, max_value=1), st.floats(min_value=0, max_value=1), st.booleans())
def test_better_evidence_never_lowers_the_odds(low, high, assessed):
    sections = frozenset({"assessment"}) if assessed else frozenset()
    low, high = sorted((low, high))
    for voice in ("terms", "dense"):
        assert evidence_odds({voice: low}, sections) <= evidence_odds({voice: high}, sections)


def test_a_diagnosis_section_speaks_for_a_code():
    sources = {"terms": 0.7}
    in_exam = evidence_odds(sources, frozenset({"exam"}))
    assert evidence_odds(sources, frozenset({"exam", "diagnoses"})) > in_exam
