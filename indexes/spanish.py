"""Stems of Spanish words.

Stems come from the Snowball Spanish stemmer (through PyStemmer). It reads accents as part of an
ending ("neumonía", but "neumonia" where the writer left it out), so accents and a final "i" go:
clinical notes are written with and without them.
"""

import functools
import re
import threading
import unicodedata

import Stemmer

from indexes.tokens import Stemming, Token

# Words that carry no clinical meaning by themselves; "sin", "no" and "con" are not among them:
# "migraña sin aura" and "migraña con aura" are different codes.
STOP_WORDS = frozenset(
    """a al algo algún alguna algunas alguno algunos ante aquel aquella así aunque cada como cual
    cuales cualquier cuando cuya cuyo de del desde donde durante e el ella ellas ellos en entre era
    eran es esa esas ese eso esos esta está están estas este esto estos fue fueron ha había habían
    han hasta hay la las le les lo los más mediante mientras mismo misma muy ni nos o otra otras
    otro otros para pero por porque que qué se sea según ser si sido siendo sobre son su sus también
    tan tanto te tras u un una unas uno unos y ya""".split()
)
_ROMAN_AFTER = frozenset({"tipo", "estadio", "estadío", "grado", "clase", "grupo"})
_LETTER_AFTER = _ROMAN_AFTER | {"hepatitis", "vitamina", "factor", "influenza", "virus"}

# Letters that writers leave out or take over from other languages.
_SPELLINGS = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"^ps", "s"),
        (r"^trans(?=[fp])", "tras"),
        (r"ph", "f"),
        (r"([bcdfgjkmpqstvxz])\1", r"\1"),
    )
)

# A Snowball stemmer keeps a buffer of its own and must not be shared between threads.
_local = threading.local()


def unaccented(word: str) -> str:
    """Return a word in lower case without accents; "ñ" becomes "n"."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return the stem of one word, lower-cased and without accents."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("spanish")
    plain = unaccented(str(_local.stemmer.stemWord(word.lower())))
    for pattern, form in _SPELLINGS:
        plain = pattern.sub(form, plain)
    return plain.removesuffix("i") if len(plain) > 4 else plain


_SPANISH = Stemming(stem, STOP_WORDS, _ROMAN_AFTER, _LETTER_AFTER)


def token_stems(tokens: list[Token]) -> list[str | None]:
    """Return the stem of each token of Spanish text; see `Stemming.token_stems`."""
    return _SPANISH.token_stems(tokens)
