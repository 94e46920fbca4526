"""The languages of notes, and which one a note is written in.

A note is told by its function words, which are the commonest words of any text; in a telegraphic
note that has none ("HTA. Neumonía.") the endings of its words tell. The lists are in
``data/function_words.yaml``; languages that notes cannot be coded in are among them, so that a note
in one of those is refused instead of misread.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from knowledge.errors import UserError
from knowledge.strict_yaml import read_yaml

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "en"

_DATA = Path(__file__).parent / "data" / "function_words.yaml"
_NAMES = {
    "en": "English",
    "es": "Spanish",
    "pt": "Portuguese",
    "ca": "Catalan",
    "fr": "French",
    "it": "Italian",
    "de": "German",
}
_WORD = re.compile(r"[^\W\d_]+")
_READ_CHARACTERS = 20_000  # enough to tell; a long note is not read to its end
# Function words that a foreign note must have, and how many times those of English or Spanish.
_LEAST_FOREIGN = 6
_FOREIGN_LEAD = 1.3


class _Marks(NamedTuple):
    """What marks a language: function words, and endings of other words."""

    words: frozenset[str]
    endings: tuple[str, ...]


def detect_language(text: str, where: str = "the note") -> Language:
    """Return the language that a note is written in; English where nothing tells.

    Args:
        text: The note.
        where: What the note is called in the error.

    Raises:
        UserError: It is plainly written in a language that notes cannot be coded in.
    """
    counts = _counts(text)
    known: Language = max(LANGUAGES, key=lambda language: (counts[language], language == "en"))
    foreign = max(
        _marks().keys() - set(LANGUAGES), key=lambda language: (counts[language], language)
    )
    if counts[foreign] >= max(_LEAST_FOREIGN, _FOREIGN_LEAD * counts[known]):
        allowed = " or ".join(f"{_NAMES[language]} ({language})" for language in LANGUAGES)
        raise UserError(
            f"{where} seems to be written in {_NAMES[foreign]}; notes are coded in {allowed}.",
            fix="if it is in one of these, say so: --language en or --language es",
        )
    return known


def _counts(text: str) -> Counter[str]:
    """Count the words of each language; endings count where there are few function words."""
    words = Counter(word.lower() for word in _written_out(text[:_READ_CHARACTERS]))
    found: Counter[str] = Counter()
    for language, marks in _marks().items():
        found[language] = sum(n for word, n in words.items() if word in marks.words)
    if max(found.values()) < _LEAST_FOREIGN:
        for language, marks in _marks().items():
            found[language] += sum(n for word, n in words.items() if word.endswith(marks.endings))
    return found


def _written_out(text: str) -> list[str]:
    """Return the words without abbreviations in capitals: "OS" is an eye, not Portuguese.

    In a note that is in capitals throughout, capitals say nothing.
    """
    words = _WORD.findall(text)
    small = [word for word in words if not word.isupper()]
    return small if len(small) > len(words) / 2 else words


@cache
def _marks() -> dict[str, _Marks]:
    data = cast(dict[str, dict[str, object]], read_yaml(_DATA))
    if set(data) != {"words", "endings"} or set(data["words"]) != set(_NAMES):
        raise ValueError(f"{_DATA.name}: expected words of {', '.join(_NAMES)}, and endings")
    endings = cast(dict[str, list[str]], data["endings"])
    return {
        language: _Marks(frozenset(str(words).split()), tuple(endings.get(language, ())))
        for language, words in data["words"].items()
    }
