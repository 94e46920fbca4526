"""Our own US-style notes with argued ICD-10-CM codes, one YAML file a note in `eval/us_notes`.

`eval/us_notes/README.md` tells what the set is and by which conventions it was coded. Odd numbers
are the half to tune on, even numbers the half to report on.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from eval.metrics import CodeSets, MicroScores, micro_scores
from knowledge.dataset_row import Code, DatasetRow, EvidenceSpan
from knowledge.errors import UserError
from knowledge.strict_yaml import DuplicateKeyError, read_yaml

Half = Literal["tune", "report"]
HALVES: tuple[Half, ...] = get_args(Half)
SHIPPED = Path(__file__).parents[1] / "us_notes"

Topic = Literal[
    "abbreviations",
    "adverse_effect",
    "combination",
    "external_cause",
    "family",
    "history",
    "injury",
    "laterality",
    "long_term_drug",
    "misspelling",
    "negation",
    "neoplasm",
    "newborn",
    "poisoning",
    "pregnancy",
    "screening",
    "sequencing",
    "seventh_character",
    "status",
    "symptom_only",
    "uncertainty",
]
_Line = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
_FIX = "mend the file, or install the package anew."


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GoldCode(_Record):
    """A code of the reference.

    Attributes:
        code: ICD-10-CM, dotted.
        evidence: Words of the note that carry it, letter by letter.
        why: The argument, with the section of the guidelines where one decides.
    """

    code: Code
    evidence: Annotated[list[_Line], Field(min_length=1)]
    why: _Line


class RejectedCode(_Record):
    """A code that the note tempts to and that must not be assigned, with the argument."""

    code: Code
    why: _Line


class USNote(_Record):
    """One note with its reference codes.

    Attributes:
        id: "us-" and three digits.
        title: A reviewer's handle, no part of the note.
        setting: Decides how uncertain diagnoses are coded.
        sex: Of the patient.
        age: In whole years; 0 under one year.
        topics: What of coding it exercises.
        text: The note.
        codes: The reference, principal or first-listed diagnosis first.
        not_coded: Tempting codes that are wrong here.
        coder: Who coded it: "first", the writer of the note.
        second_codes: What a second coder assigned who saw the note alone; kept as it was coded.
    """

    id: Annotated[str, StringConstraints(pattern=r"^us-\d{3}$")]
    title: _Line
    setting: Literal["inpatient", "outpatient"]
    sex: Literal["F", "M"]
    age: Annotated[int, Field(ge=0, le=120)]
    topics: Annotated[list[Topic], Field(min_length=1)]
    text: Annotated[str, StringConstraints(min_length=1)]
    codes: Annotated[list[GoldCode], Field(min_length=1)]
    not_coded: list[RejectedCode]
    coder: Literal["first"]
    second_codes: list[Code] | None = None

    @field_validator("topics", "second_codes")
    @classmethod
    def _named_once(cls, values: list[str] | None) -> list[str] | None:
        _require_distinct(values or ())
        return values

    @model_validator(mode="after")
    def _codes_once_and_quotes_found(self) -> Self:
        gold = [item.code for item in self.codes]
        _require_distinct([*gold, *(item.code for item in self.not_coded)])
        for item in self.codes:
            for quote in item.evidence:
                if find_quote(self.text, quote) is None:
                    raise ValueError(f"{item.code}: {quote!r} does not stand in the text")
        return self

    @property
    def number(self) -> int:
        """Return the number in the id."""
        return int(self.id.removeprefix("us-"))

    @property
    def half(self) -> Half:
        """Return the half that the number puts the note in, fixed before any was written."""
        return "tune" if self.number % 2 else "report"

    def row(self) -> DatasetRow:
        """Return the note as a row of a data set, with the place of every quote."""
        spans = (
            EvidenceSpan(code=item.code, start=span[0], end=span[1], kind="diagnosis")
            for item in self.codes
            for quote in item.evidence
            if (span := find_quote(self.text, quote))
        )
        return DatasetRow(
            id=self.id,
            text=self.text,
            codes=tuple(item.code for item in self.codes),
            code_system="ICD-10-CM",
            split=self.half,
            language="en",
            sex=self.sex,
            age=self.age,
            setting=self.setting,
            evidence=tuple(spans),
        )


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Return start and end of the first place where a quote stands as whole words, or None."""
    found = re.search(rf"(?<!\w){re.escape(quote)}(?!\w)", text)
    return found.span() if found else None


def read_half(half: Half, folder: Path = SHIPPED) -> list[USNote]:
    """Read the notes of a half, in order of their number.

    Args:
        half: "tune" or "report".
        folder: Holds a folder for each half.

    Raises:
        UserError: The folder holds no note, or a file is not such a note of this half.
    """
    paths = sorted((folder / half).glob("*.yaml"))
    if not paths:
        raise UserError(f"{folder / half} holds no note (*.yaml).", fix=_FIX)
    return [_read_note(path, half) for path in paths]


def agreement(notes: Sequence[USNote]) -> MicroScores | None:
    """Score the second coding against the reference; None unless every note has one."""
    second: dict[str, frozenset[str]] = {
        note.id: frozenset(note.second_codes) for note in notes if note.second_codes is not None
    }
    if len(second) < len(notes):
        return None
    gold: CodeSets = {note.id: frozenset(item.code for item in note.codes) for note in notes}
    return micro_scores(gold, second)


def _read_note(path: Path, half: Half) -> USNote:
    try:
        note = USNote.model_validate(read_yaml(path))
    except ValidationError as error:
        first: dict[str, Any] = dict(error.errors(include_url=False)[0])
        place = ".".join(map(str, first["loc"])) or "note"
        reason = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{path}, {place}: {reason}.", fix=_FIX) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, DuplicateKeyError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} cannot be read as YAML: {reason}.", fix=_FIX) from None
    if (note.half, note.id) != (half, path.stem):
        raise UserError(
            f"{path} holds {note.id}, which belongs to {note.half}/{note.id}.yaml.", fix=_FIX
        )
    return note


def _require_distinct(values: Sequence[str]) -> None:
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    if twice:
        raise ValueError(f"{twice[0]} is named twice")
