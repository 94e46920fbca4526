"""Tokens and stems: the one normalisation that terms and notes share.

Stems come from the Snowball English stemmer (Porter 2001, through PyStemmer); British spellings
are turned into American ones first, by the rules of ``knowledge/data/synonyms.yaml``, since
ICD-10-CM is written in American English. The stemmer knows no medicine: it leads "prostatitis" and
"prostatic" to one stem, and "anemia" and "anemic" to two. A few rules of word formation mend both.
"""

import functools
import re
import threading
from collections.abc import Callable
from typing import NamedTuple

import Stemmer

from knowledge.synonyms import american_spelling

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:\.\d+)?|[^\w\s]")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_ROMAN_AFTER = frozenset({"type", "stage", "grade", "class"})
# After these a single letter is a name, not an article: hepatitis A, vitamin A.
_LETTER_AFTER = _ROMAN_AFTER | {"hepatitis", "vitamin", "group", "factor", "influenza", "virus"}

# Words that carry no clinical meaning by themselves. "without", "no" and "not" are not among
# them: "migraine without aura" and "migraine with aura" are different codes.
STOP_WORDS = frozenset(
    """a an and any are as at be been by classified described due elsewhere etc for from has have
    he her his if in into is it its may mention my nos of on or other otherwise our out part
    parts she site sites specified that the their them these they this those to unspecified
    was were when which while who with within you your""".split()
)


class Token(NamedTuple):
    """A word, number or punctuation mark and where it stands in its text."""

    text: str
    start: int
    end: int


def tokenise(text: str) -> list[Token]:
    """Split into words, numbers and single punctuation marks; offsets into ``text``."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


# Greek and Latin inflections of one disease word, which the stemmer leaves apart.
_INFLECTIONS = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"emic$", "emia"),
        (r"oses$", "osis"),
        (r"(cirrh|fibr|necr|psych|scler|sten|thromb)otic$", r"\1osis"),
        (r"metasta(?:ses|tic)$", "metastasis"),
        (r"calculi$", "calculus"),
        (r"emboli$", "embolus"),
        (r"thrombi$", "thrombus"),
        (r"edematous$", "edema"),
    )
)
# An inflammation is not its organ, aldosteronism is more than aldosterone, and an inhalant is no
# inhaler: these words stay whole.
_UNSTEMMED = re.compile(r"(?:itis|alcoholism|aldosteronism|inhalants?)$")

# A Snowball stemmer keeps a buffer of its own and must not be shared between threads.
_local = threading.local()


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return the American-English stem of one word, lower-cased."""
    word = word.lower().replace("’", "'").removesuffix("'s").replace("'", "")
    word = american_spelling(word)
    for pattern, form in _INFLECTIONS:
        word = pattern.sub(form, word)
    if _UNSTEMMED.search(word):
        return word
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    stemmed = str(_local.stemmer.stemWord(word))
    # "overeating" is no form of "over".
    return stemmed if 2 * len(stemmed) >= len(word) else word


class Stemming(NamedTuple):
    """How the tokens of a language become stems.

    Attributes:
        stem: Returns the stem of one word.
        stop_words: Words without clinical meaning, lower case.
        roman_after: Words after which a Roman numeral counts as a number.
        letter_after: Words after which a single letter is no stop word.
    """

    stem: Callable[[str], str]
    stop_words: frozenset[str]
    roman_after: frozenset[str]
    letter_after: frozenset[str]

    def token_stems(self, tokens: list[Token]) -> list[str | None]:
        """Return the stem of each token, None for stop words and punctuation."""
        stems: list[str | None] = []
        previous = ""
        for token in tokens:
            word = token.text.lower()
            if word in _ROMAN and previous in self.roman_after:
                stems.append(_ROMAN[word])
            elif len(word) == 1 and word.isalpha() and previous in self.letter_after:
                stems.append(word)
            elif word in self.stop_words or not word[0].isalnum():
                stems.append(None)
            else:
                stems.append(self.stem(word))
            previous = word
        return stems


# Elsewhere a Roman numeral is none, so that an intravenous "IV" stays one.
_ENGLISH = Stemming(stem, STOP_WORDS, _ROMAN_AFTER, _LETTER_AFTER)


def token_stems(tokens: list[Token]) -> list[str | None]:
    """Return the stem of each token of English text; see `Stemming.token_stems`."""
    return _ENGLISH.token_stems(tokens)


def text_stems(text: str) -> frozenset[str]:
    """Return the stems of a text, stop words dropped."""
    return frozenset(s for s in token_stems(tokenise(text)) if s)
