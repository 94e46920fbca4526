"""How the words of a language become stems: what the learned parts ask of a language.

A part that is made for one language is given its `WordForms`; the default is English
(`indexes.tokens`), Spanish is in `indexes.spanish`.
"""

from collections.abc import Callable
from typing import NamedTuple

from indexes import spanish, tokens
from indexes.tokens import Token, tokenise
from knowledge.language import Language


class WordForms(NamedTuple):
    """The words of one language.

    Attributes:
        language: The language.
        stem: Returns the stem of one word.
        token_stems: Returns the stem of each token, None for stop words and punctuation.
        stop_words: Words without clinical meaning, lower case.
    """

    language: Language
    stem: Callable[[str], str]
    token_stems: Callable[[list[Token]], list[str | None]]
    stop_words: frozenset[str]

    def text_stems(self, text: str) -> frozenset[str]:
        """Return the stems of a text, stop words dropped."""
        return frozenset(s for s in self.token_stems(tokenise(text)) if s)


ENGLISH = WordForms("en", tokens.stem, tokens.token_stems, tokens.STOP_WORDS)
SPANISH = WordForms("es", spanish.stem, spanish.token_stems, spanish.STOP_WORDS)
_FORMS = {forms.language: forms for forms in (ENGLISH, SPANISH)}


def word_forms(language: Language) -> WordForms:
    """Return the word forms of a language."""
    return _FORMS[language]
