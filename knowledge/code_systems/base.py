"""What every code system offers: a code with its titles, and the tree it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from knowledge.notes import InstructionalNote


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code system: a code, or a block or chapter that groups codes.

    Attributes:
        code: Its identifier in official form, for example ``E11.9``, ``A00-A09`` or ``9``.
        title: Full official title; that of a 7th-character code includes the character's meaning.
        billable: Whether it is complete enough to be reported.
        parent: Identifier of the next entry above; None for a chapter.
        chapter: Number of the chapter it belongs to.
        inclusion_terms: Conditions listed below the title as classified here.
        includes: Its "Includes" notes.
        seventh: Meaning of the 7th character where the code ends in one, else None.
    """

    code: str
    title: str
    billable: bool
    parent: str | None
    chapter: str
    inclusion_terms: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    seventh: str | None = None


class CodeSystem(Protocol):
    """A code system: look-up, tree and instructional notes behind one interface."""

    @property
    def name(self) -> str:
        """Name as printed in results, for example ``ICD-10-CM``."""
        ...

    @property
    def key(self) -> str:
        """Name as given on the command line, for example ``icd10cm``."""
        ...

    @property
    def release(self) -> str:
        """Date from which this release is valid, ``YYYY-MM-DD``.

        Where its publisher names it otherwise, that name: ``2019`` for the WHO's ICD-10.
        """
        ...

    def __contains__(self, code: object) -> bool:
        """Tell whether a code exists, given in official form; groups of codes do not count."""
        ...

    def __hash__(self) -> int:
        """What is computed of a release may be cached by it."""
        ...

    def normalise(self, raw: str) -> str:
        """Bring a code as people type it into official form; see that it has a code's shape."""
        ...

    def get(self, code: str) -> Code:
        """Return a code, block or chapter."""
        ...

    def children(self, code: str) -> tuple[str, ...]:
        """Return the entries one level below, 7th-character codes among them."""
        ...

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the entries above, nearest first."""
        ...

    def notes(self, code: str, *, inherited: bool = True) -> tuple[InstructionalNote, ...]:
        """Return the instructional notes that govern a code, its own first."""
        ...

    def codes(self, *, billable_only: bool = False) -> Iterator[str]:
        """Iterate over all codes in official order."""
        ...
