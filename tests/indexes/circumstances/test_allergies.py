import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALLERGIES: penicillin (hives), sulfa.\n", ["Z88.0", "Z88.2"]),
        ("Allergies:\n- Codeine\n- Latex\n- Shellfish\n", ["Z88.5", "Z91.013", "Z91.040"]),
        ("She is allergic to IV contrast.", ["Z91.041"]),
        ("Peanut allergy, carries epinephrine.", ["Z91.010"]),
        ("Egg allergy; eats baked egg without trouble.", ["Z91.0121"]),
        ("Allergy to bee stings.", ["Z91.030"]),
    ],
)
def test_an_allergen_gives_its_status(text, expected, codes):
    assert codes(text, ("Z88", "Z91.0")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Allergies: NKDA.",
        "No known drug allergies. Given penicillin.",
        "ALLERGIES: none\n\nHe took aspirin and codeine.",
        "Allergies: vancomycin, not a true allergy, removed from list.",
        "Seasonal allergies, uses fluticasone.",
        "Denies allergy to latex.",
    ],
)
def test_what_is_no_allergy_gives_none(text, codes):
    assert codes(text, ("Z88", "Z91.0")) == []
