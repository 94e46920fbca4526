"""Assertion rules against sentences written for them; the mention stands in [brackets]."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.assertion import Assertion, AssertionAnnotator, AssertionFinding, assertion_of
from knowledge.note_text import Note, Span


def marked(text: str) -> tuple[Note, Span]:
    """Take the brackets out and return the note with the span they stood around."""
    start = text.index("[")
    end = text.index("]", start) - 1
    return Note.parse(text.replace("[", "", 1).replace("]", "", 1)), Span(start, end)


def judge(text: str) -> AssertionFinding:
    return assertion_of(*marked(text))


CASES: list[tuple[Assertion, str]] = [
    # absent
    ("absent", "She denies chest pain, dyspnea, or [palpitations]."),
    ("absent", "She denies [chest pain], dyspnea, or palpitations."),
    ("absent", "There is no evidence of [pulmonary embolism]."),
    ("absent", "[PE] was ruled out by CT."),
    ("absent", "Pneumonia, PE and [DVT] were excluded."),
    ("absent", "CT ruled out [pulmonary embolism]."),
    ("absent", "Negative for [fever]."),
    ("absent", "Patient without [fever]."),
    ("absent", "FAMILY HISTORY\n\nNo [stroke]."),
    ("absent", "There is no family history of [cancer]."),
    ("absent", "PAST MEDICAL HISTORY:\nNo history of [stroke]."),
    ("absent", "REVIEW OF SYSTEMS\nRespiratory: Denies [shortness of breath]."),
    ("absent", "[Cough]: no"),
    ("absent", "[Fever] (-)"),
    ("absent", "[chest pain]: negative"),
    ("absent", "[Pneumonia] is unlikely."),
    ("absent", "[MI] was excluded."),
    ("absent", "No fever, chills, [cough]."),
    ("absent", "He did not have [fever]."),
    ("absent", "Neither [fever] nor cough."),
    ("absent", "Neither fever nor [cough]."),
    ("absent", "Denies:\n- fever\n- [cough]"),
    ("absent", "no lymphadenopathy, [hepatomegaly] or splenomegaly"),
    ("absent", "[Metastases] were not observed."),
    ("absent", "No lymphadenopathy or [metastases] were observed."),
    ("absent", "The biopsy was negative for [malignancy]."),
    ("absent", "absence of [fever]"),
    ("absent", "No prior [stroke]."),
    ("absent", "He denies history of [MI]."),
    ("absent", "He has never had [seizures]."),
    ("absent", "afebrile, no [cough], has dyspnea"),
    ("absent", "She has no known drug [allergies]."),
    ("absent", "Low suspicion for [PE]."),
    ("absent", "Dizziness, probably orthostatic; not [BPPV]."),
    ("absent", "Lactate normal. Not [severe sepsis]."),
    ("absent", "Not diagnosing [hypertension] on one visit."),
    ("present", "Not only gout but [asthma]."),
    ("present", "[Migraine] without aura, not intractable."),
    ("absent", "Chest X-ray confirmed pneumonia and ruled out [PE]."),
    ("absent", "No [chest pain] on exertion"),
    ("absent", "without evidence of [recurrence]"),
    ("absent", "denies any [dizziness]"),
    ("absent", "This is not a [fracture]."),
    ("absent", "Abdomen soft, no [hepatosplenomegaly]."),
    ("absent", "He has no personal or family history of [cancer]."),
    ("absent", "[Depression]: none"),
    ("absent", "no definite [pneumothorax]"),
    ("absent", "w/o [edema]"),
    ("absent", "[Nausea], vomiting and diarrhea were denied."),
    ("absent", "No signs or symptoms of [withdrawal]."),
    ("absent", "Pt denies any hx of [TB]."),
    ("absent", "free of [seizures] since May"),
    # family
    ("family", "Her father had an [MI] at 45."),
    ("family", "There is a family history of [colon cancer]."),
    ("family", "mother with [diabetes]"),
    ("family", "FHx: [breast cancer]"),
    ("family", "FAMILY HISTORY\n\n[Stroke] at 60."),
    ("family", "Her maternal grandmother had [breast cancer]."),
    ("family", "Strong history of [diabetes] in her father."),
    ("family", "She explains that her father has had [kidney stones]."),
    ("family", "His mother and grandmother died of [glioblastoma]."),
    # hypothetical
    ("hypothetical", "Return if [fever] develops."),
    ("hypothetical", "Take paracetamol in case of [fever]."),
    ("hypothetical", "Should she develop [fever], call us."),
    ("hypothetical", "She is at risk of [falls]."),
    ("hypothetical", "Monitor for [bleeding]."),
    ("hypothetical", "Aspirin as prophylaxis for [stroke]."),
    ("hypothetical", "Heparin for [DVT] prophylaxis."),
    ("hypothetical", "Return precautions for [chest pain] given."),
    ("hypothetical", "If [symptoms] worsen, come back."),
    ("hypothetical", "Screening for [colon cancer]."),
    # possible
    ("possible", "Admitted to rule out [MI]."),
    ("possible", "R/o [MI]."),
    ("possible", "Possible [pneumonia]."),
    ("possible", "probable [pneumonia] on the right"),
    ("possible", "Suspected [sepsis]."),
    ("possible", "Likely [viral gastroenteritis]."),
    ("possible", "We cannot exclude [pneumonia]."),
    ("possible", "[Pneumonia] cannot be excluded."),
    ("possible", "There is concern for [pneumonia]."),
    ("possible", "?[UTI]"),
    ("possible", "Confused, ? [UTI]."),
    ("possible", "No fever, possible [pneumonia]."),
    ("possible", "AKI likely due to [dehydration]."),
    ("possible", "Findings consistent with [pneumonia]."),
    ("possible", "[pneumonia] vs atelectasis"),
    ("possible", "MRI to evaluate for [fracture]."),
    ("possible", "without ruling out a [neoplasm]"),
    ("possible", "A [neoplasm] is not ruled out."),
    ("possible", "[neoplasm] to be ruled out"),
    ("possible", "The mass is suspicious for [cancer]"),
    ("possible", "Doubtful [tuberculosis]."),
    ("possible", "[Pneumonia] is suspected."),
    ("possible", "[Pneumonia] (?)"),
    # historical
    ("historical", "She has a history of [breast cancer]."),
    ("historical", "H/o [breast cancer]."),
    ("historical", "s/p [appendectomy]"),
    ("historical", "Status post [CABG]."),
    ("historical", "history of [hypertension] who presents with cough."),
    ("historical", "58-year-old man with a history of HTN, [DM], and a 2-day history of fever"),
    ("historical", "Previous [stroke]."),
    ("historical", "[Appendicitis] 10 years ago."),
    ("historical", "Remote [stroke], now walking."),
    ("historical", "PMH significant for [gout]"),
    # present
    ("present", "She denies chest pain but has had [palpitations]."),
    ("present", "history of hypertension who presents with [cough]."),
    ("present", "PAST MEDICAL HISTORY\n\n[Hypertension]"),
    ("present", "[Cough]: yes"),
    ("present", "Positive for [cough]."),
    ("present", "Negative for fever, positive for [cough]."),
    ("present", "No increase in [chest pain]."),
    ("present", "He has not only [asthma] but COPD."),
    ("present", "Walks without difficulty despite [arthritis]."),
    ("present", "No change in the [nodule]."),
    ("present", "Gram negative [sepsis]."),
    ("present", "History of present illness was taken from [confused] patient"),
    ("present", "a 3-day history of [cough]"),
    ("present", "58-year-old man with a history of HTN, DM, and a 2-day history of [fever]"),
    ("present", "He has no fever, [cough] started yesterday."),
    ("present", "No treatment for [diabetes]."),
    ("present", "[AKI] likely due to dehydration."),
    ("present", "She has no complaints except [lumbar pain]."),
    ("present", "The mother reports [fever] since Monday."),
    ("present", "The patient was brought in by his mother because of [fever]."),
    ("present", "Her father had an MI. She has [asthma]."),
    ("present", "Her father had an MI, and she has [asthma]."),
    ("present", "HER2-negative [breast cancer]"),
    ("present", "No surgery because of [heart failure]."),
    ("present", "No. 5 [fracture]"),
    ("present", "afebrile, no cough, has [dyspnea]"),
    ("present", "[Pneumonia] was confirmed; PE was ruled out."),
    ("present", "He has [pneumonia], PE was ruled out."),
    ("present", "Chest X-ray confirmed [pneumonia] and ruled out PE."),
    ("present", "She has [asthma] and her father had an MI."),
    ("present", "Return to work. [Back pain] persists."),
    ("present", "No medication for [hypertension] was taken."),
    ("present", "no evidence of recurrence of [melanoma]"),
    ("present", "A woman diagnosed with [lupus] 13 years ago."),
    ("present", "A man 60 years old with [diabetes]."),
    ("present", "The patient's mother notes that his [acne] flared."),
    ("present", "Taken by her parents to the clinic for a [rash]."),
    ("present", "[Asthma] (+)"),
    ("present", "[Fever] persisted although cultures were negative."),
    ("present", "The surgery went without incident and the [wound infection] healed."),
]


@pytest.mark.parametrize(("expected", "text"), CASES)
def test_assertion(expected, text):
    assert judge(text).assertion == expected


@pytest.mark.parametrize(
    ("text", "cue", "rule"),
    [
        ("She denies chest pain or [dyspnea].", "denies", "cue:denies"),
        ("[PE] was ruled out.", "was ruled out", "cue:was_ruled_out"),
        ("No [fever].", "No", "cue:no"),
        ("H/o [gout].", "H/o", "cue:history_of"),
        ("FAMILY HISTORY\n[Stroke]", None, "section:family_history"),
        ("The patient has [gout].", None, "default"),
        ("She reports [cough].", "reports", "cue:positive_for"),
    ],
)
def test_reason_names_cue_and_rule(text, cue, rule):
    note, span = marked(text)
    finding = assertion_of(note, span)
    assert finding.rule == rule
    assert (note.slice(finding.cue) if finding.cue else None) == cue


def test_cue_offsets_count_from_the_start_of_the_note():
    note, span = marked("HPI: He is well.\n\nROS: He denies any [cough].")
    assert assertion_of(note, span).cue == Span(26, 36)
    assert note.text[26:36] == "denies any"


def test_nearest_cue_of_the_category_is_reported():
    note, span = marked("No fever and no [cough].")
    assert assertion_of(note, span).cue == Span(13, 15)


def test_scope_ends_with_the_sentence():
    assert judge("He denies fever. [Cough] since Monday.").assertion == "present"


def test_absent_beats_family_so_that_no_family_code_is_written():
    assert judge("No family history of [cancer].").assertion == "absent"
    assert judge("Her mother has no [diabetes].").assertion == "absent"


def test_family_section_stands_even_where_a_sentence_is_positive():
    assert judge("FAMILY HISTORY\nPositive for [breast cancer].").assertion == "family"
    assert judge("FAMILY HISTORY\nNegative for [breast cancer].").assertion == "absent"


def test_an_inline_family_heading_speaks_for_its_own_line_only():
    text = "Seen today.\nFamily history: stroke. Gout.\nHe has [asthma]."
    assert judge(text).assertion == "present"
    assert judge(text.replace("[asthma]", "asthma").replace("Gout", "[Gout]")).assertion == "family"
    assert judge("FAMILY HISTORY\n\nGout.\n[Stroke].").assertion == "family"


def test_a_cue_inside_the_mention_is_part_of_the_term():
    assert judge("He has a [history of falling].").assertion == "present"
    assert judge("[Family history of colon cancer] noted.").assertion == "present"


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("[Cushing's syndrome] has been ruled out.", "absent"),
        (
            "The risks include but are not limited to infection, nerve damage and [stroke].",
            "hypothetical",
        ),
        ("Possible complications are bleeding, [infection] and pain.", "hypothetical"),
    ],
)
def test_what_is_excluded_or_a_risk_is_not_there(text, assertion):
    assert judge(text).assertion == assertion


def test_a_negation_may_reach_into_the_mention():
    assert judge("No [family history of colon cancer].").assertion == "absent"
    assert judge("No [history of falling].").assertion == "absent"


def test_a_heading_line_governs_the_items_below_it_only():
    text = "ROS\nDenies:\n- fever\n- cough\nBack pain for a week."
    annotator = AssertionAnnotator(note := Note.parse(text))
    found = {
        word: annotator.of(Span(at := text.index(word), at + len(word))).assertion
        for word in ("fever", "cough", "Back pain")
    }
    assert found == {"fever": "absent", "cough": "absent", "Back pain": "present"}
    assert note.section_at(text.index("cough")).kind == "review_of_systems"


def test_annotator_and_wrapper_agree():
    note = Note.parse("No fever. History of gout, possible sepsis; her father had an MI.")
    annotator = AssertionAnnotator(note)
    for start in range(len(note.text)):
        span = Span(start, min(start + 5, len(note.text)))
        assert annotator.of(span) == assertion_of(note, span)


@pytest.mark.parametrize(
    "unit", ["no ", "(-) ", "1 day ", ": no, ", "? ", "history of ", "father ", "or, ", "- x:\n"]
)
def test_time_grows_gently_on_hostile_text(unit):
    note = Note.parse(unit * (20_000 // len(unit)))
    started = time.perf_counter()
    AssertionAnnotator(note).of(Span(len(note.text) - 9, len(note.text) - 6))
    assert time.perf_counter() - started < 3


WORDS = (
    "no|denies|history of|fever|,|or|and|but|possible|mother|was ruled out|:|( - )|?|.|\n|if|return"
    "|risk|pain|3 day|unlikely|excluded|not seen|negative for|the patient|has"
)


@given(st.lists(st.sampled_from(WORDS.split("|")), max_size=30), st.data())
def test_any_mix_of_cues_gives_a_finding_whose_cue_begins_outside_the_mention(words, data):
    note = Note.parse(" ".join(words) + " x")
    start = data.draw(st.integers(0, len(note.text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(note.text))))
    finding = assertion_of(note, span)
    assert (finding.cue is not None) == finding.rule.startswith("cue:")
    if finding.cue:
        assert note.slice(finding.cue).strip() == note.slice(finding.cue)
        assert not span.start <= finding.cue.start < span.end


@given(st.text(max_size=200))
def test_arbitrary_text_never_raises(text):
    note = Note.parse(text)
    annotator = AssertionAnnotator(note)
    for offset in range(len(text)):
        annotator.of(Span(offset, offset + 1))
