"""What the official tables say, as typed records.

Codes stand as the files write them, a trailing hyphen ("more characters are needed") included;
`knowledge.official.codes` leads them to codes of a release.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

NeoplasmColumn: TypeAlias = Literal[
    "primary", "secondary", "in_situ", "benign", "uncertain", "unspecified"
]
DrugColumn: TypeAlias = Literal[
    "accidental", "self_harm", "assault", "undetermined", "adverse_effect", "underdosing"
]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """An entry of the Alphabetic Index or of the external-cause index.

    Attributes:
        path: Main term and subterms down to the entry, without nonessential modifiers.
        modifiers: Nonessential modifiers of the entry itself, as printed in parentheses; whether a
            note holds them does not matter (guideline I.A.7).
        code: Its code; None where it only refers elsewhere or only carries subterms.
        manifestations: Codes printed in brackets after it, to be sequenced second (I.A.13).
        see: The entry to go to instead.
        see_also: The entry to look at besides.
        see_category: A category or subcategory of the tabular list to go to.
        line: Line of the file.
    """

    path: tuple[str, ...]
    modifiers: tuple[str, ...]
    code: str | None
    manifestations: tuple[str, ...]
    see: str | None
    see_also: str | None
    see_category: str | None
    line: int


@dataclass(frozen=True, slots=True)
class NeoplasmRow:
    """A row of the neoplasm table.

    Attributes:
        site: Path of the site, for example ``("breast", "nipple")``; empty for the first row, which
            names no site.
        modifiers: Nonessential modifiers of the row itself.
        codes: Code by behaviour; a behaviour that the table leaves empty is left out.
        see: The row to go to instead.
        see_also: The row to look at besides.
        line: Line of the file.
    """

    site: tuple[str, ...]
    modifiers: tuple[str, ...]
    codes: dict[NeoplasmColumn, str]
    see: str | None
    see_also: str | None
    line: int


@dataclass(frozen=True, slots=True)
class DrugRow:
    """A row of the table of drugs and chemicals.

    Attributes:
        substance: Path of the substance, for example ``("Acid", "acetic")``.
        modifiers: Nonessential modifiers of the row itself.
        codes: Code by circumstance; one that the table leaves empty is left out.
        see: The row to go to instead.
        see_also: The row to look at besides.
        line: Line of the file.
    """

    substance: tuple[str, ...]
    modifiers: tuple[str, ...]
    codes: dict[DrugColumn, str]
    see: str | None
    see_also: str | None
    line: int
