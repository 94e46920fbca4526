import pytest

from knowledge.rules import CodedItem, Mend, apply_mend


def items(codes: str) -> list[CodedItem]:
    return [CodedItem(c, "secondary" if at else "principal") for at, c in enumerate(codes.split())]


@pytest.mark.parametrize(
    ("codes", "mend", "mended", "words"),
    [
        (
            "I10 H25.011 H25.012",
            Mend(remove=["H25.011", "H25.012"], add=["H25.013"]),
            "I10 H25.013",
            "report H25.013 instead of H25.011 and H25.012",
        ),
        ("R07.9 I21.4", Mend(remove=["R07.9"]), "I21.4", "drop R07.9"),
        ("I10 E11.9 I10", Mend(remove=["I10"], add=["I10"]), "I10 E11.9", None),
        ("E11.9", Mend(add=["Z79.4"]), "E11.9 Z79.4", "add Z79.4"),
        ("E11.9 Z79.4", Mend(add=["Z79.4"]), "E11.9 Z79.4", None),
        ("I50.9 N18.9 I13.0", Mend(before=("I13.0", "I50.9")), "I13.0 I50.9 N18.9", None),
        (
            "I10 I50.9",
            Mend(remove=["I10"], add=["I11.0"], before=("I11.0", "I50.9")),
            "I11.0 I50.9",
            "report I11.0 instead of I10; put I11.0 before I50.9",
        ),
    ],
)
def test_a_mend_edits_the_codes(codes, mend, mended, words):
    assert apply_mend(items(codes), mend) == items(mended)
    assert words is None or str(mend) == words


def test_evidence_goes_to_what_comes_and_the_admitting_diagnosis_stays():
    before = [
        CodedItem("H25.012", "admitting", ((0, 4),)),
        CodedItem("I10"),
        CodedItem("H25.011", "secondary", ((5, 9),)),
        CodedItem("H25.012", "principal", ((0, 4),)),
    ]
    after = apply_mend(before, Mend(remove=["H25.011", "H25.012"], add=["H25.013"]))
    assert after == [
        before[0],
        CodedItem("H25.013", "principal", ((0, 4), (5, 9))),
        CodedItem("I10"),
    ]
