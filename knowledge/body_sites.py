"""Words of notes for body sites and findings, and the words of code titles that they stand for.

The data (``data/body_sites.yaml``) is of our own making: a heel is part of what titles call the
foot, "renal" is of the kidney, a cut is a laceration.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "body_sites.yaml"


class Reading(NamedTuple):
    """A word of a note and what it may be called in a title.

    Attributes:
        phrase: One to four lower-case words in American spelling.
        titles: What titles say instead; the words of one entry belong together.
    """

    phrase: str
    titles: tuple[str, ...]


class _File(BaseModel):
    """The whole of ``body_sites.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sites: dict[str, list[str]]
    plain: str
    adjectives: dict[str, list[str]]
    findings: dict[str, list[str]]


@cache
def _file() -> _File:
    return _File.model_validate(read_yaml(_DATA))


@cache
def load_readings() -> tuple[Reading, ...]:
    """Return all readings of body sites, adjectives and findings.

    Adjectives are read both ways: "renal" stands for the kidney, and a kidney for "renal".

    Raises:
        ValueError: The file breaks its schema, or a phrase stands in two groups.
    """
    file = _file()
    groups = (file.sites, file.adjectives, file.findings)
    phrases = [phrase for group in groups for phrase in group]
    if doubles := sorted({p for p in phrases if phrases.count(p) > 1}):
        raise ValueError(f"{_DATA.name}: in two groups: {', '.join(doubles)}")
    nouns: dict[str, list[str]] = {}
    for adjective, titles in file.adjectives.items():
        nouns.setdefault(titles[0], []).append(adjective)
    return tuple(
        Reading(phrase, tuple(titles))
        for group in (*groups, nouns)
        for phrase, titles in group.items()
    )


@cache
def site_words() -> frozenset[str]:
    """Return the single words that name a body site, of notes and of titles."""
    file = _file()
    names = [*file.sites, *file.adjectives]
    names += [
        title for group in (file.sites, file.adjectives) for t in group.values() for title in t
    ]
    words = {word for name in names for word in name.split()} - {"of", "the"}
    return frozenset(words.union(file.plain.split()))
