"""What words do in a note, on notes written for these tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voice.roles import place_of
from knowledge.note_text import Note, Span

CLINIC = """S: 58 y.o. here for her sugars. Burning feet at night.
PMH: gout, migraine
Allergies: penicillin (hives)
Still short of breath on stairs.

O: Heart murmur. Feet numb.

A/P:
1. T2DM with neuropathy - increase gabapentin
2. Anemia of chronic disease: stable
Mild asthma. She has had eczema for years.
Patient Education and Counseling: We talked about stroke.

Plan:
Suture removal in ten days.
Hypertension: recheck in a week.
"""


def place(words, text=CLINIC):
    start = text.index(words)
    return place_of(Note.parse(text), Span(start, start + len(words)))


def name(words, text=CLINIC):
    found = place(words, text).name
    return found and text[found.start : found.end]


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ("Burning feet", "presenting"),
        ("gout", "listed"),
        ("hives", "allergy"),
        ("short of breath", "other"),  # "Allergies: ..." spoke for its own line alone
        ("murmur", "finding"),
        ("T2DM", "diagnosis"),
        ("Anemia", "diagnosis"),
        ("asthma", "diagnosis"),
        ("eczema", "assessment"),
        ("stroke", "advice"),
        ("Suture removal", "plan"),
        ("Hypertension", "diagnosis"),
    ],
)
def test_a_role_follows_section_line_and_sentence(words, role):
    assert place(words).role == role


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("Anemia", "Anemia of chronic disease"),
        ("neuropathy", "T2DM with neuropathy"),
        ("asthma", "Mild asthma"),
        ("eczema", None),
        ("gout", None),
    ],
)
def test_a_problem_is_named_up_to_what_is_done_about_it(words, whole):
    assert name(words) == whole


def test_each_diagnosis_of_a_line_has_its_own_name():
    text = "DIAGNOSES: Chronic gout, essential tremor; old stroke."
    assert name("gout", text) == "Chronic gout"
    assert name("tremor", text).strip() == "essential tremor"
    assert name("stroke", text).strip() == "old stroke"


def test_a_hash_opens_a_problem_where_no_section_does():
    text = "52M admitted with belly pain.\n#Ascites: tapped today, portal vein patent.\n"
    assert place("Ascites", text).role == "diagnosis"
    assert place("patent", text).role == "course"
    assert place("belly pain", text).role == "other"


@given(st.text(max_size=200), st.data())
def test_every_span_has_a_place_and_lies_inside_the_name(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = place_of(Note.parse(text), Span(start, end))
    if found.name:
        assert found.name.start <= start
        assert end <= found.name.end
