import string

from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.circumstances import CircumstanceGenerator
from knowledge.code_systems import get_icd10cm
from knowledge.note_text import Note

PIECES = st.sampled_from(
    ["s/p", "left", "BKA", "warfarin", "overdose", "fell", "off", "ladder", "mother", "cancer", ".",
     "allergic to", "penicillin", "no", "smoker", "\n", "PMH:", "Allergies:", "fracture", "2010",
     "G1P0", "at 24w3d", ",", "denies", "due to", "insulin", "kitchen"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=25).map(" ".join), st.text(string.printable, max_size=90)
)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_gives_billable_codes_with_evidence(text):
    system = get_icd10cm()
    for candidate in CircumstanceGenerator(system).candidates(Note.parse(text), 50):
        assert system.get(candidate.code).billable
        assert candidate.score == candidate.sources["circumstances"] == 1.0
        for mention in candidate.mentions:
            assert 0 <= mention.span.start < mention.span.end <= len(text)
            assert mention.source == "circumstances"


def test_no_more_candidates_than_asked_and_none_of_an_empty_note():
    generator = CircumstanceGenerator(get_icd10cm())
    note = Note.parse("Allergies: penicillin, sulfa, latex.")
    assert [c.code for c in generator.candidates(note, 2)] == ["Z88.0", "Z88.2"]
    assert generator.candidates(Note.parse(""), 10) == []


def test_a_code_of_another_release_is_left_out():
    class Small:
        def __contains__(self, code):
            return code == "Z88.0"

        def get(self, code):
            return get_icd10cm().get(code)

    note = Note.parse("Allergies: penicillin, sulfa.")
    found = CircumstanceGenerator(Small()).candidates(note, 10)
    assert [c.code for c in found] == ["Z88.0"]
