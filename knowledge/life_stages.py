"""Which code a condition takes in pregnancy or in a newborn (``data/life_stages.yaml``)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from knowledge.code_prefixes import expand, longest_match
from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "life_stages.yaml"

LifeStage = Literal["pregnancy", "newborn"]


class _Stage(BaseModel):
    """One stage of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    citation: str
    codes: dict[str, str]


@cache
def _stages() -> Mapping[LifeStage, _Stage]:
    return TypeAdapter(dict[LifeStage, _Stage]).validate_python(read_yaml(_DATA))


@cache
def _by_prefix(stage: LifeStage) -> Mapping[str, str]:
    groups = _stages()[stage].codes.items()
    return {prefix: target for group, target in groups for prefix in expand([group])}


def code_in_stage(stage: LifeStage, code: str) -> str | None:
    """Return the code, often of a group, that a condition takes in a stage of life; None if none.

    Args:
        stage: The stage.
        code: The code of the condition otherwise.
    """
    codes = _by_prefix(stage)
    prefix = longest_match(code, codes)
    return codes[prefix] if prefix else None
