"""Sections, sentences and spans of notes written for these tests."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.note_text import Note, Section, Span

DISCHARGE = """Name: A. Sample

CHIEF COMPLAINT: Dyspnea.

HISTORY OF PRESENT ILLNESS:
Ms. Sample is a 71 y.o. woman with dyspnea. She was seen by Dr. Cole on
Monday and given 40 mg. furosemide.

PMH: HTN, DM2. PSH: appendectomy.
Family History
Father had an MI.

PHYSICAL EXAM
HEENT:
Normal.

RESULTS
ECG obtained. Impression: sinus rhythm.

**Impression**
1. Acute heart failure
2. CKD stage 3
# Plan
Plan was discussed.
PHONE CALLS:
none
"""


def titles(text: str) -> list[tuple[str, str]]:
    return [(section.title, section.kind) for section in Note.parse(text).sections]


def sentences(text: str) -> list[str]:
    note = Note.parse(text)
    return [note.slice(sentence.span) for sentence in note.sentences]


class TestSpan:
    def test_length_order_and_hash(self):
        assert len(Span(3, 7)) == 4
        assert sorted([Span(2, 3), Span(0, 9), Span(0, 1)]) == [Span(0, 1), Span(0, 9), Span(2, 3)]
        assert {Span(1, 2), Span(1, 2)} == {Span(1, 2)}

    @pytest.mark.parametrize(
        ("other", "overlaps", "contains"),
        [
            (Span(5, 10), True, True),
            (Span(6, 9), True, True),
            (Span(9, 11), True, False),
            (Span(10, 12), False, False),
            (Span(0, 5), False, False),
            (Span(7, 7), False, True),
            (Span(0, 20), True, False),
        ],
    )
    def test_overlap_and_containment(self, other, overlaps, contains):
        assert Span(5, 10).overlaps(other) is overlaps
        assert other.overlaps(Span(5, 10)) is overlaps
        assert Span(5, 10).contains(other) is contains

    @pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2)])
    def test_impossible_spans_are_refused(self, start, end):
        with pytest.raises(ValueError, match=f"start {start}, end {end}"):
            Span(start, end)


class TestSections:
    def test_a_whole_discharge_note(self):
        assert titles(DISCHARGE) == [
            ("", "other"),
            ("CHIEF COMPLAINT", "chief_complaint"),
            ("HISTORY OF PRESENT ILLNESS", "history_present"),
            ("PMH", "past_history"),
            ("PSH", "past_history"),
            ("Family History", "family_history"),
            ("PHYSICAL EXAM", "exam"),
            ("RESULTS", "results"),
            ("Impression", "assessment"),
            ("Plan", "plan"),
            ("PHONE CALLS", "other"),
        ]

    def test_bodies_begin_after_the_heading(self):
        note = Note.parse(DISCHARGE)
        bodies = {section.title: note.slice(section.body).strip() for section in note.sections}
        assert bodies["CHIEF COMPLAINT"] == "Dyspnea."
        assert bodies["PMH"] == "HTN, DM2."
        assert bodies["PSH"] == "appendectomy."
        assert bodies["Family History"] == "Father had an MI."
        assert bodies["Impression"] == "1. Acute heart failure\n2. CKD stage 3"
        assert bodies["RESULTS"].endswith("Impression: sinus rhythm.")

    def test_exact_offsets(self):
        note = Note.parse("Note.\nPLAN: rest\n")
        assert note.sections == (
            Section("", "other", Span(0, 6), Span(0, 6)),
            Section("PLAN", "plan", Span(6, 17), Span(12, 17)),
        )

    @pytest.mark.parametrize(
        ("line", "kind"),
        [
            ("Past Medical History", "past_history"),
            ("PAST MEDICAL/SURGICAL HISTORY:", "past_history"),
            ("PMH/PSH:", "past_history"),
            ("Assessment & Plan:", "assessment"),
            ("A/P:", "assessment"),
            ("Discharge Diagnoses:", "diagnoses"),
            ("PRINCIPAL DIAGNOSIS", "diagnoses"),
            ("Pertinent Results:", "results"),
            ("Physical exam on admission:", "exam"),
            ("Brief Hospital Course:", "hospital_course"),
            ("Discharge Disposition:", "disposition"),
            ("MEDICATIONS ON ADMISSION:", "medications"),
            ("Allergies:", "allergies"),
            ("## Social History", "social_history"),
            ("__Procedures__", "procedures"),
            ("review of systems (limited):", "review_of_systems"),
            ("FHx:", "family_history"),
        ],
    )
    def test_heading_lines(self, line, kind):
        assert titles(f"{line}\ntext\n")[0][1] == kind

    @pytest.mark.parametrize(
        "text",
        [
            "Plan was discussed with her.",
            "The plan: rest at home.",
            "Her physical exam was normal.",
            "We went over her\nmedications and labs.",
            "Respiratory: clear",
            "Temperature: 37.1",
            "- Medications: continue aspirin",
            "HIV",
            "plan",
        ],
    )
    def test_ordinary_lines_open_no_section(self, text):
        assert titles(text) == [("", "other")]

    def test_a_wrapped_line_is_no_heading(self):
        assert titles("The patient refused the\nPhysical Exam\nand left.") == [("", "other")]

    def test_inline_bold_heading(self):
        note = Note.parse("**Plan:** rest")
        assert titles("**Plan:** rest") == [("Plan", "plan")]
        assert note.slice(note.sections[0].body) == "rest"

    def test_soap_letters_but_not_laboratory_letters(self):
        assert titles("S: cough\nA: asthma\nP: inhaler") == [
            ("S", "history_present"),
            ("A", "assessment"),
            ("P", "plan"),
        ]
        assert titles("P: 3.2 mg/dl") == [("", "other")]

    def test_problem_headings_stay_in_the_assessment(self):
        assert titles("ASSESSMENT AND PLAN\nHYPERTENSION:\nstable") == [
            ("ASSESSMENT AND PLAN", "assessment"),
            ("HYPERTENSION", "assessment"),
        ]

    def test_family_below_past_history(self):
        assert titles("PAST HISTORY\nMedical\nGout.\n\nFamily\nStroke.\n")[1:] == [
            ("Family", "family_history")
        ]

    def test_empty_note_has_one_empty_section(self):
        note = Note.parse("")
        assert note.sections == (Section("", "other", Span(0, 0), Span(0, 0)),)
        assert note.sentences == ()

    def test_windows_line_ends(self):
        text = "PMH:\r\nGout.\r\nAsthma.\r\nPLAN:\r\nRest."
        assert titles(text) == [("PMH", "past_history"), ("PLAN", "plan")]
        assert sentences(text) == ["Gout.", "Asthma.", "Rest."]


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "Dr. Cole saw pt. today vs. Monday. Well.",
                ["Dr. Cole saw pt. today vs. Monday.", "Well."],
            ),
            (
                "Given 5 mg. q.d. i.e. daily. Na 3.5. Ok.",
                ["Given 5 mg. q.d. i.e. daily.", "Na 3.5.", "Ok."],
            ),
            ("A 50 y.o. man, temp. 38.5.", ["A 50 y.o. man, temp. 38.5."]),
            ("Has hepatitis C. She is well.", ["Has hepatitis C.", "She is well."]),
            ("Seen by Ann B. Cole. E. coli grew.", ["Seen by Ann B. Cole.", "E. coli grew."]),
            ("Hypertension. 2.5 mg daily.", ["Hypertension.", "2.5 mg daily."]),
            ("pt has htn. denies cp. no sob.", ["pt has htn.", "denies cp.", "no sob."]),
            ("1. HTN. 2. DM. 3. CKD", ["1. HTN.", "2. DM.", "3. CKD"]),
            ("1. HTN\n2. DM\n3) CKD", ["1. HTN", "2. DM", "3) CKD"]),
            ("- cough\n- fever\n• pain", ["- cough", "- fever", "• pain"]),
            ("• cough • fever", ["• cough", "• fever"]),
            ("Patient has chest\npain and fever.", ["Patient has chest\npain and fever."]),
            ("Treated for\nHodgkin lymphoma.", ["Treated for\nHodgkin lymphoma."]),
            ("cough\nfever\nchills", ["cough", "fever", "chills"]),
            ("Gout\nAsthma", ["Gout", "Asthma"]),
            ("Known gout\n\nand asthma", ["Known gout", "and asthma"]),
            ("BP: 120/80\nHR: 70", ["BP: 120/80", "HR: 70"]),
            ("?UTI or ? PE. Is it? Yes!", ["?UTI or ? PE.", "Is it?", "Yes!"]),
            ("Gout; asthma; CKD.", ["Gout; asthma; CKD."]),
            ('He said "fine." Then left.', ['He said "fine."', "Then left."]),
            ("   Gout.  \n", ["Gout."]),
        ],
    )
    def test_borders(self, text, expected):
        assert sentences(text) == expected

    def test_lines_wrapped_at_a_column_are_joined_even_before_a_capital(self):
        text = (
            "The patient is a man of sixty years who was transferred from\n"
            "General Hospital after he fell at home and was found there by\n"
            "Ann, his wife. He was awake. He had no fever and was given an\n"
            "intravenous line."
        )
        assert sentences(text) == [
            text[: text.index(" He was")],
            "He was awake.",
            "He had no fever and was given an\nintravenous line.",
        ]

    def test_words_of_an_unknown_heading_are_searchable(self):
        note = Note.parse("SEVERE GOUT:\npain")
        assert [note.slice(sentence.span) for sentence in note.sentences] == ["SEVERE GOUT", "pain"]

    def test_exact_offsets_and_section_index(self):
        note = Note.parse("Hi. \n PMH:  Gout. Asthma.")
        assert [(s.span, s.section) for s in note.sentences] == [
            (Span(0, 3), 0),
            (Span(12, 17), 1),
            (Span(18, 25), 1),
        ]


class TestLookUp:
    note = Note.parse("Hi there.\nPLAN: Rest. Drink.", "n7")

    def test_identity(self):
        assert self.note.id == "n7"
        assert self.note.slice(Span(10, 14)) == "PLAN"

    def test_section_at_every_offset(self):
        kinds = [self.note.section_at(i).kind for i in range(len(self.note.text) + 1)]
        assert kinds == ["other"] * 10 + ["plan"] * 19

    def test_sentence_at(self):
        at = {i: self.note.sentence_at(i) for i in (0, 8, 9, 12, 16, 20, 21, 22)}
        text = {i: s and self.note.slice(s.span) for i, s in at.items()}
        assert text == {
            0: "Hi there.",
            8: "Hi there.",
            9: None,
            12: None,
            16: "Rest.",
            20: "Rest.",
            21: None,
            22: "Drink.",
        }

    @pytest.mark.parametrize("offset", [-1, 29])
    def test_outside_the_note(self, offset):
        with pytest.raises(ValueError, match="outside the note of 28 characters"):
            self.note.section_at(offset)
        assert self.note.sentence_at(offset) is None

    def test_slice_after_the_end(self):
        with pytest.raises(ValueError, match="span ends at 99, the note at 28"):
            self.note.slice(Span(0, 99))


FRAGMENTS = (
    "PMH:|Plan|# Plan|**Impression**|FOO BAR:|cough|Fever.|1. Gout|- x|\n|\n\n|\r\n| |. |: "
    "|; Exam: |? |Dr.|mg. 5|•|Family|İ"
)
CLINICAL = st.lists(st.sampled_from(FRAGMENTS.split("|")), max_size=40).map("".join)


@given(st.one_of(st.text(max_size=300), CLINICAL))
def test_sections_partition_any_text(text):
    note = Note.parse(text)
    assert note.sections[0].span.start == 0
    assert note.sections[-1].span.end == len(text)
    assert "".join(note.slice(section.span) for section in note.sections) == text
    for section in note.sections:
        assert section.span.contains(section.body)
        assert section.title in note.slice(section.span)


@given(st.one_of(st.text(max_size=300), CLINICAL))
def test_sentences_are_ordered_disjoint_trimmed_and_cover_the_bodies(text):
    note = Note.parse(text)
    end = 0
    covered = set()
    for sentence in note.sentences:
        assert end <= sentence.span.start < sentence.span.end
        assert note.sections[sentence.section].span.contains(sentence.span)
        assert note.slice(sentence.span) == note.slice(sentence.span).strip()
        end = sentence.span.end
        covered.update(range(sentence.span.start, sentence.span.end))
    for section in note.sections:
        for offset in range(section.body.start, section.body.end):
            assert text[offset].isspace() or offset in covered


@pytest.mark.parametrize(
    "unit", ["a", " ", ":", ". ", "\n", "- ", "(", "A: ", "mg. ", "*", "#", "a\n", DISCHARGE]
)
def test_200_000_characters_parse_in_linear_time(unit):
    text = (unit * (200_000 // len(unit) + 1))[:200_000]
    started = time.process_time()
    Note.parse(text)
    # At most 0.6 s on two cores; a quadratic step would take minutes.
    assert time.process_time() - started < 2


def test_a_note_of_a_thousand_words_parses_in_ten_milliseconds():
    text = DISCHARGE * (1000 // len(DISCHARGE.split()))
    Note.parse(text)
    started = time.process_time()
    for _ in range(10):
        Note.parse(text)
    assert (time.process_time() - started) / 10 < 0.01


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DISCHARGE SUMMARY\n\nHOSPITAL COURSE: Fine.", "other"),
        ("DC DX:\n1. Gout\n", "diagnoses"),
        ("D/C Diagnoses: Gout.", "diagnoses"),
        ("SOCIAL: Quit smoking.", "social_history"),
        ("S: 58 y.o. here for follow-up.", "history_present"),
        ("S: 58-year-old man.", "history_present"),
    ],
)
def test_headings_of_us_notes(text, expected):
    assert Note.parse(text).sections[0].kind == expected


def test_a_letter_with_a_value_is_no_heading():
    assert titles("P: 3.2") == [("", "other")]
    assert titles("S: 58") == [("", "other")]


def test_an_inline_heading_speaks_for_its_line():
    text = "Allergies: none\nFever since Monday.\nEXAM:\nNormal.\n"
    note = Note.parse(text)
    assert note.speaking_section(text.index("none")) is not None
    assert note.speaking_section(text.index("Fever")) is None
    assert note.speaking_section(text.index("Normal")) == note.sections[1]
