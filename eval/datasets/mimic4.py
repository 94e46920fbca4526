"""MIMIC-IV 2.2 and 3.x with MIMIC-IV-Note (A. Johnson et al., Scientific Data 10, 1, 2023).

A row is an admission with its discharge summary, and addenda where there are any. Codes are ICD-9
in older admissions and ICD-10 in newer ones. Dates are shifted, so a row has no date.
"""

from pathlib import Path

from eval.datasets.admissions import CREATE_TABLES
from eval.datasets.csv_table import Table, require
from eval.datasets.workspace import Workspace

RELEASE = "MIMIC-IV"
NOTE_RELEASE = "MIMIC-IV-Note"

_ID = {"subject_id": "BIGINT", "hadm_id": "BIGINT"}
_HOSP = ("hosp", "mimiciv/*/hosp", "files/mimiciv/*/hosp")
# Beside hosp, or where PhysioNet's folders put the notes as a release of their own.
_NOTE = (
    "note",
    "mimic-iv-note/*/note",
    "files/mimic-iv-note/*/note",
    "../mimic-iv-note/*/note",
    "../../mimic-iv-note/*/note",
)
# The folder that --notes names is that of the release, or the one with the file.
_NOTE_FOLDER = (".", *_NOTE)

_CODE_COLUMNS = _ID | {"seq_num": "BIGINT", "icd_code": "VARCHAR", "icd_version": "INTEGER"}
DIAGNOSES = Table("diagnoses_icd", RELEASE, _CODE_COLUMNS, _HOSP)
PROCEDURES = Table("procedures_icd", RELEASE, _CODE_COLUMNS, _HOSP)
PATIENTS = Table(
    "patients",
    RELEASE,
    {
        "subject_id": "BIGINT",
        "gender": "VARCHAR",
        "anchor_age": "INTEGER",
        "anchor_year": "INTEGER",
        "anchor_year_group": "VARCHAR",
    },
    _HOSP,
)
ADMISSIONS = Table("admissions", RELEASE, _ID | {"admittime": "TIMESTAMP"}, _HOSP)
_DISCHARGE_COLUMNS = _ID | {
    "note_id": "VARCHAR",
    "note_type": "VARCHAR",
    "note_seq": "BIGINT",
    "charttime": "TIMESTAMP",
    "text": "VARCHAR",
}


def load(db: Workspace, source: Path, *, notes: Path | None = None) -> None:
    """Fill the tables of `eval.datasets.admissions`.

    Args:
        db: An empty database.
        source: Folder of the release, with ``hosp`` in it.
        notes: Folder of MIMIC-IV-Note where it lies elsewhere.

    Raises:
        UserError: A table is missing, damaged or of another form.
    """
    folders = _NOTE if notes is None else _NOTE_FOLDER
    discharge = Table("discharge", NOTE_RELEASE, _DISCHARGE_COLUMNS, folders)
    require((PATIENTS, ADMISSIONS, DIAGNOSES, PROCEDURES), source)
    require((discharge,), notes or source)
    for statement in CREATE_TABLES:
        db.execute(statement)
    _load_admissions(db, source)
    for table, kind in ((DIAGNOSES, "diagnosis"), (PROCEDURES, "procedure")):
        db.load(
            table,
            source,
            f"INSERT INTO code SELECT hadm_id, '{kind}', seq_num, upper(trim(icd_code)), "
            "icd_version FROM {table}",
        )
    db.load(
        discharge,
        notes or source,
        "INSERT INTO note SELECT hadm_id, note_id, note_type, "
        "CASE WHEN note_type = 'AD' THEN 1 ELSE 0 END, charttime, note_seq, false, text "
        "FROM {table}",
    )


def _load_admissions(db: Workspace, source: Path) -> None:
    """Fill the table ``admission``.

    The anchor age is the age in the anchor year; 91 stands for any over 89. Any age over 89 becomes
    90, to be read as 90 or older; before the anchor year such a patient's age is unknown.
    """
    db.load(PATIENTS, source, "CREATE TABLE person AS SELECT * FROM {table}")
    db.load(
        ADMISSIONS,
        source,
        "INSERT INTO admission SELECT hadm_id, subject_id, "
        "CASE WHEN gender IN ('F', 'M') THEN gender END, "
        "CASE WHEN anchor_age > 89 AND year(admittime) < anchor_year THEN NULL "
        "ELSE greatest(0, least(90, anchor_age + year(admittime) - anchor_year)) END, "
        "anchor_year_group FROM {table} LEFT JOIN person USING (subject_id)",
    )
