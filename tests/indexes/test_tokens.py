from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from indexes.tokens import stem, token_stems, tokenise


def stems(text):
    return [s for s in token_stems(tokenise(text)) if s]


def test_offsets_point_into_the_text():
    text = "Stage IIIb CKD; no edema (2.5 mg)."
    assert [text[t.start : t.end] for t in tokenise(text)] == [t.text for t in tokenise(text)]


@given(st.text(max_size=200))
def test_tokens_are_ordered_and_disjoint_for_any_text(text):
    tokens = tokenise(text)
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert len(token_stems(tokens)) == len(tokens)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=30))
def test_a_stem_does_not_depend_on_case_and_is_never_empty(word):
    assert stem(word.upper()) == stem(word) != ""


def test_inflections_of_one_disease_share_a_stem():
    for pair in (
        ("anemia", "anaemic"),
        ("oedema", "edematous"),
        ("metastases", "metastatic"),
        ("calculus", "calculi"),
        ("fractured", "fracture"),
    ):
        assert stem(pair[0]) == stem(pair[1]), pair


def test_an_inflammation_is_not_its_organ():
    for disease, organ in (
        ("prostatitis", "prostatic"),
        ("sinusitis", "sinus"),
        ("hepatitis", "hepatic"),
    ):
        assert stem(disease) != stem(organ)


def test_roman_numerals_count_after_type_and_stage_only():
    assert stems("type II diabetes") == stems("type 2 diabetes")
    assert "4" not in stems("IV fluids")


def test_a_letter_after_hepatitis_is_a_name():
    assert "a" in stems("hepatitis A")
    assert "a" not in stems("a headache")
