import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.expansion import Expander, clinical_expander
from knowledge.abbreviations import Abbreviation


@pytest.mark.parametrize(
    ("text", "written_out"),
    [
        ("HTN, CKD.", "hypertension, chronic kidney disease."),
        ("htn", "hypertension"),
        ("s/p fall", "status post fall"),
        ("he has a cough", "he has a cough"),  # "HAs" is headaches, "has" is a word
        ("PE ruled out", "PE ruled out"),  # several readings
        ("HTNX", "HTNX"),
    ],
)
def test_abbreviations_with_one_reading_are_written_out(text, written_out):
    assert clinical_expander().expand(text) == written_out


def test_an_ambiguous_reading_needs_the_usual_casing():
    expander = Expander([Abbreviation("MI", "myocardial infarction", True, True)])
    assert expander.expand("MI in Mi") == "myocardial infarction in Mi"


def test_the_longer_abbreviation_wins():
    assert clinical_expander().expand("SBO, pSBO").endswith("partial small bowel obstruction")


def test_without_abbreviations_nothing_changes():
    assert Expander([]).expand("HTN") == "HTN"


@given(st.text(alphabet="abc xyz.,", max_size=40))
def test_text_without_abbreviations_stays(text):
    assert Expander([Abbreviation("HTN", "hypertension", False, False)]).expand(text) == text
