"""MDACE (H. Cheng et al., ACL 2023): the evidence for the codes of MIMIC-III admissions.

The annotations are public; the notes are those of MIMIC-III, for which they name ROW_ID. A file
holds the notes of an admission, ``{"hadm_id", "notes": [{"note_id", "category", "annotations":
[{"begin", "end", "code", "code_system", "covered_text"}]}]}``, or one note on its own. A row is an
admission: charts were coded as a whole, so that a code need not be marked in every note that names
it. Its text is joined from the annotated notes, and offsets are moved accordingly.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import orjson
from pydantic import BaseModel, NonNegativeInt, ValidationError

from eval.datasets import mimic3
from eval.datasets.admissions import CREATE_TABLES, AdmissionRow, rows
from eval.datasets.csv_table import require
from eval.datasets.icd_dots import with_dot
from eval.datasets.workspace import Workspace
from knowledge.dataset_row import CodeKind, EvidenceSpan
from knowledge.errors import UserError

RELEASE = "MDACE"
_FIX = "give a folder of MDACE's annotations, for example data/Inpatient/ICD-10/1.0."
_ICD9_PROCEDURE = re.compile(r"\d{2}\.\d{1,2}")
_SHOWN = 5


class _System(NamedTuple):
    version: int
    kind: CodeKind


# By name without case and punctuation; ICD-9-CM covers both kinds, told apart by the dot.
_SYSTEMS = {
    "icd10cm": _System(10, "diagnosis"),
    "icd10pcs": _System(10, "procedure"),
    "icd9cm": _System(9, "diagnosis"),
    "icd9pcs": _System(9, "procedure"),
}


class _Annotation(BaseModel):
    begin: NonNegativeInt
    end: NonNegativeInt
    code: str
    code_system: str
    covered_text: str | None = None


class _Note(BaseModel):
    note_id: int
    category: str | None = None
    annotations: tuple[_Annotation, ...] = ()


class _Chart(BaseModel):
    hadm_id: int
    notes: tuple[_Note, ...]


class _Coded(NamedTuple):
    """A code of an admission, without its dot."""

    hadm_id: int
    kind: CodeKind
    code: str
    version: int


class Mark(NamedTuple):
    """Evidence as it was annotated: offsets are those within the note."""

    code: str
    kind: CodeKind
    begin: int
    end: int
    covered_text: str | None


class Mismatch(NamedTuple):
    """Evidence that is not where it should be; it is left out, its code is kept."""

    admission: str
    note_id: str
    code: str
    begin: int
    end: int
    problem: Literal["outside the note", "other words than covered_text"]


class Charts(NamedTuple):
    """What the annotations say.

    Attributes:
        marks: Evidence by id of the note.
        other_systems: Number of annotations left out, by a code system that is not ICD.
    """

    marks: dict[str, tuple[Mark, ...]]
    other_systems: dict[str, int]


def load(db: Workspace, annotations: Path, mimic: Path, *, eras: bool) -> Charts:
    """Fill the tables of `eval.datasets.admissions`.

    Args:
        db: An empty database.
        annotations: Folder of JSON files; those in its subfolders count.
        mimic: Folder of MIMIC-III v1.4.
        eras: Read the era of each patient too.

    Raises:
        UserError: A file cannot be used, a note is annotated twice, or is not that of MIMIC-III.
    """
    charts = _read_charts(annotations)
    require((mimic3.NOTEEVENTS,), mimic)
    for statement in CREATE_TABLES:
        db.execute(statement)
    db.execute("CREATE TABLE annotated (note_id BIGINT, hadm_id BIGINT)")
    db.insert(
        "annotated", [(note.note_id, chart.hadm_id) for chart in charts for note in chart.notes]
    )
    marks, codes, other = _marks(charts)
    db.insert(
        "code",
        [
            (mark.hadm_id, mark.kind, at, mark.code, mark.version)
            for at, mark in enumerate(dict.fromkeys(codes))
        ],
    )
    mimic3.load_admissions(db, mimic, eras=eras)
    db.execute("DELETE FROM admission WHERE hadm_id NOT IN (SELECT hadm_id FROM annotated)")
    db.load(
        mimic3.NOTEEVENTS,
        mimic,
        "INSERT INTO note SELECT HADM_ID, ROW_ID, CATEGORY, 0, CHARTDATE, ROW_ID, false, TEXT "
        "FROM {table} WHERE ROW_ID IN (SELECT note_id FROM annotated)",
    )
    _require_same_notes(db, annotations)
    return Charts(marks, dict(sorted(other.items())))


def rows_with_evidence(
    db: Workspace, marks: dict[str, tuple[Mark, ...]], mismatches: list[Mismatch]
) -> Iterator[AdmissionRow]:
    """Yield the rows with the evidence that is where it should be.

    Words are compared but for their white space, which the annotations have changed in places.

    Args:
        db: The database with its rows chosen.
        marks: Evidence by id of the note.
        mismatches: Takes what is not where it should be.
    """
    for row in rows(db):
        known = {"diagnosis": row.codes or (), "procedure": row.procedure_codes}
        spans = []
        for part in row.notes:
            text = row.text[part.start : part.end]
            for mark in marks[part.note_id]:
                if mark.code not in known[mark.kind]:
                    continue  # in another version of ICD than the row
                problem = _problem(text, mark)
                if problem:
                    mismatches.append(
                        Mismatch(row.id, part.note_id, mark.code, mark.begin, mark.end, problem)
                    )
                else:
                    spans.append(
                        EvidenceSpan(
                            code=mark.code,
                            start=part.start + mark.begin,
                            end=part.start + mark.end,
                            kind=mark.kind,
                        )
                    )
        yield row.model_copy(update={"evidence": tuple(dict.fromkeys(spans))})


def _problem(
    text: str, mark: Mark
) -> Literal["outside the note", "other words than covered_text"] | None:
    if not mark.begin < mark.end <= len(text):
        return "outside the note"
    if mark.covered_text is None:
        return None
    same = text[mark.begin : mark.end].split() == mark.covered_text.split()
    return None if same else "other words than covered_text"


def _read_charts(folder: Path) -> list[_Chart]:
    """Read the charts, the notes of one admission together."""
    paths = sorted(folder.rglob("*.json"))
    if not paths:
        raise UserError(f"{folder} holds no .json file.", fix=_FIX)
    notes: defaultdict[int, list[_Note]] = defaultdict(list)
    first: dict[int, Path] = {}
    for path in paths:
        chart = _read_chart(path)
        for note in chart.notes:
            if first.setdefault(note.note_id, path) != path:
                raise UserError(
                    f"note {note.note_id} is annotated in {first[note.note_id]} and in {path}.",
                    fix="name the folder of one setting and one version of ICD.",
                )
        notes[chart.hadm_id].extend(chart.notes)
    return [_Chart(hadm_id=hadm_id, notes=tuple(found)) for hadm_id, found in notes.items()]


def _read_chart(path: Path) -> _Chart:
    try:
        value = orjson.loads(path.read_bytes())
        if isinstance(value, dict) and "notes" not in value:
            value = {"hadm_id": value.get("hadm_id"), "notes": [value]}
        return _Chart.model_validate(value)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path}: broken JSON ({error.msg}).", fix=_FIX) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f'{path}: "{place}": {first["msg"].lower()}.', fix=_FIX) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None


def _marks(
    charts: Sequence[_Chart],
) -> tuple[dict[str, tuple[Mark, ...]], list[_Coded], Counter[str]]:
    """Return marks by note, codes in order of their marks, and annotations of other systems."""
    marks: dict[str, tuple[Mark, ...]] = {}
    codes: list[_Coded] = []
    other: Counter[str] = Counter()
    for chart in charts:
        for note in chart.notes:
            found = []
            for annotation in note.annotations:
                system = _system_of(annotation)
                if system is None:
                    other[annotation.code_system] += 1
                    continue
                version, kind = system
                bare = annotation.code.strip().upper().replace(".", "")
                codes.append(_Coded(chart.hadm_id, kind, bare, version))
                code = with_dot(bare, version, kind)
                found.append(
                    Mark(code, kind, annotation.begin, annotation.end, annotation.covered_text)
                )
            marks[str(note.note_id)] = tuple(found)
    return marks, codes, other


def _system_of(annotation: _Annotation) -> _System | None:
    name = re.sub(r"[^a-z0-9]", "", annotation.code_system.casefold())
    system = _SYSTEMS.get(name)
    if name == "icd9cm" and _ICD9_PROCEDURE.fullmatch(annotation.code.strip()):
        return _System(9, "procedure")
    return system


def _require_same_notes(db: Workspace, folder: Path) -> None:
    """See that every annotated note is in NOTEEVENTS, for the same admission."""
    missing = [
        note_id
        for (note_id,) in db.rows(
            "SELECT note_id FROM annotated WHERE note_id NOT IN "
            "(SELECT CAST(note_id AS BIGINT) FROM note) ORDER BY 1"
        )
    ]
    if missing:
        shown = ", ".join(map(str, missing[:_SHOWN])) + (", ..." if len(missing) > _SHOWN else "")
        raise UserError(
            f"{len(missing)} notes of {folder} are not in {db.sources[mimic3.NOTEEVENTS.name]}: "
            f"ROW_ID {shown}.",
            fix=f"use NOTEEVENTS of {mimic3.RELEASE}, whole.",
        )
    strangers = list(
        db.rows(
            "SELECT a.note_id, a.hadm_id, n.hadm_id FROM annotated a JOIN note n "
            "ON a.note_id = CAST(n.note_id AS BIGINT) WHERE a.hadm_id IS DISTINCT FROM n.hadm_id "
            "ORDER BY 1"
        )
    )
    if strangers:
        note_id, ours, theirs = strangers[0]
        raise UserError(
            f"{len(strangers)} notes of {folder} belong to another admission in MIMIC-III: note "
            f"{note_id} to {theirs}, not {ours}.",
            fix=f"use NOTEEVENTS of {mimic3.RELEASE}, whole.",
        )
