"""Clinical abbreviations and what they stand for (``data/abbreviations*.yaml``).

Only the list and its meaning live here; finding abbreviations in a note is the work of the
generators in ``indexes``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from knowledge.language import Language
from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data"
_FILES: Mapping[Language, Path] = {
    "en": _DATA / "abbreviations.yaml",
    "es": _DATA / "abbreviations_es.yaml",
}
_ALWAYS_CASE_SENSITIVE_LENGTH = 2


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """One reading of an abbreviation; an ambiguous one has a row for each reading.

    Attributes:
        short: The abbreviation as it is usually written, for example ``"T2DM"``.
        expansion: Its reading in lower case, proper names excepted.
        ambiguous: True where the same letters often mean something else, listed here or not: only
            the context (section, neighbouring words) justifies this reading.
        case_sensitive: True where other casings of ``short`` are not the abbreviation, as for
            ``"AS"`` and the word "as".
    """

    short: str
    expansion: str
    ambiguous: bool
    case_sensitive: bool


class _Entry(BaseModel):
    """The long form of a YAML value; the short form is the expansion alone."""

    model_config = ConfigDict(extra="forbid", strict=True)

    expansions: list[str] = Field(min_length=1)
    ambiguous: bool = False
    case_sensitive: bool | None = None


class _File(BaseModel):
    """The whole file: groups of abbreviations, so that a reviewer finds them by topic."""

    model_config = ConfigDict(extra="forbid", strict=True)

    groups: dict[str, dict[str, str | _Entry]]


def _rows(short: str, value: str | _Entry) -> list[Abbreviation]:
    """Return a row for each reading of ``short``.

    One or two letters are case sensitive unless the entry says otherwise: in lower case they are
    more often a word, a unit or part of a dose.
    """
    entry = _Entry(expansions=[value]) if isinstance(value, str) else value
    sensitive = entry.case_sensitive
    if sensitive is None:
        sensitive = short.isalpha() and len(short) <= _ALWAYS_CASE_SENSITIVE_LENGTH
    ambiguous = entry.ambiguous or len(entry.expansions) > 1
    return [Abbreviation(short, expansion, ambiguous, sensitive) for expansion in entry.expansions]


@cache
def load_abbreviations(language: Language = "en") -> tuple[Abbreviation, ...]:
    """Return every reading of every abbreviation, in file order, the usual reading first.

    Those of Spanish notes are read in English; fixed wordings are among them.

    Args:
        language: Of the notes.

    Raises:
        ValueError: If the file names an abbreviation twice or breaks its schema.
    """
    groups = _File.model_validate(read_yaml(_FILES[language])).groups
    shorts = [short for group in groups.values() for short in group]
    repeated = sorted({short for short in shorts if shorts.count(short) > 1})
    if repeated:
        raise ValueError(f"abbreviations listed in two groups: {', '.join(repeated)}")
    return tuple(
        row
        for group in groups.values()
        for short, value in group.items()
        for row in _rows(short, value)
    )
