import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PMH: s/p left BKA.", ["Z89.512"]),
        ("History of bilateral total knee replacements.", ["Z96.653"]),
        ("Past surgical history: right THA 2015, left TKA 2018.", ["Z96.641", "Z96.652"]),
        ("S/p right mastectomy in 2012.", ["Z90.11"]),
        ("Total abdominal hysterectomy and BSO ten years ago.", ["Z90.710", "Z90.722"]),
        ("Dual-chamber pacemaker in place.", ["Z95.0"]),
        ("CAD s/p CABG x3 in 2010, DES to LAD 2018.", ["Z95.1", "Z95.5"]),
        ("Status post deceased donor renal transplant in 2016.", ["Z94.0"]),
        ("COPD on home oxygen 2 L.", ["Z99.81"]),
        ("ESRD on hemodialysis MWF.", ["Z99.2"]),
        ("Code status: DNR.", ["Z66"]),
        ("End colostomy pink and productive.", ["Z93.3"]),
        ("Roux-en-Y gastric bypass in 2014.", ["Z98.84"]),
        ("MRSA nares screen positive.", ["Z22.322"]),
        ("Urine grew ESBL E. coli.", ["Z16.12"]),
        ("He is wheelchair-bound.", ["Z99.3"]),
        ("Breast cancer treated with lumpectomy and radiation, completed 2019.", ["Z92.3"]),
    ],
)
def test_a_status_is_read_from_its_words(text, expected, codes):
    assert codes(text, ("Z16", "Z22", "Z66", "Z89", "Z9")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "No pacemaker.",
        "POD#2 after right total knee arthroplasty.",
        "PROCEDURES: Left total hip arthroplasty.\n",
        "Plan: right total hip arthroplasty next month.",
        "Colostomy reversed in 2020.",
        "He is a candidate for an ICD.",
        "Mother had a mastectomy in 1990.",
        "Awaiting evaluation for kidney transplant.",
        "Full code. No DNR order.",
        "Appendectomy and cholecystectomy in childhood.",
        "Weaned off oxygen, does not use oxygen at home.",
    ],
)
def test_what_is_denied_planned_or_done_now_is_no_status(text, codes):
    assert codes(text, ("Z66", "Z89", "Z90", "Z93", "Z94", "Z95", "Z96", "Z98", "Z99")) == []


def test_the_side_stands_nearest_to_the_words(codes):
    text = "History of left hip fracture. S/p right TKA."
    assert codes(text, "Z96") == ["Z96.651"]
