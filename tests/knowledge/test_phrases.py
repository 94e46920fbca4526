import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.phrases import PhraseTree, expand_template, phrase_tokens

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=6), min_size=1, max_size=6)


def find(tree, text):
    tokens = phrase_tokens(text)
    return [(at, *found) for at in range(len(tokens)) if (found := tree.longest(tokens, at))]


@pytest.mark.parametrize(
    ("template", "phrases"),
    [
        ("fall", ["fall"]),
        ("(total |) hip", ["total  hip", " hip"]),
        ("a (b|c (d|e))", ["a b", "a b", "a c d", "a c e"]),
    ],
)
def test_a_template_expands_to_each_alternative(template, phrases):
    assert sorted(expand_template(template)) == sorted(phrases)


@pytest.mark.parametrize(
    ("template", "text", "found"),
    [
        ("fell ~ ladder", "fell off a tall ladder", (0, 5, 1)),
        ("fell ~ ladder", "Fell ladder", (0, 2, 1)),
        ("fell ~ ladder", "fell one two three four ladder", None),
        ("fell ~ ladder", "fell. Ladder", None),
        ("{kin} with gout", "twin sister with gout", (0, 4, 1)),
        ("s/p", "S/P bypass", (0, 1, 1)),
    ],
)
def test_gaps_take_words_and_no_punctuation(template, text, found):
    tree = PhraseTree({"kin": "(mother|twin sister)"})
    tree.add(template, 1)
    assert find(tree, text)[:1] == ([found] if found else [])


def test_the_longest_phrase_wins_and_a_phrase_keeps_its_value():
    tree = PhraseTree({})
    tree.add("hip", "short")
    tree.add("hip replacement", "long")
    tree.add("hip", "later")
    assert find(tree, "hip replacement, hip") == [(0, 2, "long"), (3, 4, "short")]


@given(WORDS, WORDS)
def test_a_phrase_is_found_wherever_it_stands(phrase, around):
    tree = PhraseTree({})
    tree.add(" ".join(phrase), True)
    text = " ".join([*around, *phrase])
    ends = [end for _, end, _ in find(tree, text)]
    assert len(around) + len(phrase) in ends


@given(st.text(max_size=80))
def test_offsets_give_back_the_words(text):
    for token in phrase_tokens(text):
        assert text[token.start : token.end].lower().replace("’", "'") == token.text
