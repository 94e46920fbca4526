"""The most specific code: from short texts of our own, and as properties of the parser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.episodes import Episode, EpisodeReader
from indexes.note_facts import NoteFacts
from indexes.specificity import compose, finish
from indexes.surroundings import Surroundings, attributes, sides
from indexes.term_table import code_terms, synonym_terms
from indexes.terms import TermGenerator
from indexes.tokens import text_stems
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems import get_code_system
from knowledge.note_text import Note, Span

SYSTEM = get_code_system()
# Categories whose codes differ by site, side, stage, acuity, type, complication or episode.
CATEGORIES = (
    "C34 C50 E11 F32 F33 G43 H25 H40 I48 I50 I82 I85 J44 J45 K26 K40 L89 L97 M17 M25 M79 N18 O24 "
    "O99 S01 S42 S52 S61 S72 S82 S93 T23"
).split()
WORDS = (
    "right left bilateral acute chronic systolic diastolic mild moderate severe persistent shaft "
    "neck lower upper end displaced comminuted oblique open closed with without bleeding aura "
    "exacerbation hemorrhage heel sacral hip knee elbow proximal distal first second third "
    "trimester recurrent intractable unspecified female male"
).split()


@pytest.fixture(scope="module")
def generator():
    terms = [*synonym_terms(), *code_terms(SYSTEM)]
    return TermGenerator(terms, SYSTEM, load_abbreviations())


def ranked(generator, text):
    return [c.code for c in generator.candidates(Note.parse(text), 50)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # site, by synonym and by title
        ("Oedema of the right hand.", "R60.0"),
        ("Pain in the left heel.", "M79.672"),
        ("Bone lesion of the pelvis.", "M89.9"),
        ("Laceration of the right forearm.", "S51.811A"),
        ("Laceration to the dorsal aspect of the left index finger.", "S61.211A"),
        ("Cut on the left index finger, no foreign body.", "S61.211A"),
        ("Bruise of the right thigh.", "S70.11XA"),
        ("Second degree burn of the left palm.", "T23.252A"),
        ("Cancer of the upper lobe of the right lung.", "C34.11"),
        ("Metastasis to the liver.", "C78.7"),
        # stage, severity, acuity, type
        ("CKD stage 3b.", "N18.32"),
        ("Chronic kidney disease, stage IV.", "N18.4"),
        ("Pressure ulcer of the sacrum, stage 3.", "L89.153"),
        ("Stage II decubitus ulcer of left heel.", "L89.622"),
        ("Mild persistent asthma with acute exacerbation.", "J45.31"),
        ("Acute on chronic HFpEF.", "I50.33"),
        ("Paroxysmal atrial fibrillation.", "I48.0"),
        ("COPD with acute exacerbation.", "J44.1"),
        ("Major depressive disorder, recurrent, moderate.", "F33.1"),
        ("Migraine with aura, intractable.", "G43.119"),
        ("Alcoholic cirrhosis of the liver with ascites.", "K70.31"),
        ("Alcoholic cirrhosis of the liver without ascites.", "K70.30"),
        ("Internal hemorrhoids, grade I.", "K64.0"),
        ("Bleeding duodenal ulcer.", "K26.4"),
        ("Anemia due to chemotherapy.", "D64.81"),
        ("Diabetic foot ulcer of the right heel with fat layer exposed.", "L97.412"),
        ("Acute cystitis w/o hematuria.", "N30.00"),
        ("POAG OS, severe stage.", "H40.1123"),
        ("Proliferative diabetic retinopathy with macular edema, right eye.", "E11.3511"),
        # fractures and episodes
        ("Displaced comminuted fracture of the shaft of the left humerus.", "S42.352A"),
        ("Closed fracture of left distal radius after a fall.", "S52.502A"),
        ("Right hip fracture.", "S72.001A"),
        ("Nonunion of the left tibial shaft fracture.", "S82.202K"),
        ("Open fracture of the shaft of the right tibia, Gustilo type II.", "S82.201B"),
        ("Open fracture of the shaft of the right tibia, Gustilo IIIA.", "S82.201C"),
        ("Follow-up visit for right distal radius fracture, healing well, cast off.", "S52.501D"),
        # defaults of the Index
        ("Right knee osteoarthritis.", "M17.11"),
        ("Right hemiparesis.", "G81.91"),
        ("Left hemiparesis, left-handed.", "G81.92"),
        ("Left hemiparesis.", "G81.94"),
    ],
)
def test_the_most_specific_code_leads_its_category(generator, text, code):
    of_category = [c for c in ranked(generator, text) if c[:3] == code[:3]]
    assert of_category[:1] == [code]


def test_both_sides_are_two_codes_where_no_code_says_bilateral(generator):
    assert {"M25.561", "M25.562"} <= set(ranked(generator, "Pain of both knees."))
    codes = ranked(generator, "Bilateral carpal tunnel syndrome.")
    assert codes[0] == "G56.03"


def test_the_side_may_stand_elsewhere_in_the_note(generator):
    text = "HPI: fell on the right hip.\n\nAssessment: hip fracture."
    assert ranked(generator, text)[0] == "S72.001A"


def test_a_follow_up_that_lies_ahead_is_no_aftercare(generator):
    text = "Left ankle sprain. Follow up with orthopedics in one week."
    assert "S93.402A" in ranked(generator, text)


def test_mentions_of_one_fracture_share_its_episode(generator):
    text = (
        "Follow-up of a clavicle fracture.\n"
        "Displaced fracture of the shaft of the left clavicle.\n"
        "Impression: nonunion, left clavicle shaft fracture."
    )
    codes = ranked(generator, text)
    assert codes[0] == "S42.022K"
    assert not any(code.startswith("S42.0") and code[-1] != "K" for code in codes)


def test_words_of_another_finding_make_no_code_more_specific(generator):
    codes = ranked(generator, "Acute kidney injury, heart failure.")
    assert "I50.9" in codes
    assert not any(code.startswith(("I50.2", "I50.3", "I50.4")) for code in codes)


def test_conditions_of_a_pregnant_patient_lead_to_chapter_15(generator):
    text = "27F G2P1 at 28w4d. Iron deficiency anemia. Urinary tract infection. Asthma."
    codes = ranked(generator, text)
    assert {"O99.013", "O23.43", "O99.513", "D50.9"} <= set(codes)
    assert not any(c.startswith("O") for c in ranked(generator, "Iron deficiency anemia."))


def test_conditions_of_a_newborn_lead_to_chapter_16(generator):
    assert "P59.9" in ranked(generator, "Newborn boy, day 3 of life.\nJaundice.")
    assert "P59.9" not in ranked(generator, "A 40-year-old man.\nJaundice.")


def test_the_evidence_stays_the_words_of_the_note(generator):
    text = "Edema of the left ankle; chronic systolic heart failure."
    for candidate in generator.candidates(Note.parse(text), 50):
        assert all(text[m.span.start : m.span.end] for m in candidate.mentions)
    heart = next(c for c in generator.candidates(Note.parse(text), 50) if c.code == "I50.22")
    span = heart.mentions[0].span
    assert text[span.start : span.end].endswith("heart failure")


contexts = st.sets(st.sampled_from(WORDS), max_size=8).map(
    lambda words: text_stems(" ".join(sorted(words)))
)
around = st.builds(
    Surroundings,
    near=contexts,
    attributes=st.sets(
        st.sampled_from(["stage 1", "stage 2", "stage 3", "stage 3b"]), max_size=1
    ).map(frozenset),
    side=st.sampled_from([None, "right", "left", "bilateral"]),
    episode=st.builds(
        Episode,
        phase=st.sampled_from(["initial", "subsequent", "nonunion", "sequela"]),
        wound=st.sampled_from(["closed", "open", "open III"]),
    ),
)
starts = st.sampled_from([c for root in CATEGORIES for c in (root, *SYSTEM.descendants(root))])


@given(starts, around)
@settings(max_examples=300, deadline=None)
def test_every_composed_code_is_billable_and_of_its_category(start, surroundings):
    for code in compose(SYSTEM, start, surroundings):
        whole = finish(SYSTEM, code, surroundings)
        assert whole in SYSTEM
        assert SYSTEM.get(whole).billable
        assert start[:3] in SYSTEM.ancestors(whole)


_SWAP = {"right": "left", "left": "right"}


@given(st.sampled_from(["M25.5", "S42.2", "S52.5", "H25.1", "C34.1", "M79.6", "S93.4"]), contexts)
@settings(max_examples=100, deadline=None)
def test_left_and_right_are_mirror_images(start, near):
    near -= {"right", "left", "bilater"}
    titles = {
        side: [
            SYSTEM.get(code).title for code in compose(SYSTEM, start, Surroundings(near, side=side))
        ]
        for side in ("right", "left")
    }
    mirrored = [
        " ".join(
            _SWAP.get(word.strip(","), word) + "," * word.endswith(",") * (word.strip(",") in _SWAP)
            for word in title.split()
        )
        for title in titles["right"]
    ]
    assert mirrored == titles["left"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("CKD stage 3b", {"stage 3b"}),
        ("stage IV", {"stage 4"}),
        ("CKD 3a", {"stage 3a"}),
        ("a second-degree burn", {"stage 2"}),
        ("for 3 weeks", set()),
    ],
)
def test_stages_and_degrees_are_read_with_their_figure(text, named):
    assert attributes(text) == named


def test_sides_are_read_with_their_abbreviations():
    found = [side for side, _, _ in sides("Rt knee, L hip, bilat. feet, OD, both hands; T. l. r.")]
    assert found == ["right", "left", "bilateral", "right", "bilateral"]


@pytest.mark.parametrize(
    ("text", "phase", "wound"),
    [
        ("Fracture of the wrist.", "initial", "closed"),
        ("Healing fracture of the wrist.", "subsequent", "closed"),
        ("Fracture of the wrist, s/p ORIF 6 weeks ago.", "subsequent", "closed"),
        ("Malunion of a wrist fracture.", "malunion", "closed"),
        ("Late effect of a wrist fracture.", "sequela", "closed"),
        ("Open fracture of the wrist, grade III B.", "initial", "open III"),
        ("Wrist fracture, open reduction planned.", "initial", "closed"),
    ],
)
def test_the_episode_is_read_from_the_sentence(text, phase, wound):
    note = Note.parse(text)
    assert EpisodeReader(note).of(Span(0, 8)) == Episode(phase, wound)


@pytest.mark.parametrize(
    ("text", "stage", "weeks", "part"),
    [
        ("27F G2P1 at 28w4d by 8-wk US.", "pregnancy", 28, "pregnancy"),
        ("Patient is pregnant at 12 weeks.", "pregnancy", 12, "pregnancy"),
        (
            "IUP 39 2/7 wk. Spontaneous vaginal delivery of a live male.",
            "pregnancy",
            39,
            "childbirth",
        ),
        ("Seen 3 weeks postpartum.", "pregnancy", None, "puerperium"),
        ("Newborn girl, born at 39w1d.", "newborn", None, "pregnancy"),
        ("She is not pregnant. Cough for 3 weeks.", None, None, "pregnancy"),
        ("A 50-year-old man, cough for 3 weeks.", None, None, "pregnancy"),
    ],
)
def test_gestation_is_read_from_the_note(text, stage, weeks, part):
    found = NoteFacts(Note.parse(text)).gestation
    assert (found.stage, found.weeks, found.part) == (stage, weeks, part)
