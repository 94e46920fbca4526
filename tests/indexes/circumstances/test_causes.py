import pytest

from indexes.circumstances.episode import with_seventh
from indexes.circumstances.transport import crash_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fell off a ladder at work and has a wrist fracture.", ["W11.XXXA", "Y99.0"]),
        ("Slipped on ice. Ankle sprain.", ["W00.0XXA"]),
        ("Slipped on ice on 01/12/2024 and walked back to the house. Sprain.", ["W00.0XXA"]),
        ("Paraplegia from an old spine injury, slipped on ice in 2009.", ["W00.0XXS"]),
        ("Fell down the stairs; rib fractures.", ["W10.9XXA"]),
        ("Ankle fracture. Missed the last two steps of the stairs.", ["W10.9XXA"]),
        ("Fell out of bed at the nursing home, hip fracture.", ["W06.XXXA", "Y92.122"]),
        ("Dog bite of the left hand, laceration.", ["W54.0XXA"]),
        (
            "Cut her finger with a kitchen knife while chopping onions in the kitchen of her house."
            " Laceration.",
            ["W26.0XXA", "Y92.010", "Y93.G1"],
        ),
        ("Scald burn of the arm from hot coffee.", ["X10.0XXA"]),
        (
            "Collided with another player in a soccer game on the soccer field. Knee sprain.",
            ["W51.XXXA", "Y92.322", "Y93.66"],
        ),
        (
            "Restrained driver in an MVC, her car was struck by another car. Chest contusion.",
            ["V43.52XA"],
        ),
        (
            "Follow-up visit for a wrist fracture. She fell off a ladder.",
            ["W11.XXXD"],
        ),
        ("Assaulted and punched in the face at a bar. Nasal fracture.", ["Y04.0XXA"]),
    ],
)
def test_the_story_gives_cause_place_and_activity(text, expected, codes):
    assert codes(text, ("V", "W", "X", "Y")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "No falls. Fall precautions. Wrist fracture.",
        "Sharp, stabbing pain after a rib fracture.",
        "She fell asleep. Ankle sprain.",
        "Fell off a ladder, no complaints.",
        "Plan: avoid ladders to prevent a fall from a ladder. Wound check.",
    ],
)
def test_without_a_story_or_an_injury_there_is_no_cause(text, codes):
    assert codes(text, ("V", "W", "X", "Y")) == []


@pytest.mark.parametrize(
    ("story", "code"),
    [
        ("Driver in an MVC, hit a tree.", "V47.5"),
        ("Passenger in a car struck by an SUV.", "V43.61"),
        ("Driver, rear-ended by a pickup.", "V43.53"),
        ("MVC, driver.", "V49.40"),
        ("MVC.", "V89.2"),
        ("The other driver ran a light, MVC.", "V89.2"),
    ],
)
def test_a_crash_is_composed_of_role_and_counterpart(story, code):
    assert crash_code(story) == code


@pytest.mark.parametrize(
    ("stem", "full"),
    [("W11", "W11.XXXA"), ("W01.0", "W01.0XXA"), ("V43.52", "V43.52XA"), ("T46.4X5", "T46.4X5A")],
)
def test_a_stem_is_filled_up(stem, full):
    assert with_seventh(stem, "A") == full


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Angioedema due to lisinopril.", ["T46.4X5A"]),
        ("Warfarin-induced coagulopathy.", ["T45.515A"]),
        ("Intentional acetaminophen overdose, suicide attempt.", ["T39.1X2A"]),
        ("Accidental heroin overdose.", ["T40.1X1A"]),
        ("He stopped taking his furosemide because of the cost.", ["T50.1X6A"]),
        ("Hypertension, takes lisinopril.", []),
        ("Because of his penicillin allergy he was given levofloxacin.", []),
        ("We switched her from furosemide to torsemide.", []),
        ("Allergies: lisinopril (angioedema due to lisinopril).", []),
        ("History of heroin overdose in 2015.", []),
    ],
)
def test_poisoning_adverse_effect_and_underdosing(text, expected, codes):
    assert codes(text, "T") == expected


def test_the_reason_of_underdosing_is_told(codes):
    text = "He stopped taking his furosemide because of the cost."
    assert codes(text, "Z91.1") == ["Z91.120"]
