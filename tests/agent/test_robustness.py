"""No text may break the agent, and evidence is the text at its offsets whatever the text is."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system

WORDS = (
    "no denies history of mother father with pneumonia diabetes T2DM HTN chest pain ASSESSMENT: "
    "PMH: FAMILY HISTORY: fracture left femur possible ruled out BMI 32 , . ; ( ) \n - 1. s/p"
).split(" ")
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def holds(result, text):
    assert result.status in ("ok", "empty")
    system = get_code_system()
    for code in result.codes:
        assert system.get(code.code).billable
        assert all(text[e.start : e.end] == e.text for e in code.evidence)
    assert len({c.code for c in result.codes}) == len(result.codes)


@FEW
@given(st.text(min_size=1, max_size=300))
def test_any_text(code, text):
    holds(code(text), text)


@pytest.mark.parametrize("policy", ["guidelines", "mentions"])
@FEW
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
def test_any_mix_of_clinical_words(code, policy, words):
    text = " ".join(words)
    holds(code(text, policy=policy), text)
