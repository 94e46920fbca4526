"""The configuration of a run: what data, which systems, and which of them is the baseline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.result import Policy
from agent.settings import Settings
from knowledge.errors import UserError
from knowledge.strict_yaml import read_yaml

_FIX = "see docs/evaluation.md for the keys of a configuration"
# A system's name is a folder name too.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _System(_Part):
    notes: int | None = Field(default=None, ge=2, description="Only the first notes; all if none.")


class AgentSystem(_System):
    """The agent workflow, whole or without some of its parts."""

    kind: Literal["agent"]
    llm: str = "none"
    policy: Policy = "guidelines"
    settings: Settings = Field(default_factory=Settings)


class PLMSystem(_System):
    """PLM-ICD alone."""

    kind: Literal["plm-icd"]
    model: Path | None = Field(default=None, description="Folder of an exported model.")


class TreeSearchSystem(_System):
    """An LLM alone that walks down the tree of codes."""

    kind: Literal["tree-search"]
    llm: str = "builtin"
    calls: int = Field(default=50, ge=1, description="LLM calls for one note, at most.")


class PredictionsSystem(_Part):
    """Predictions that another program made; they are scored, their cost is not known."""

    kind: Literal["predictions"]
    path: Path


System = Annotated[
    AgentSystem | PLMSystem | TreeSearchSystem | PredictionsSystem, Field(discriminator="kind")
]


class Data(_Part):
    """The data sets, each a JSONL as ``icd-agent data prepare`` writes it."""

    report: Path = Field(description="Figures are reported on it; nothing may be chosen on it.")
    train: Path | None = Field(default=None, description="What the systems learned from.")
    tune: Path | None = Field(default=None, description="What settings are chosen on.")


class RunConfig(_Part):
    """One run."""

    name: str = Field(min_length=1)
    data: Data
    baseline: Name
    systems: Mapping[Name, System] = Field(min_length=1)
    prices: Path | None = Field(default=None, description="Prices of LLM tokens and machines.")


def read_config(path: Path) -> RunConfig:
    """Read a configuration; paths in it are relative to its folder.

    Raises:
        UserError: It cannot be read, is no YAML, or holds a key or value that there is not.
    """
    try:
        raw = read_yaml(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix=_FIX) from error
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}.", fix=_FIX) from error
    try:
        config = RunConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(f"{path}, {where}: {first['msg']}.", fix=_FIX) from error
    if config.baseline not in config.systems:
        raise UserError(
            f"{path}, baseline: {config.baseline!r} is none of the systems "
            f"{', '.join(config.systems)}.",
            fix="name one of them",
        )
    return _anchored(config, path.parent)


def _anchored(config: RunConfig, folder: Path) -> RunConfig:
    """Return a configuration whose paths do not depend on the working folder."""

    def walk(value: Any) -> Any:  # noqa: ANN401 (any field of a model)
        if isinstance(value, Path):
            return (folder / value.expanduser()).resolve()
        if isinstance(value, BaseModel):
            changed = {name: walk(getattr(value, name)) for name in type(value).model_fields}
            return value.model_copy(update=changed)
        if isinstance(value, Mapping):
            return {name: walk(part) for name, part in value.items()}
        return value

    anchored: RunConfig = walk(config)
    return anchored
