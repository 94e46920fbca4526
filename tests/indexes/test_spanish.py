import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.language import ENGLISH, SPANISH, word_forms
from indexes.tokens import text_stems


@pytest.mark.parametrize(
    "words",
    [
        "neumonía neumonia neumonías NEUMONÍA",
        "infección infeccion infecciones",
        "hepático hepática hepáticos",
        "anemia anémico anémica",
        "psoriasis soriasis",
        "adenopatía adenopatías",
        "vómito vómitos",
    ],
)
def test_forms_of_one_word_have_one_stem(words):
    assert len({SPANISH.stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize("words", ["hepatitis hepático", "tos tórax", "riñón riñonera", "con sin"])
def test_different_words_keep_different_stems(words):
    first, second = words.split()
    assert SPANISH.stem(first) != SPANISH.stem(second)


def test_stop_words_go_and_negations_stay():
    stems = SPANISH.text_stems("El dolor de la rodilla sin fractura y con derrame, no fiebre")
    assert {"sin", "con", "no"} < stems
    assert not {"el", "la", "de", "y"} & stems


def test_roman_numerals_are_numbers_after_type_and_stage_only():
    assert SPANISH.text_stems("diabetes tipo II") == SPANISH.text_stems("diabetes tipo 2")
    assert "iv" in SPANISH.text_stems("amoxicilina IV")


def test_english_is_as_it_was():
    text = "Type II diabetes without complications"
    assert ENGLISH.text_stems(text) == text_stems(text)
    assert word_forms("en") is ENGLISH
    assert word_forms("es") is SPANISH


@given(st.text(alphabet="abcdefghijlmnñopqrstuvzáéíóúü", min_size=1, max_size=20))
def test_case_does_not_matter_and_no_stem_is_accented(word):
    assert SPANISH.stem(word.upper()) == SPANISH.stem(word)
    assert not set(SPANISH.stem(word)) & set("áéíóúüñ")
