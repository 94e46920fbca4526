"""Main terms as coders phrase them, with their default codes, and British spellings.

``data/synonyms.yaml`` is a seed of our own: wordings that code titles and inclusion terms do not
give literally. It is not the official Alphabetic Index. A fracture or another injury carries the
code without its 7th character, which the encounter decides (guideline I.C.19.a).
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "synonyms.yaml"


@dataclass(frozen=True, slots=True)
class Synonym:
    """A phrase and the ICD-10-CM code it takes when nothing more is documented (I.A.18).

    Attributes:
        phrase: Lower-case words in American spelling, single spaces.
        code: Dotted ICD-10-CM code, for injuries without the 7th character.
        group: The topic under which the file lists it, for example ``"circulatory"``.
    """

    phrase: str
    code: str
    group: str


@dataclass(frozen=True, slots=True)
class SpellingRule:
    """A substitution that turns a British token into its American form.

    Attributes:
        pattern: Regular expression searched in a lower-case token.
        replacement: What every match becomes.
    """

    pattern: re.Pattern[str]
    replacement: str


class _Rule(BaseModel):
    """One item of ``spelling`` as the file writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    british: str
    american: str


class _File(BaseModel):
    """The whole of ``synonyms.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    terms: dict[str, dict[str, str]]
    spelling: list[_Rule]


@cache
def _file() -> _File:
    return _File.model_validate(read_yaml(_DATA))


@cache
def load_synonyms() -> tuple[Synonym, ...]:
    """Return the seed terms in file order.

    Raises:
        ValueError: If a phrase stands in two groups or the file breaks its schema.
    """
    rows = [
        Synonym(phrase, code, group)
        for group, terms in _file().terms.items()
        for phrase, code in terms.items()
    ]
    phrases = [row.phrase for row in rows]
    if len(set(phrases)) < len(phrases):
        repeated = sorted({phrase for phrase in phrases if phrases.count(phrase) > 1})
        raise ValueError(f"phrases listed in two groups: {', '.join(repeated)}")
    return tuple(rows)


@cache
def load_spelling_rules() -> tuple[SpellingRule, ...]:
    """Return the British-to-American rules in the order in which they apply."""
    return tuple(SpellingRule(re.compile(r.british), r.american) for r in _file().spelling)


def american_spelling(token: str) -> str:
    """Return ``token`` in American spelling.

    Args:
        token: One lower-case word.

    Returns:
        The token after every rule, unchanged where none fits. Its length may differ, so keep the
        offsets of the token as written.
    """
    for rule in load_spelling_rules():
        token = rule.pattern.sub(rule.replacement, token)
    return token
