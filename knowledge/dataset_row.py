"""One note of a data set as a line of JSON, validated."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from knowledge.jsonl import line_error
from knowledge.language import Language
from knowledge.records import read_records

# Whether a code exists is for its code system to say; here only its form is settled.
CODE_FORM = re.compile(r"[^\sa-z]+")
Code = Annotated[str, StringConstraints(pattern=rf"^{CODE_FORM.pattern}$")]
CodeKind = Literal["diagnosis", "procedure"]
Offsets = tuple[NonNegativeInt, NonNegativeInt]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class EvidenceSpan(_Record):
    """Words of `DatasetRow.text` that an annotator gave as the reason for a code.

    Attributes:
        code: The code.
        start: Where they begin.
        end: And end.
        kind: What the code is of.
        pieces: The pieces of a discontinuous mention, from ``start`` to ``end``; empty otherwise.
    """

    code: Code
    start: NonNegativeInt
    end: NonNegativeInt
    kind: CodeKind | None = None
    pieces: tuple[Offsets, ...] = ()

    @property
    def spans(self) -> tuple[Offsets, ...]:
        """The pieces; of a mention in one piece the whole."""
        return self.pieces or ((self.start, self.end),)


class AlignedEvidence(_Record):
    """Evidence marked in the Spanish original, with the English lines aligned to it.

    Spans are gold; one that is empty occurs in the release. Lines are silver.
    """

    kind: CodeKind
    code: Code
    phrase_es: str
    spans_es: tuple[Offsets, ...]
    lines_en: tuple[Offsets, ...]


class DatasetRow(_Record):
    """One note with its reference codes; offsets are those of Python strings.

    `codes` are the diagnoses; None says that the note is unlabelled, an empty list that no code
    applies. Keys that are not named here are passed over.
    """

    id: str = Field(min_length=1)
    text: str
    text_es: str | None = None
    codes: tuple[Code, ...] | None = None
    procedure_codes: tuple[Code, ...] = ()
    code_system: str | None = None
    patient: str | None = None
    split: str | None = None
    language: Language | None = None
    date: datetime.date | None = None
    sex: Literal["F", "M"] | None = None
    age: NonNegativeInt | None = None
    setting: Literal["inpatient", "outpatient"] | None = None
    evidence: tuple[EvidenceSpan | AlignedEvidence, ...] = ()

    @model_validator(mode="after")
    def _spans_lie_in_their_text(self) -> Self:
        for item in self.evidence:
            if isinstance(item, EvidenceSpan):
                _require_inside("text", self.text, item.spans)
            else:
                _require_inside("text_es", self.text_es or "", item.spans_es)
                _require_inside("text", self.text, item.lines_en)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were given, ready for JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


def read_rows(path: Path) -> Iterator[DatasetRow]:
    """Yield the notes of a data set.

    Raises:
        UserError: The file cannot be read, or a line is not such a note; both are named.
    """
    for line in read_records(path):
        try:
            yield DatasetRow.model_validate(line.value)
        except ValidationError as error:
            problem = _first_problem(error)
            raise line_error(path, line.line_number, problem) from None


def _require_inside(name: str, text: str, spans: tuple[Offsets, ...]) -> None:
    for start, end in spans:
        if not start <= end <= len(text):
            raise ValueError(f"evidence span {start}-{end} lies outside {name} (0-{len(text)})")


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{reason}."
    place = ".".join(map(str, first["loc"]))
    value = first["input"]
    # Only short plain values are repeated: a whole note has no place in a message.
    shown = f" {value!r}" if isinstance(value, str | int | float) and len(str(value)) < 40 else ""
    return f'"{place}"{shown}: {reason[0].lower()}{reason[1:]}.'
