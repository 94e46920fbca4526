"""What each step of the coding policies does, on sentences a coder would recognise."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.policy.authority import Authority
from agent.request import CodingRequest
from agent.trace.reader import read_trace
from knowledge.guidelines import card
from knowledge.rules import RULES

NOTES = Path(__file__).parents[1] / "data" / "notes"


@pytest.fixture(scope="module")
def trace_of(coders, tmp_path_factory):
    """Return a function that codes a text and gives the events of its trace."""
    coder = coders["guidelines"]
    folder = tmp_path_factory.mktemp("traces")

    def run(text):
        options, coder.options = coder.options, replace(coder.options, trace_dir=folder)
        try:
            coder.code(CodingRequest("n", text))
        finally:
            coder.options = options
        return read_trace(folder / "n.jsonl")

    return run


def assigned(result):
    return {c.code for c in result.codes}


def rejected(result):
    return {r.code: r for r in result.rejected}


def guidelines(result, code):
    return next(c.guidelines for c in result.codes if c.code == code)


def test_an_uncertain_diagnosis_follows_the_setting(code):
    note = "ASSESSMENT: Probable acute appendicitis."
    inpatient = code(note, setting="inpatient")
    assert assigned(inpatient) == {"K35.80"}
    assert guidelines(inpatient, "K35.80") == ["II.H"]
    outpatient = code(note, setting="outpatient")
    assert not assigned(outpatient)
    assert "IV.H" not in rejected(outpatient)["K35.80"].reason
    assert rejected(outpatient)["K35.80"].stage == "policy"


@pytest.mark.parametrize(
    ("note", "code_", "not_code"),
    [
        ("PMH: history of breast cancer.", "Z85.3", "C50.919"),
        ("PMH: history of hypertension.", "I10", None),
        ("FAMILY HISTORY: Father had colon cancer.", "Z80.0", "C18.9"),
        ("ASSESSMENT: Type 2 diabetes with hypertension.", "I10", None),
        ("ASSESSMENT: Hypertension and congestive heart failure.", "I11.0", "I10"),
        ("ASSESSMENT: COPD with lobar pneumonia.", "J44.0", "J44.9"),
        ("ASSESSMENT: Obesity. BMI 32.4.", "Z68.32", None),
    ],
)
def test_conditions_become_the_codes_of_a_us_coder(code, note, code_, not_code):
    codes = assigned(code(note))
    assert code_ in codes
    assert not_code not in codes


def test_a_body_mass_index_needs_a_weight_diagnosis_and_an_adult(code):
    assert "Z68.32" not in assigned(code("ASSESSMENT: Gout. BMI 32.4."))
    assert "Z68.32" not in assigned(code("ASSESSMENT: Obesity. BMI 32.4.", age=12))


def test_a_note_without_headings_is_coded_too(code):
    assert "R07.9" in assigned(code("A 60-year-old man presents with chest pain since yesterday."))


def test_an_external_cause_needs_an_injury(code):
    assert "W19.XXXA" not in assigned(code("HPI: Nasal congestion from her fall allergies."))
    assert "W19.XXXA" in assigned(code("HPI: Wrist fracture after a fall."))


def test_a_finding_is_no_fragment_of_itself(code):
    note = "ASSESSMENT: Ejection murmur. Systolic ejection murmur again today."
    assert "R01.1" in assigned(code(note))


def test_a_symptom_of_a_coded_disease_goes_and_says_why(code):
    result = code("ASSESSMENT:\n1. Lobar pneumonia\n2. Cough")
    assert "R05.9" not in assigned(result)
    assert "integral to J18.1" in rejected(result)["R05.9"].reason


def test_a_symptom_without_a_disease_stays(code):
    assert "R05.9" in assigned(code("ASSESSMENT: Cough."))


def test_a_sign_that_only_the_examination_lists_goes(code):
    note = "PHYSICAL EXAM:\nSystolic heart murmur.\n\nASSESSMENT:\nGout."
    assert "R01.1" not in assigned(code(note))


@pytest.mark.parametrize(
    "note",
    [
        "ASSESSMENT: No evidence of pulmonary embolism.",
        "HPI: She denies chest pain.",
        "PLAN: Return if fever develops.",
        "FAMILY HISTORY: No family history of colon cancer.",
    ],
)
def test_what_the_note_rules_out_is_not_coded(code, note):
    result = code(note)
    assert not result.codes
    assert result.rejected
    assert all(r.stage == "reason" for r in result.rejected)


@pytest.mark.parametrize(
    ("note", "codes"),
    [
        ("A triage note: chest pain since yesterday.", {"R07.9"}),
        ("PMH: history of chest pain.", set()),
        ("She denies chest pain.", set()),
    ],
)
def test_a_note_that_convinces_of_nothing_else_has_its_one_reason(code, note, codes):
    assert assigned(code(note)) == codes


@pytest.mark.parametrize(
    ("name", "poorer", "better"),
    [("clinic_letter", "E56.8", "E55.9"), ("discharge_summary", "J98.4", "J44.9")],
)
def test_words_that_name_one_code_do_not_stand_for_a_poorer_one(code, name, poorer, better):
    result = code((NOTES / f"{name}.txt").read_text("utf-8"))
    assert poorer not in assigned(result)
    assert rejected(result)[poorer].reason.endswith(f"is better named by {better}")


def test_a_turned_ankle_is_no_sprain_beside_its_fracture(code):
    turned = "HPI: She twisted her left ankle."
    fracture = "ASSESSMENT: Fracture of the lateral malleolus of the left ankle."
    assert "S93.402A" in assigned(code(f"{turned}\nASSESSMENT: Sprain of the left ankle."))
    assert not {c for c in assigned(code(f"{turned}\n{fracture}")) if c.startswith("S93.4")}


def test_the_unspecified_code_gives_way_to_the_specified(code):
    note = "HPI: Known rheumatoid arthritis.\nASSESSMENT: Seropositive rheumatoid arthritis."
    codes = assigned(code(note))
    assert "M05.9" in codes
    assert "M06.9" not in codes


def test_mentions_keeps_symptoms_and_history(code):
    note = "ASSESSMENT: Lobar pneumonia with fever. History of breast cancer."
    assert {"J18.1", "R50.9", "Z85.3"} <= assigned(code(note, policy="mentions"))


def test_an_excludes1_pair_of_separate_words_is_left_to_the_coder(code):
    result = code("ASSESSMENT: Type 1 diabetes. Type 2 diabetes mellitus.")
    (finding,) = [f for f in result.findings if f.rule == "excludes1"]
    assert finding.severity == "warning"
    assert {"E10.9", "E11.9"} <= assigned(result)


@pytest.mark.parametrize(
    ("note", "rule", "card_"),
    [
        ("PMH: Prostate cancer in 2014.", "history_codes:C61", "I.C.2.m"),
        ("PMH: history of hypertension.", "chronic:I10-I13", "IV.I"),
        ("FAMILY HISTORY: Mother had osteoporosis.", "family_history_codes:", "I.C.21.c.4"),
        ("ASSESSMENT:\n1. Lobar pneumonia\n2. Cough", "integral_symptoms:R05/J00-J06", "I.B.5"),
        ("ASSESSMENT: COPD with lobar pneumonia.", "copd_lower_respiratory_infection", "I.C.10.a"),
        ("ASSESSMENT: Probable acute appendicitis.", "uncertain_diagnoses", "II.H"),
        ("ASSESSMENT: Gout. BMI 32.4.", "figures_without_a_diagnosis", "I.B.14"),
        ("PHYSICAL EXAM:\nHeart murmur.\n\nPLAN: Rest.", "incidental_findings", "III.B"),
    ],
)
def test_a_decision_names_the_entry_and_the_card_it_rests_on(trace_of, note, rule, card_):
    decisions = [e for e in trace_of(note) if e.event == "decision" and e.node == "policy"]
    assert any(d.rule.startswith(rule) and d.card.startswith(card_) for d in decisions)
    assert all(card(d.citation).id == d.card for d in decisions)


def test_a_citation_without_a_card_is_a_defect():
    with pytest.raises(LookupError, match="no guideline card"):
        _ = Authority("step", "V.Z").card
    assert Authority("r", "ICD-10-CM Guidelines I.A.12.a; tabular list at E10").card.id == "I.A.12"


def test_every_rule_that_may_mend_cites_a_card():
    # These propose no mend.
    others = {"admitting_outpatient", "age_conflict", "not_valid_on_date", "week_conflict"}
    names = RULES.keys() - others
    assert all(Authority(name, RULES[name].card.citation).card for name in names)


def test_an_unspecified_code_gives_way_where_a_patient_has_one_condition(code):
    codes = assigned(code("PMH: renal insufficiency.\nASSESSMENT: CKD stage 4."))
    assert "N18.4" in codes
    assert "N18.9" not in codes


def test_every_code_rests_on_words_of_the_note(code):
    note = (
        "DISCHARGE DIAGNOSES: 1. Femoral neck fracture, left. 2. Diabetic foot ulcer. "
        "3. Sepsis due to E. coli. 4. Acute on chronic systolic heart failure. 5. CKD stage 4."
    )
    result = code(note)
    assert len(result.codes) >= 5
    for assigned_code in result.codes:
        assert assigned_code.evidence
        assert all(note[e.start : e.end] == e.text for e in assigned_code.evidence)


@pytest.mark.parametrize(
    ("note", "codes", "not_codes"),
    [
        ("ASSESSMENT: Atrial fibrillation. PLAN: Start apixaban tomorrow.", set(), {"Z79.01"}),
        ("MEDICATIONS: apixaban 5 mg BID.", {"Z79.01"}, set()),
        ("SOCIAL HISTORY: Homeless, staying in a shelter.", {"Z59.01"}, {"Z59.00"}),
        ("SOCIAL HISTORY: Nicotine dependence, 1 ppd cigarettes.", {"F17.210"}, {"F17.200"}),
        ("ASSESSMENT: Angioedema due to lisinopril.", {"T46.4X5A"}, set()),
    ],
)
def test_the_circumstances_of_the_note_decide_over_resembling_titles(code, note, codes, not_codes):
    found = assigned(code(note))
    assert codes <= found
    assert not found & not_codes
