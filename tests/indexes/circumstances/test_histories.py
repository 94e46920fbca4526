import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("History of breast cancer, s/p mastectomy.", ["Z85.3"]),
        ("Colon cancer resected in 2015, no evidence of recurrence.", ["Z85.038"]),
        ("PMH: DVT, stroke without residua, kidney stones.", ["Z86.718", "Z86.73", "Z87.442"]),
        ("Melanoma excised 2014, NED.", ["Z85.820"]),
        ("Mother with MI at 50. Sister has breast cancer.", ["Z80.3", "Z82.49"]),
        ("FAMILY HISTORY: colon cancer (father), diabetes (mother).\n", ["Z80.0", "Z83.3"]),
        ("Family: mother ovarian cancer at 49.", ["Z80.41"]),
    ],
)
def test_a_history_is_read_from_its_words(text, expected, codes):
    assert codes(text, ("Z80", "Z82", "Z83", "Z85", "Z86", "Z87.4", "Z84")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Breast cancer on anastrozole, stage II.",
        "History of metastatic breast cancer, currently on chemotherapy.",
        "No family history of colon cancer.",
        "No history of stroke or DVT.",
        "Mother reports asthma since age two.",
        "DVT prophylaxis with heparin.",
        "A 61-year-old man with chronic urolithiasis, who had a kidney stone on CT.",
        "She has worked from home since the start of the COVID-19 pandemic.",
        "Acute ischemic stroke of the left MCA.",
    ],
)
def test_what_is_current_or_denied_is_no_history(text, codes):
    assert codes(text, ("Z80", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87.4")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Smokes 1 ppd.", ["F17.210"]),
        ("Current smoker.", ["F17.200"]),
        ("Chews tobacco daily.", ["F17.220"]),
        ("Vapes nicotine.", ["F17.290"]),
        ("Quit smoking 20 years ago.", ["Z87.891"]),
        ("Former smoker, 30 pack-years.", ["Z87.891"]),
        ("Smoked a pack a day until 2001.", ["Z87.891"]),
        ("He smokes half a pack of cigarettes and wants to quit.", ["F17.210"]),
        ("Former smoker. Now smokes 5 cigarettes a day again.", ["F17.210"]),
        ("Trying to limit his tobacco use.", ["Z72.0"]),
        ("Tobacco use disorder, daily.", ["F17.200"]),
        ("An extensive discussion of smoking status and surgical history.", []),
        ("Never smoker.", []),
        ("Denies tobacco, alcohol or drugs.", []),
        ("Tobacco: none.", []),
        ("Does not smoke.", []),
        ("Father smokes at home.", []),
        ("PPD placed on the left forearm.", []),
        ("Smokes cannabis daily.", []),
    ],
)
def test_tobacco(text, expected, codes):
    assert codes(text, ("F17", "Z72", "Z87.891")) == expected
