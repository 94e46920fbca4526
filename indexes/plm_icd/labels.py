"""The label space of a PLM-ICD model: the codes it can assign and the levels above them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from knowledge.code_systems.base import CodeSystem


@dataclass(frozen=True)
class LabelSpace:
    """Codes with their categories and chapters, each level in alphabetic order.

    Attributes:
        codes: Codes as the data set writes them.
        titles: A title for each code, from the code system or its nearest ancestor there.
        chapter_names: The chapter of each code.
    """

    codes: tuple[str, ...]
    titles: tuple[str, ...]
    chapter_names: tuple[str, ...]

    @classmethod
    def of(cls, codes: Iterable[str], system: CodeSystem) -> Self:
        """Return the label space of a set of codes."""
        ordered = tuple(sorted(set(codes)))
        known = [_nearest_entry(system, code) for code in ordered]
        return cls(ordered, tuple(title for title, _ in known), tuple(name for _, name in known))

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each code."""
        return {code: number for number, code in enumerate(self.codes)}

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The categories of the codes, each once."""
        return tuple(sorted({category_of(code) for code in self.codes}))

    @cached_property
    def chapters(self) -> tuple[str, ...]:
        """The chapters of the codes, each once."""
        return tuple(sorted(set(self.chapter_names)))

    @cached_property
    def category_positions(self) -> Sequence[int]:
        """For each code the position of its category."""
        places = {category: number for number, category in enumerate(self.categories)}
        return [places[category_of(code)] for code in self.codes]

    @cached_property
    def chapter_positions(self) -> Sequence[int]:
        """For each code the position of its chapter."""
        places = {chapter: number for number, chapter in enumerate(self.chapters)}
        return [places[chapter] for chapter in self.chapter_names]


def category_of(code: str) -> str:
    """Return the part of a code before its dot, which names the category in every ICD."""
    return code.partition(".")[0]


def _nearest_entry(system: CodeSystem, code: str) -> tuple[str, str]:
    """Return title and chapter of a code or of the longest of its prefixes that exists."""
    for length in range(len(code), 0, -1):
        prefix = code[:length].rstrip(".")
        if prefix in system:
            entry = system.get(prefix)
            return entry.title, entry.chapter
    return code, code[:1]
