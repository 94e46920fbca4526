import pytest

from indexes.icd9_wordings import ICD9Wording, icd9_wordings


@pytest.fixture(scope="module")
def wordings(system):
    return list(icd9_wordings(system))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("I10", "Unspecified essential hypertension"),
        ("H25.89", "Total or mature cataract"),  # "other" in ICD-10-CM
    ],
)
def test_titles_of_icd9_word_a_code(wordings, code, text):
    assert ICD9Wording(code, text) in wordings


def test_what_only_icd9_distinguishes_is_left_out(wordings):
    texts = [w.text.lower() for w in wordings]
    assert not [t for t in texts if "tubercle bacilli" in t or "episode of care" in t]


def test_codes_exist_and_carry_no_seventh_character(wordings, system):
    assert all(w.code in system and system.get(w.code).seventh is None for w in wordings)
