"""Axes on which sibling codes differ, and which of them the title of a code leaves open.

"Pain in unspecified hip" and "Pain in right hip" are one condition that differs in its side alone.
A title is read as the condition without the words of any axis, and the value that it names on each
axis. What the axes are, and how titles name their values, is data (``knowledge/data/axes.yaml``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "axes.yaml"
_BRACKETED = re.compile(r"\([^)]*\)|\[[^\]]*\]")
# How titles say that they leave something open.
_OPEN = re.compile(
    r"\bnot specified(?: as acute or chronic)?\b"
    r"|\bunspecified (?:whether|as to)\b[^,]*"
    r"|\bunspecified (?:severity|stage|type|trimester)\b"
    r"|\bunspecified\b"
)
_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*")
_BILATERAL = "bilateral"
_EMPTY_WORDS = frozenset("a an and in of or the unilateral".split())


class Axis(BaseModel):
    """One way in which codes of the same condition differ; an entry of the data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axis: str
    """Its name."""
    question: str
    """What is to be asked of it, without a hint at any value."""
    citation: str
    """Guideline section that asks for the detail."""
    values: dict[str, list[str]] = Field(min_length=2)
    """Value to the patterns by which titles name it."""
    stated: list[str] = []
    """Patterns of notes that settle it whatever the code says."""
    default: str | None = None
    """Value that a code bears where the note is silent."""
    across: dict[str, list[str]] = {}
    """Prefixes of codes in other categories that belong to the same choice, by open code."""

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple(
            (value, re.compile(rf"\b(?:{'|'.join(names)})\b"))
            for value, names in self.values.items()
        )

    @cached_property
    def _stated(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self.stated), re.IGNORECASE) if self.stated else None

    def take(self, title: str) -> tuple[str | None, str]:
        """Return the value that a lower-case title names, and the title without its words."""
        for value, pattern in self._patterns:
            rest, found = pattern.subn(" ", title)
            if found:
                return value, rest
        return None, title

    def named_in(self, text: str) -> frozenset[str]:
        """Return the values that a text names, by the patterns for titles."""
        text = " ".join(text.lower().split())
        return frozenset(value for value, pattern in self._patterns if pattern.search(text))

    def is_stated(self, text: str) -> bool:
        """Tell whether words of a note settle the axis."""
        return self._stated is not None and self._stated.search(text) is not None

    def others(self, code: str) -> tuple[str, ...]:
        """Return the prefixes of codes that belong to the same choice, besides the category."""
        for prefix, beside in self.across.items():
            if code.startswith(prefix):
                return tuple(beside)
        return ()


class AxisOption(NamedTuple):
    """A value of an axis and the code that names it."""

    value: str
    code: str


@dataclass(frozen=True, slots=True)
class OpenAxis:
    """An axis that a code leaves open, with a code for each value that exists.

    Attributes:
        axis: The axis.
        options: In the order of their codes; at least two.
    """

    axis: Axis
    options: tuple[AxisOption, ...]


class _Reading(NamedTuple):
    """A title taken apart: the words of the condition, its values, whether it says it is open."""

    condition: tuple[str, ...]
    values: Mapping[str, str]
    says_open: bool


@cache
def load_axes() -> tuple[Axis, ...]:
    """Return the axes in the order in which they are asked."""
    return tuple(TypeAdapter(list[Axis]).validate_python(read_yaml(_DATA)))


def open_axes(system: ICD10CM, code: str) -> list[OpenAxis]:
    """Return the axes that a billable code leaves open and its siblings do not.

    A sibling is a billable code of the same category, or of those that the axis names beside it,
    with the same condition, the same 7th character and the same value on every other axis.

    Args:
        system: The code system.
        code: A code that exists.
    """
    own = _reading(system, code)
    found = []
    for axis in load_axes():
        named = own.values.get(axis.axis)
        is_open = own.says_open and named is None
        if is_open or (named is not None and named == axis.default):
            options = _options(system, code, own, axis)
            if len(options) > 1:
                found.append(OpenAxis(axis, options))
    return found


def _options(system: ICD10CM, code: str, own: _Reading, axis: Axis) -> tuple[AxisOption, ...]:
    codes: dict[str, str] = {}
    for other in _family(system, code, axis):
        reading = _reading(system, other)
        value = reading.values.get(axis.axis)
        if value is not None and _differ_in(axis, own, reading):
            codes.setdefault(value, other)
    options = (AxisOption(value, code) for value, code in codes.items())
    return tuple(sorted(options, key=lambda option: option.code))


def _differ_in(axis: Axis, own: _Reading, other: _Reading) -> bool:
    """Tell whether two titles differ in an axis alone."""
    first, second = (
        {name: value for name, value in reading.values.items() if name != axis.axis}
        for reading in (own, other)
    )
    if first != second:
        return False
    # Bilateral titles leave the name of the part out: "Otitis media, unspecified, bilateral".
    shortened = other.values[axis.axis] == _BILATERAL and other.condition == own.condition[:-1]
    return other.condition == own.condition or shortened


def _family(system: ICD10CM, code: str, axis: Axis) -> Iterator[str]:
    """Yield the billable codes that may differ from a code in an axis alone, itself included."""
    seventh = _seventh(system, code)
    roots = [code[:3], *(prefix for prefix in axis.others(code) if prefix in system)]
    for root in roots:
        for other in (root, *system.descendants(root)):
            if system.get(other).billable and _seventh(system, other) == seventh:
                yield other


def _seventh(system: ICD10CM, code: str) -> str:
    return "" if system.stem(code) == code else code[-1]


def _reading(system: ICD10CM, code: str) -> _Reading:
    return _read_title(system.get(system.stem(code)).title)


@lru_cache(maxsize=100_000)
def _read_title(title: str) -> _Reading:
    unbracketed = " ".join(_BRACKETED.sub(" ", title.lower()).split())
    plain, says_open = _OPEN.subn(" ", unbracketed)
    values: dict[str, str] = {}
    for axis in load_axes():
        value, plain = axis.take(plain)
        if value is not None:
            values[axis.axis] = value
    words = tuple(w.rstrip("s") for w in _WORD.findall(plain) if w not in _EMPTY_WORDS)
    return _Reading(words, MappingProxyType(values), says_open > 0)
