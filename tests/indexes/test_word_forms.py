import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.tokens import text_stems
from indexes.word_forms import variants, with_forms

WORDS = st.lists(
    st.sampled_from(["kidney", "malignant", "neoplasm", "failure", "bronchus", "lung", "left"]),
    min_size=1,
    max_size=6,
    unique=True,
)


@pytest.mark.parametrize(
    ("title", "note"),
    [
        ("acute kidney failure", "acute renal failure"),
        ("malignant neoplasm of bronchus or lung", "lung cancer"),
        ("cellulitis of left lower limb", "left leg cellulitis"),
        ("hemorrhage of rectum", "rectal bleeding"),
    ],
)
def test_a_title_is_found_in_the_words_of_a_note(title, note):
    assert text_stems(note) in set(variants(text_stems(title)))


def test_the_part_does_not_widen_to_the_whole():
    assert text_stems("cellulitis of lower limb") not in set(variants(text_stems("leg cellulitis")))


@given(WORDS)
def test_each_variant_is_new_and_comes_once(words):
    stems = text_stems(" ".join(words))
    found = list(variants(stems))
    assert stems not in found
    assert len(found) == len(set(found))


@given(WORDS)
def test_forms_are_added_behind_the_words_as_written(words):
    stems = sorted(text_stems(" ".join(words)))
    found = with_forms(stems)
    assert found[: len(stems)] == stems
    assert len(found) == len(set(found))
