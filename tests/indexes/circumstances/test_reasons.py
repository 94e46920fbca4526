import pytest

from indexes.circumstances.pregnancy import supervision_code, weeks_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CC: annual physical exam. 52-year-old man.", ["Z00.00"]),
        ("Well child visit, 4-year-old girl.", ["Z00.129"]),
        ("Here for screening colonoscopy.", ["Z12.11"]),
        ("Flu shot given today.", ["Z23"]),
        ("Admitted for cycle 3 of FOLFOX chemotherapy.", ["Z51.11"]),
        ("Postpartum visit, six weeks.", ["Z39.2"]),
        ("Preoperative evaluation before cataract surgery.", ["Z01.818"]),
        ("Goals discussed, transitioned to comfort measures only.", ["Z51.5"]),
        ("He is homeless, sleeping on the street.", ["Z59.02"]),
        ("Lost his job and is unemployed.", ["Z56.0"]),
        ("Baby girl, born via NSVD. Apgars 8/9. Newborn nursery.", ["Z38.00"]),
        ("Left against medical advice.", ["Z53.29"]),
    ],
)
def test_a_reason_is_read_from_its_words(text, expected, codes):
    kinds = ("Z0", "Z1", "Z23", "Z3", "Z5")
    assert codes(text, kinds) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Vaccines up to date. Declines flu shot.",
        "Last annual physical exam was in 2019.",
        "Screening colonoscopy is due next year.",
        "Chemotherapy was completed in 2018.",
        "Denies food insecurity.",
    ],
)
def test_what_is_not_the_reason_gives_none(text, codes):
    assert codes(text, ("Z0", "Z1", "Z23", "Z51", "Z59")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("G1P0 at 24w3d, routine prenatal visit.", ["Z34.02", "Z3A.24"]),
        ("G3P2 with IUP at 32 weeks gestation, gestational diabetes.", ["Z3A.32"]),
        ("Infant born at 39w1d, day of life 2.", []),
        ("G2P1 at 38 2/7 weeks, in labor.", ["Z3A.38"]),
        ("Pregnancy test negative. BP 128/78, 12 weeks of pain.", []),
    ],
)
def test_weeks_of_gestation(text, expected, codes):
    assert codes(text, ("Z34", "Z3A")) == expected


@pytest.mark.parametrize(
    ("weeks", "code"), [(5, "Z3A.01"), (8, "Z3A.08"), (40, "Z3A.40"), (43, "Z3A.49")]
)
def test_codes_of_weeks(weeks, code):
    assert weeks_code(weeks) == code


@pytest.mark.parametrize(
    ("weeks", "first", "code"),
    [(13, True, "Z34.01"), (14, False, "Z34.82"), (27, None, "Z34.92"), (28, True, "Z34.03")],
)
def test_supervision_by_trimester_and_parity(weeks, first, code):
    assert supervision_code(weeks, first=first) == code
