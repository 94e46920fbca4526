"""Cues in the words around a circumstance (``data/circumstance_cues.yaml``), compiled on demand."""

import re
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, RootModel

from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "circumstance_cues.yaml"


class _Cue(BaseModel):
    """One cue: a border, one of the alternatives, a border."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start: str = r"\b"
    any: list[str] = Field(min_length=1)
    end: str = r"\b"

    def pattern(self) -> re.Pattern[str]:
        return re.compile(f"{self.start}(?:{'|'.join(self.any)}){self.end}", re.I)


class _File(RootModel[dict[str, dict[str, _Cue]]]):
    """Cues by reader and name."""


@cache
def _cues() -> dict[tuple[str, str], re.Pattern[str]]:
    file = _File.model_validate(read_yaml(_DATA)).root
    return {
        (reader, name): cue.pattern() for reader, cues in file.items() for name, cue in cues.items()
    }


def cue(reader: str, name: str) -> re.Pattern[str]:
    """Return the pattern of a cue.

    Args:
        reader: The reader of circumstances that uses it.
        name: Its name there.

    Raises:
        KeyError: If the file has no such cue.
        ValueError: If the file repeats a key or breaks its schema.
    """
    return _cues()[reader, name]
