import pytest

from indexes.figures import FigureGenerator, bmi_code
from knowledge.code_systems import get_code_system
from knowledge.note_text import Note


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (18.5, "Z68.1"),
        (19.9, "Z68.1"),
        (20.0, "Z68.20"),
        (32.4, "Z68.32"),
        (39.9, "Z68.39"),
        (40.0, "Z68.41"),
        (49.9, "Z68.42"),
        (50.0, "Z68.43"),
        (69.9, "Z68.44"),
        (70.0, "Z68.45"),
    ],
)
def test_a_figure_gives_a_billable_code(value, code):
    assert bmi_code(value) == code
    assert get_code_system().get(code).billable


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("Weight 90 kg, BMI 32.4 today.", "BMI 32.4"),
        ("BMI: 27", "BMI: 27"),
        ("Body mass index is 41.2 kg/m2", "Body mass index is 41.2"),
    ],
)
def test_the_evidence_is_the_figure_with_its_name(text, evidence):
    (candidate,) = FigureGenerator().candidates(Note.parse(text), 5)
    span = candidate.mentions[0].span
    assert text[span.start : span.end] == evidence


@pytest.mark.parametrize(
    "text", ["BMI not measured", "BMI 95th percentile", "BMI 85%", "the BMIX 30 device", ""]
)
def test_other_figures_are_none(text):
    assert FigureGenerator().candidates(Note.parse(text), 5) == []


def test_the_last_figure_counts():
    note = Note.parse("Last year BMI 31.0. Today BMI 29.6.")
    assert [c.code for c in FigureGenerator().candidates(note, 5)] == ["Z68.29"]
