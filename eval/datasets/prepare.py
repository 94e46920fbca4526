"""Rows to files: one JSONL file a part, all of them or none, and a summary of what was done."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from eval.datasets.admissions import AdmissionRow, Dropped, Unit
from eval.datasets.peak_memory import peak_bytes
from eval.datasets.splits import Assignment, patients_in_two_parts, require_disjoint
from eval.datasets.workspace import Workspace
from eval.jsonl import open_whole


class Written(NamedTuple):
    """What was written.

    Attributes:
        parts: One for each file.
        overlap: Patients in more than one of them.
    """

    parts: tuple["Part", ...]
    overlap: tuple[str, ...]


@dataclass(slots=True)
class Part:
    """One file that was written.

    Attributes:
        name: Its part, "train" for example.
        path: Where it lies.
        rows: Number of admissions.
        codes: Number of diagnosis codes.
        procedure_codes: Number of procedure codes.
        evidence: Number of evidence spans.
        code_systems: Number of rows by code system.
        patients: The patients in it.
        sha256: Hash of the file.
    """

    name: str
    path: Path
    rows: int = 0
    codes: int = 0
    procedure_codes: int = 0
    evidence: int = 0
    code_systems: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    sha256: str = ""

    def count(self, row: AdmissionRow) -> None:
        """Take a row into account."""
        self.rows += 1
        self.codes += len(row.codes or ())
        self.procedure_codes += len(row.procedure_codes)
        self.evidence += len(row.evidence)
        self.code_systems[str(row.code_system)] += 1
        self.patients.add(str(row.patient))

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        return {
            "split": self.name,
            "path": str(self.path),
            "rows": self.rows,
            "patients": len(self.patients),
            "codes": self.codes,
            "procedure_codes": self.procedure_codes,
            "evidence": self.evidence,
            "code_systems": dict(sorted(self.code_systems.items())),
            "sha256": self.sha256,
        }


def write_parts(
    db: Workspace,
    rows: Iterable[AdmissionRow],
    units: Sequence[Unit],
    assignment: Assignment,
    destination: Path,
    *,
    allow_overlap: bool,
) -> Written:
    """Write the rows of each part to ``destination/PART.jsonl``.

    Raises:
        UserError: A patient is in two parts and that is not allowed, or a file cannot be written.
    """
    overlap = patients_in_two_parts(units, assignment.parts)
    if not allow_overlap:
        require_disjoint(overlap)
    names = dict.fromkeys(sorted(assignment.parts.values(), key=_part_order))
    parts = {name: Part(name, destination / f"{name}.jsonl") for name in names}
    with ExitStack() as stack, db.steps.step("rows", len(units)) as advance:
        writers = {name: stack.enter_context(open_whole(parts[name].path)) for name in names}
        for row in rows:
            advance(1)
            name = assignment.parts.get(row.id)
            if name is not None:
                parts[name].count(row)
                writers[name].write(row.to_json() | {"split": name})
        # All are on the disk before the first takes its name.
        for name, writer in writers.items():
            writer.flush()
            parts[name].sha256 = writer.sha256
    return Written(tuple(parts.values()), overlap)


def summary(
    data_set: str,
    db: Workspace,
    dropped: Dropped,
    units: Sequence[Unit],
    assignment: Assignment,
    written: Written,
) -> dict[str, Any]:
    """Return what was done, ready for JSON."""
    parts = written.parts
    admissions = dict(dropped.admissions)
    if unassigned := len(units) - len(assignment.parts):
        admissions[assignment.reason] = unassigned
    peak = peak_bytes()
    return {
        "data_set": data_set,
        "rows": sum(part.rows for part in parts),
        "patients": len(set[str]().union(*(part.patients for part in parts))),
        "codes": sum(part.codes for part in parts),
        "procedure_codes": sum(part.procedure_codes for part in parts),
        "evidence": sum(part.evidence for part in parts),
        "dropped": {"admissions": admissions, "notes": dropped.notes, "codes": dropped.codes},
        "split_ids_without_row": assignment.unknown,
        "patients_in_several_splits": list(written.overlap),
        "splits": [part.to_json() for part in parts],
        "sources": db.sources,
        "peak_memory_mb": None if peak is None else round(peak / 1e6),
    }


def _part_order(name: str) -> int:
    return ("all", "train", "dev", "test").index(name)
