"""MIMIC-III v1.4 (A. Johnson et al., Scientific Data 3, 160035, 2016): admissions from its tables.

A row is an admission with its discharge summary: reports first, then addenda, each by date. All
dates of a patient are shifted by one random interval, so a row has no date.
"""

from pathlib import Path

from eval.datasets.admissions import CREATE_TABLES
from eval.datasets.csv_table import Table, require
from eval.datasets.workspace import Workspace

RELEASE = "MIMIC-III v1.4"
DISCHARGE = "Discharge summary"
# Which system recorded the stay tells when it was: the one took over from the other in 2008.
ERAS = {"carevue": "2001-2008 (CareVue)", "metavision": "2008-2012 (MetaVision)"}

_ID = {"SUBJECT_ID": "BIGINT", "HADM_ID": "BIGINT"}
_FOLDERS = (".", "1.4", "mimiciii/1.4", "files/mimiciii/1.4")


def _table(name: str, columns: dict[str, str]) -> Table:
    return Table(name, RELEASE, columns, _FOLDERS)


NOTEEVENTS = _table(
    "NOTEEVENTS",
    _ID
    | dict.fromkeys(("CATEGORY", "DESCRIPTION", "ISERROR", "TEXT"), "VARCHAR")
    | {"ROW_ID": "BIGINT", "CHARTDATE": "TIMESTAMP"},
)
_CODE_COLUMNS = _ID | {"SEQ_NUM": "BIGINT", "ICD9_CODE": "VARCHAR"}
DIAGNOSES = _table("DIAGNOSES_ICD", _CODE_COLUMNS)
PROCEDURES = _table("PROCEDURES_ICD", _CODE_COLUMNS)
PATIENTS = _table("PATIENTS", {"SUBJECT_ID": "BIGINT", "GENDER": "VARCHAR", "DOB": "TIMESTAMP"})
ADMISSIONS = _table("ADMISSIONS", _ID | {"ADMITTIME": "TIMESTAMP"})
ICUSTAYS = _table("ICUSTAYS", {"SUBJECT_ID": "BIGINT", "DBSOURCE": "VARCHAR"})


def load(db: Workspace, source: Path, *, eras: bool) -> None:
    """Fill the tables of `eval.datasets.admissions`.

    Args:
        db: An empty database.
        source: Folder of the release.
        eras: Read ICUSTAYS too, for the era of each patient.

    Raises:
        UserError: A table is missing, damaged or of another form.
    """
    require((NOTEEVENTS, DIAGNOSES, PROCEDURES), source)
    for statement in CREATE_TABLES:
        db.execute(statement)
    load_admissions(db, source, eras=eras)
    for table, kind in ((DIAGNOSES, "diagnosis"), (PROCEDURES, "procedure")):
        db.load(
            table,
            source,
            f"INSERT INTO code SELECT HADM_ID, '{kind}', SEQ_NUM, upper(trim(ICD9_CODE)), 9 "
            "FROM {table}",
        )
    db.load(
        NOTEEVENTS,
        source,
        "INSERT INTO note SELECT HADM_ID, ROW_ID, DESCRIPTION, "
        "CASE WHEN DESCRIPTION = 'Addendum' THEN 1 ELSE 0 END, CHARTDATE, ROW_ID, "
        "coalesce(ISERROR, '') = '1', TEXT FROM {table} "
        f"WHERE CATEGORY = '{DISCHARGE}'",
    )


def load_admissions(db: Workspace, source: Path, *, eras: bool) -> None:
    """Fill the table ``admission``.

    Dates of birth of patients over 89 are shifted to 300 years before their first admission: any
    age over 89 becomes 90, to be read as 90 or older.
    """
    require((PATIENTS, ADMISSIONS, *([ICUSTAYS] if eras else [])), source)
    db.load(PATIENTS, source, "CREATE TABLE person AS SELECT SUBJECT_ID, GENDER, DOB FROM {table}")
    if eras:
        db.load(ICUSTAYS, source, "CREATE TABLE stay AS SELECT SUBJECT_ID, DBSOURCE FROM {table}")
    else:
        db.execute("CREATE TABLE stay (SUBJECT_ID BIGINT, DBSOURCE VARCHAR)")
    names = " ".join(f"WHEN '{source_name}' THEN '{era}'" for source_name, era in ERAS.items())
    db.execute(
        f"""
        CREATE TABLE era_of AS
        SELECT SUBJECT_ID, CASE WHEN count(DISTINCT DBSOURCE) = 1
            THEN CASE any_value(DBSOURCE) {names} END END AS era
        FROM stay GROUP BY SUBJECT_ID
        """
    )
    db.load(
        ADMISSIONS,
        source,
        "INSERT INTO admission SELECT HADM_ID, SUBJECT_ID, "
        "CASE WHEN GENDER IN ('F', 'M') THEN GENDER END, "
        "CASE WHEN ADMITTIME >= DOB THEN least(90, datesub('year', DOB, ADMITTIME)) END, era "
        "FROM {table} LEFT JOIN person USING (SUBJECT_ID) LEFT JOIN era_of USING (SUBJECT_ID)",
    )
