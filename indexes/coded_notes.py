"""Notes with reference codes and evidence, as the learned parts are trained on them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from knowledge.dataset_row import AlignedEvidence, DatasetRow, read_rows
from knowledge.errors import UserError
from knowledge.language import Language
from knowledge.note_text import Note, Span
from knowledge.spanish_row import spanish_row


class CodedSpan(NamedTuple):
    """A stretch of the note that an annotator gave as the reason for a code."""

    code: str
    span: Span


@dataclass(frozen=True, slots=True)
class CodedNote:
    """A note and what its annotators coded.

    Attributes:
        id: Identifies the note in its data set.
        note: The parsed note.
        codes: Diagnosis codes as written in the data set, which may not be billable.
        evidence: Where codes have their reason; whole lines where the words were marked in the
            original of a translation. May be empty, and may lack codes.
        row: The note as the data set has it.
    """

    id: str
    note: Note
    codes: frozenset[str]
    evidence: tuple[CodedSpan, ...]
    row: DatasetRow

    @classmethod
    def from_row(cls, row: DatasetRow) -> "CodedNote":
        """Parse a note of a data set."""
        note = Note.parse(row.text, language=row.language or "en")
        codes = frozenset(row.codes or ())
        evidence = tuple(dict.fromkeys(_diagnosis_spans(row)))
        return cls(row.id, note, codes, evidence, row)


def read_coded_notes(path: Path, language: Language = "en") -> list[CodedNote]:
    """Read a data set to train on.

    Args:
        path: The file.
        language: "es" reads the Spanish side of bilingual notes.

    Raises:
        UserError: The file cannot be read, has another form, or none of its notes has codes, or a
            note has no text in the language.
    """
    rows = (row for row in read_rows(path) if row.codes is not None)
    notes = [CodedNote.from_row(spanish_row(row) if language == "es" else row) for row in rows]
    if not any(note.codes for note in notes):
        raise UserError(
            f"{path} holds no note with codes; there is nothing to learn from.",
            fix='give a data set whose lines have "codes", such as CodiEsp train.',
        )
    return notes


def data_identity(notes: Sequence[CodedNote]) -> str:
    """Return the SHA-256 of ids, texts, codes and evidence of a data set."""
    digest = hashlib.sha256()
    for coded in notes:
        evidence = [[code, span.start, span.end] for code, span in coded.evidence]
        digest.update(orjson.dumps([coded.id, coded.note.text, sorted(coded.codes), evidence]))
    return digest.hexdigest()


def folds(count: int, parts: int, seed: int) -> list[list[int]]:
    """Return positions 0 to ``count - 1`` dealt at random into ``parts`` sorted folds."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(count).tolist()
    return [sorted(order[part::parts]) for part in range(parts)]


def _diagnosis_spans(row: DatasetRow) -> Iterator[CodedSpan]:
    for item in row.evidence:
        if item.kind == "procedure":
            continue
        offsets = item.lines_en if isinstance(item, AlignedEvidence) else item.spans
        yield from (CodedSpan(item.code, Span(start, end)) for start, end in offsets if end > start)
