import pytest

from indexes.other_editions import EditionWording, edition_wordings


@pytest.fixture(scope="module")
def wordings(system):
    return list(edition_wordings(system))


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("icd9", "I10", "Unspecified essential hypertension"),
        ("icd9", "H25.89", "Total or mature cataract"),  # "other" in ICD-10-CM
        ("who", "F10.2", "Alcohol dependence syndrome"),
        ("who", "O90.4", "Postpartum acute renal failure"),
    ],
)
def test_titles_of_other_editions_word_a_code(wordings, kind, code, text):
    assert EditionWording(kind, code, text) in wordings


def test_what_only_icd9_distinguishes_is_left_out(wordings):
    texts = [w.text.lower() for w in wordings if w.kind == "icd9"]
    assert not [t for t in texts if "tubercle bacilli" in t or "episode of care" in t]


def test_codes_exist_and_carry_no_seventh_character(wordings, system):
    assert all(w.code in system and system.get(w.code).seventh is None for w in wordings)


def test_a_number_that_means_something_else_lends_no_title(wordings):
    # E11.0 is coma in the WHO's edition and hyperosmolarity in ICD-10-CM.
    assert not [w for w in wordings if w.kind == "who" and w.code == "E11.0"]
