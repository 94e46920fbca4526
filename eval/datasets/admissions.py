"""From tables to rows: what MIMIC-III, MIMIC-IV and MDACE have in common.

Each of them fills three tables, and everything after that is the same:

=============  ====================================================================================
``admission``  hadm_id, patient, sex ('F', 'M' or null), age (years or null), era (or null)
``note``       hadm_id, note_id, description, rank, charted, seq, wrong, text
``code``       hadm_id, kind ('diagnosis', 'procedure'), seq, code (no dot, upper case), version
=============  ====================================================================================

Notes of an admission are joined in order of rank, charted, seq; wrong ones are left out. An
admission becomes a row if it has text and codes, all diagnoses in one version of ICD.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import NonNegativeInt

from eval.datasets.icd_dots import CODE_SYSTEMS, with_dot
from eval.datasets.workspace import Workspace
from knowledge.dataset_row import CodeKind, DatasetRow
from knowledge.errors import UserError

# Between the notes of one admission; it belongs to none of them.
SEPARATOR = "\n\n"
_PASS_BYTES = 100_000_000
_SHOWN = 5
_WELL_FORMED = "coalesce(regexp_full_match(code, '[0-9A-Z]{2,7}') AND version IN (9, 10), false)"


class NotePart(NamedTuple):
    """One note within the text of its admission: ``text[start:end]`` is the note as released."""

    note_id: str
    description: str | None
    start: NonNegativeInt
    end: NonNegativeInt


class AdmissionRow(DatasetRow):
    """A row of a data set that tells which notes its text was joined from."""

    notes: tuple[NotePart, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were given; each note as an object."""
        fields = super().to_json()
        return {**fields, "notes": [note._asdict() for note in self.notes]}


class Unit(NamedTuple):
    """An admission that becomes a row, as the splits see it."""

    admission: str
    patient: str
    era: str | None


class Dropped(NamedTuple):
    """What is left out, by reason: notes, admissions and codes."""

    notes: dict[str, int]
    admissions: dict[str, int]
    codes: dict[str, int]


CREATE_TABLES = (
    "CREATE TABLE admission (hadm_id BIGINT, patient BIGINT, sex VARCHAR, age INTEGER, "
    "era VARCHAR)",
    "CREATE TABLE note (hadm_id BIGINT, note_id VARCHAR, description VARCHAR, rank INTEGER, "
    "charted TIMESTAMP, seq BIGINT, wrong BOOLEAN, text VARCHAR)",
    "CREATE TABLE code (hadm_id BIGINT, kind VARCHAR, seq BIGINT, code VARCHAR, version INTEGER)",
)


def select_rows(db: Workspace, *, version: int | None, skip_orphans: bool) -> Dropped:
    """Decide which admissions become rows, and make the table ``chosen`` of them.

    Procedures in another version of ICD than the diagnoses are left out: a row has one code system.

    Args:
        db: The three tables, filled.
        version: Keep admissions coded in this version of ICD; None keeps both.
        skip_orphans: Leave out notes whose admission is unknown instead of refusing them.

    Raises:
        UserError: A note belongs to no admission, an admission is there twice, or none is left.
    """
    repeated = db.value("SELECT count(*) - count(DISTINCT hadm_id) FROM admission")
    if repeated:
        raise UserError(
            f"{repeated} rows of the tables of patients and admissions repeat an admission.",
            fix="use the tables as PhysioNet publishes them.",
        )
    notes = _drop_notes(db, skip_orphans=skip_orphans)
    codes = _clean_codes(db)
    wanted = "true" if version is None else f"version = {version}"
    db.execute(
        f"""
        CREATE TABLE chosen AS
        SELECT *, CASE
            WHEN patient IS NULL THEN 'no_patient_id'
            WHEN NOT has_text THEN 'no_text'
            WHEN version IS NULL THEN 'no_codes'
            WHEN mixed THEN 'mixed_icd_versions'
            WHEN NOT ({wanted}) THEN 'other_code_system' END AS reason
        FROM (
            SELECT admission.*, version, mixed, diagnoses, procedures,
                hadm_id IN (SELECT hadm_id FROM note) AS has_text
            FROM admission LEFT JOIN coded USING (hadm_id))
        """
    )
    admissions = dict(
        db.rows(
            "SELECT reason, count(*) FROM chosen WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
    )
    db.execute("DELETE FROM chosen WHERE reason IS NOT NULL")
    if not db.value("SELECT count(*) FROM chosen"):
        raise UserError(
            f"no admission has both text and codes; left out: {admissions or 'none'}.",
            fix="see that the tables belong to one release, and try without --code-system.",
        )
    return Dropped(notes, admissions, codes)


def units(db: Workspace) -> list[Unit]:
    """Return the admissions that become rows, by admission."""
    found = db.rows("SELECT hadm_id, patient, era FROM chosen ORDER BY hadm_id")
    return [Unit(str(admission), str(patient), era) for admission, patient, era in found]


def rows(db: Workspace) -> Iterator[AdmissionRow]:
    """Yield the rows, by admission.

    Sorting all texts at once takes as much memory as they have bytes. So the table of notes is gone
    through several times, each time for admissions with some `_PASS_BYTES` of text.
    """
    for first, last in _passes(db):
        found = db.rows(
            f"""
            SELECT hadm_id, patient, sex, age, version, diagnoses, procedures,
                note_id, description, text
            FROM chosen JOIN note USING (hadm_id)
            WHERE hadm_id BETWEEN {first} AND {last}
            ORDER BY hadm_id, rank, charted, seq, note_id
            """
        )
        for _, group in groupby(found, key=lambda row: row[0]):
            yield _row(list(group))


def _passes(db: Workspace) -> list[tuple[int, int]]:
    """Return the first and last admission of each pass, in order."""
    return list(
        db.rows(
            f"""
            SELECT min(hadm_id), max(hadm_id) FROM (
                SELECT hadm_id, sum(bytes) OVER (ORDER BY hadm_id) // {_PASS_BYTES} AS pass
                FROM (
                    SELECT hadm_id, sum(strlen(text)) AS bytes
                    FROM note WHERE hadm_id IN (SELECT hadm_id FROM chosen) GROUP BY hadm_id))
            GROUP BY pass ORDER BY 1
            """
        )
    )


def _row(notes: list[tuple[Any, ...]]) -> AdmissionRow:
    hadm_id, patient, sex, age, version, diagnoses, procedures = notes[0][:7]
    optional = {name: value for name, value in (("sex", sex), ("age", age)) if value is not None}
    return AdmissionRow(
        id=str(hadm_id),
        text=SEPARATOR.join(note[-1] for note in notes),
        codes=_dotted(diagnoses, version, "diagnosis"),
        procedure_codes=_dotted(procedures, version, "procedure"),
        code_system=CODE_SYSTEMS[version],
        patient=str(patient),
        setting="inpatient",
        language="en",
        notes=tuple(_parts(notes)),
        **optional,
    )


def _parts(notes: list[tuple[Any, ...]]) -> Iterator[NotePart]:
    start = 0
    for *_, note_id, description, text in notes:
        yield NotePart(str(note_id), description, start, start + len(text))
        start += len(text) + len(SEPARATOR)


def _dotted(codes: list[str] | None, version: int, kind: CodeKind) -> tuple[str, ...]:
    return tuple(with_dot(code, version, kind) for code in codes or ())


def _drop_notes(db: Workspace, *, skip_orphans: bool) -> dict[str, int]:
    counts = {}
    for reason, condition in (
        ("marked_as_error", "wrong"),
        ("no_admission_id", "hadm_id IS NULL"),
        ("empty_text", "coalesce(text, '') = ''"),
    ):
        counts[reason] = db.value(f"SELECT count(*) FROM note WHERE {condition}")
        db.execute(f"DELETE FROM note WHERE {condition}")
    orphan = "hadm_id NOT IN (SELECT hadm_id FROM admission)"
    orphans = db.value(f"SELECT count(*) FROM note WHERE {orphan}")
    if orphans and not skip_orphans:
        named = db.rows(
            f"SELECT note_id, hadm_id FROM note WHERE {orphan} ORDER BY 1 LIMIT {_SHOWN}"
        )
        shown = ", ".join(f"note {note} of admission {hadm}" for note, hadm in named)
        raise UserError(
            f"{orphans} notes belong to admissions that the table of admissions lacks: {shown}"
            f"{', ...' if orphans > _SHOWN else ''}.",
            fix="use notes and tables of one release, or leave such notes out with "
            "--skip-orphan-notes.",
        )
    db.execute(f"DELETE FROM note WHERE {orphan}")
    counts["unknown_admission"] = orphans
    return {reason: count for reason, count in counts.items() if count}


def _clean_codes(db: Workspace) -> dict[str, int]:
    """Make the table ``coded``: the distinct codes of each admission in order, their version."""
    total, empty, malformed = db.row(
        "SELECT count(*), count(*) FILTER (coalesce(code, '') = ''), "
        f"count(*) FILTER (code <> '' AND NOT {_WELL_FORMED}) FROM code"
    )
    db.execute(
        "CREATE TABLE distinct_code AS SELECT hadm_id, kind, version, code, min(seq) AS seq "
        f"FROM code WHERE {_WELL_FORMED} GROUP BY ALL"
    )
    db.execute("DROP TABLE code")
    kept = db.value("SELECT count(*) FROM distinct_code")
    db.execute(
        """
        CREATE TABLE version_of AS
        SELECT hadm_id,
            coalesce(min(version) FILTER (kind = 'diagnosis'), min(version)) AS version,
            count(DISTINCT version) FILTER (kind = 'diagnosis') > 1
                OR (count(*) FILTER (kind = 'diagnosis') = 0 AND count(DISTINCT version) > 1)
                AS mixed
        FROM distinct_code GROUP BY hadm_id
        """
    )
    db.execute(
        """
        CREATE TABLE coded AS
        SELECT hadm_id, any_value(version_of.version) AS version, any_value(mixed) AS mixed,
            list(code ORDER BY seq, code) FILTER (kind = 'diagnosis') AS diagnoses,
            list(code ORDER BY seq, code) FILTER (kind = 'procedure') AS procedures,
        FROM distinct_code JOIN version_of USING (hadm_id)
        WHERE mixed OR distinct_code.version = version_of.version GROUP BY hadm_id
        """
    )
    other = db.value(
        "SELECT count(*) FROM distinct_code JOIN version_of USING (hadm_id) "
        "WHERE NOT mixed AND distinct_code.version <> version_of.version"
    )
    counts = {
        "empty": empty,
        "malformed": malformed,
        "repeated": total - empty - malformed - kept,
        "procedure_in_other_icd_version": other,
    }
    return {reason: count for reason, count in counts.items() if count}
