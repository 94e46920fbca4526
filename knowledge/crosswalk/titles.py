"""Compares titles of one code in two editions of ICD-10: the same words, like words, or others.

Editions differ in spelling, order and small words. That a title shares most of its words with
another is a sign of the same content only where nothing is affirmed in one and negated in the
other, and the same numbers stand in both.
"""

import re
import unicodedata
from functools import lru_cache

from knowledge.synonyms import american_spelling

_WORD = re.compile(r"[a-z]+|\d+")
# What restricts nothing: ICD puts synonyms and nonessential modifiers in brackets.
_NO_RESTRICTION = re.compile(r"\([^)]*\)|\[[^]]*\]|with or without [^,;]*|not elsewhere classified")
# Words that editions add or leave out at will.
_SMALL = frozenset(
    "a an and any as at by due disease disorder for from in of on or other specified the to "
    "unspecified with".split()
)
_SAME = {"renal": "kidney", "lesion": "site"}  # the one word in one edition, the other in the other
_LIKE = 0.5  # share of common words, set by hand on the titles of the codes in both editions


def same_title(one: str, other: str) -> bool:
    """Tell whether two titles are the same but for spelling, punctuation and plural."""
    return _words(one) == _words(other)


def like_title(one: str, other: str, above_one: str = "", above_other: str = "") -> bool:
    """Tell whether two titles of the same code say much the same.

    At least half of their words are common, or all words of the shorter one are in the longer one;
    and neither affirms what the other negates, nor do they name different numbers. The same holds
    for what they add to the titles above them: it is there that ``E11.0`` means coma in one edition
    and hyperosmolarity in the other.

    Args:
        one: Title in the one edition.
        other: Title in the other.
        above_one: Title of the code above in the one edition.
        above_other: Title of the code above in the other.
    """
    first, second = _content(one), _content(other)
    if _contradict(first, second) or not _overlap(first, second):
        return False
    added, added_other = first - _content(above_one), second - _content(above_other)
    return not added or not added_other or _overlap(added, added_other)


def _overlap(first: frozenset[str], second: frozenset[str]) -> bool:
    common = len(first & second)
    return common > 0 and common >= min(len(first | second) * _LIKE, len(first), len(second))


def _contradict(first: frozenset[str], second: frozenset[str]) -> bool:
    numbers = [{word for word in words if word.isdigit()} for words in (first, second)]
    if all(numbers) and numbers[0] != numbers[1]:
        return True
    pairs = ((first, second), (second, first))
    return any(f"!{word}" in negating for affirming, negating in pairs for word in affirming)


@lru_cache(maxsize=4096)
def _words(title: str) -> tuple[str, ...]:
    letters = unicodedata.normalize("NFKD", title.lower())
    text = "".join(c for c in letters if not unicodedata.combining(c))
    text = text.replace("(s)", "s").replace("'s ", " ")
    words = (american_spelling(word) for word in _WORD.findall(text))
    return tuple(_singular(word) for word in words)


@lru_cache(maxsize=4096)
def _content(title: str) -> frozenset[str]:
    """Return the words that carry meaning; what is negated carries a mark."""
    found: set[str] = set()
    next_negated = rest_negated = False
    for word in _words(_NO_RESTRICTION.sub(" ", title.lower())):
        if word == "non":
            next_negated = True
        elif word in ("without", "no"):
            rest_negated = True
        elif word not in _SMALL:
            meant = _SAME.get(word, word)
            found.add(f"!{meant}" if next_negated or rest_negated else meant)
            next_negated = False
    return frozenset(found)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
