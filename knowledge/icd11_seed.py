"""A small seed of ICD-10 to ICD-11 equivalents, compiled for this project (``icd11_seed.yaml``).

It is no official mapping: it lets common conditions be mapped before the WHO's tables are at hand.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "icd11_seed.yaml"


class SeedRow(NamedTuple):
    """One equivalent: a code of the WHO's ICD-10, and an ICD-11 code with its title."""

    icd10: str
    icd11: str
    title: str


@cache
def load_seed() -> tuple[SeedRow, ...]:
    """Return the seed in file order.

    Raises:
        ValueError: The file breaks its schema.
    """
    groups = TypeAdapter(dict[str, list[SeedRow]]).validate_python(read_yaml(_DATA))
    return tuple(row for rows in groups.values() for row in rows)
