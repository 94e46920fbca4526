import re

from knowledge.synonyms import american_spelling
from knowledge.word_forms import WordForm, load_word_forms


def test_organs_are_alike_in_both_directions():
    forms = load_word_forms()
    assert WordForm("kidney", "renal") in forms
    assert WordForm("renal", "kidney") in forms


def test_a_plainer_wording_stands_for_a_title_but_not_the_reverse():
    forms = load_word_forms()
    assert WordForm("lower limb", "leg") in forms
    assert WordForm("leg", "lower limb") not in forms


def test_words_are_lower_case_and_in_american_spelling():
    words = {word for f in load_word_forms() for word in re.findall(r"\S+", f.written + f.instead)}
    assert all(word == word.lower() for word in words)
    assert sorted(w for w in words if american_spelling(w) != w) == []
