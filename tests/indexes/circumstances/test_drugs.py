import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MEDICATIONS:\nMetformin 1000 mg BID\nLantus 20 units nightly\n", ["Z79.4", "Z79.84"]),
        ("She takes apixaban for atrial fibrillation.", ["Z79.01"]),
        ("Atrial fibrillation on warfarin, INR 2.3.", ["Z79.01"]),
        ("Home meds: aspirin 81 mg daily, Plavix 75 mg daily.", ["Z79.02", "Z79.82"]),
        ("Continues Ozempic weekly.", ["Z79.85"]),
        ("Breast cancer 2022, taking anastrozole daily.", ["Z79.811"]),
        ("Symbicort twice daily for COPD.", ["Z79.51"]),
        ("On chronic prednisone 5 mg daily for polymyalgia.", ["Z79.52"]),
        ("Chronic opioid therapy with oxycodone under a pain agreement.", ["Z79.891"]),
        ("Rheumatoid arthritis, on methotrexate and Humira.", ["Z79.620", "Z79.631"]),
        ("Medications: alendronate weekly.", ["Z79.83"]),
        ("Macrobid nightly for UTI prophylaxis, long-term.", ["Z79.2"]),
    ],
)
def test_a_running_treatment_is_long_term_use(text, expected, codes):
    assert codes(text, "Z79") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Given aspirin 325 mg in the ED.",
        "Heparin drip started, then apixaban to start tomorrow.",
        "Prednisone 40 mg for 5 days.",
        "Medications: prednisone taper, ibuprofen prn.",
        "Warfarin was stopped last year.",
        "Allergies: aspirin (hives).",
        "Denies taking any aspirin.",
        "Mother takes warfarin.",
        "Start metformin 500 mg BID.",
        "Covered with sliding scale insulin while on steroids.",
        "Enoxaparin for DVT prophylaxis during the stay.",
        "Oxycodone 5 mg every 6 hours as needed after surgery.",
        "Type 1 diabetes on insulin glargine 18 units nightly.",
        "Medications:\nAtorvastatin 40 mg daily\nLisinopril 10 mg daily\n",
    ],
)
def test_other_uses_are_none(text, codes):
    assert codes(text, "Z79") == []


def test_the_evidence_is_the_name_of_the_drug(evidence):
    found = evidence("Continues insulin glargine 20 units nightly.", "Z79")
    assert found == {"Z79.4": ["insulin glargine"]}
