import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.crosswalk.titles import like_title, same_title

TITLES = [get_code_system("icd10who").get(c).title for c in get_code_system("icd10who").codes()]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sickle-cell anaemia", "Sickle-cell anemia"),
        ("Oedema of vulva", "Edema of vulva"),
        ("Ménière disease", "Meniere's disease"),
        ("Vitamin B 12 deficiency", "Vitamin B12 deficiency"),
        ("Striking against other objects", "Striking against other object(s)"),
    ],
)
def test_spelling_and_punctuation_make_no_other_title(one, other):
    assert same_title(one, other)


@pytest.mark.parametrize(
    ("one", "other", "above", "like"),
    [
        ("COVID-19, virus identified", "COVID-19", "", True),
        ("Malignant neoplasm: Hepatoblastoma", "Hepatoblastoma", "", True),
        ("Omphalitis with or without mild haemorrhage", "Omphalitis", "", True),
        ("SIRS of infectious origin", "SIRS of non-infectious origin", "", False),
        ("Diabetes with coma", "Diabetes without coma", "", False),
        ("Kidney disease, stage 3", "Kidney disease, stage 4", "", False),
        ("Diabetes mellitus with coma", "Diabetes mellitus with hyperosmolarity", "", True),
        (
            "Diabetes mellitus with coma",
            "Diabetes mellitus with hyperosmolarity",
            "Diabetes mellitus",
            False,
        ),
        (
            "Diabetes with renal complications",
            "Diabetes with kidney complications",
            "Diabetes",
            True,
        ),
        ("Unspecified", "Other specified", "", False),
    ],
)
def test_titles_are_alike_only_where_they_mean_much_the_same(one, other, above, like):
    assert like_title(one, other, above, above) == like
    assert like_title(other, one, above, above) == like


@given(st.sampled_from(TITLES), st.sampled_from(TITLES))
def test_likeness_has_no_direction(one, other):
    assert like_title(one, other) == like_title(other, one)
    assert same_title(one, other) == same_title(other, one)
    assert same_title(one, one)
