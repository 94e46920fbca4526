"""English words that are the Spanish word in another spelling.

Most medical words of both languages are one Greek or Latin word: "feocromocitoma" is
"pheochromocytoma", "cardiopatía" is "cardiopathy". A key that both spellings share finds the one
from the other: letters that sound alike become one letter, endings of gender, number and part of
speech go.
"""

import re
from collections import Counter
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from indexes.spanish import unaccented

_LEAST_LETTERS = 5
_LEAST_KEY = 4
_LEAST_FUZZY_KEY = 8
_SPANISH = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"^es(?=[cpqt])", "s"),
        (r"(?:ion)es$", "ion"),
        (r"(?<=[lnrd])es$|(?<=[aeou])s$", ""),
        (r"idad$", "id"),
        (r"qu", "c"),
        (r"j(?=[ei])", "g"),
        (r"nm", "m"),
        (r"ll", "l"),
        (r"ad[ao]$", "ad"),
    )
)
_ENGLISH = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"(?:us|um)$|(?<![ius])s$", ""),
        (r"tion(?:s|al)?$", "cion"),
        (r"ated?$", "ad"),
        (r"it(?:y|ies)$", "id"),
        (r"ical$", "ic"),
        (r"ous$", "os"),
        (r"rrh", "r"),
    )
)
_BOTH = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"^h(?=[aeiou])", ""),
        (r"^p(?=[nst])", ""),
        (r"ph", "f"),
        (r"(?<=[crt])h", ""),
        (r"ck?|k|z", "c"),
        (r"[ao]e", "e"),
        (r"y", "i"),
        (r"tras(?=[a-z])", "trans"),
        (r"subs", "sus"),
        (r"(.)\1+", r"\1"),
        (r"(?<!i)[aeiou]+$|i[ao]?$", ""),
    )
)


class Cognates:
    """Finds the English word of a Spanish one.

    Args:
        words: English words, each as often as it occurs; of words with one key the most frequent
            counts.
    """

    def __init__(self, words: Iterable[str]) -> None:
        counts = Counter(w for w in words if len(w) >= _LEAST_LETTERS and w.isalpha())
        self._words: dict[str, str] = {}
        for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            self._words.setdefault(_key(word, _ENGLISH), word)
        self._by_onset: dict[str, list[str]] = {}
        for key in self._words:
            self._by_onset.setdefault(key[:3], []).append(key)

    def english(self, word: str) -> str | None:
        """Return the English word; None where there is none, or the word is too short to tell."""
        plain = unaccented(word)
        if len(plain) < _LEAST_LETTERS or not plain.isalpha():
            return None
        key = _key(plain, _SPANISH)
        if len(key) < _LEAST_KEY:
            return None
        return self._words.get(key) or self._nearest(key)

    def _nearest(self, key: str) -> str | None:
        """Return the word whose key is one edit away, beyond its first three letters."""
        if len(key) < _LEAST_FUZZY_KEY:
            return None
        hit = process.extractOne(
            key,
            self._by_onset.get(key[:3], ()),
            scorer=DamerauLevenshtein.distance,
            score_cutoff=1,
        )
        return self._words[hit[0]] if hit else None


def _key(word: str, rules: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, form in (*rules, *_BOTH):
        word = pattern.sub(form, word)
    return word
