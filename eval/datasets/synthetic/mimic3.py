"""A made-up MIMIC-III v1.4: the tables that `eval.datasets.mimic3` reads."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from eval.datasets.mimic3 import DISCHARGE
from eval.datasets.progress import Steps
from eval.datasets.synthetic.code_lists import TitledCode
from eval.datasets.synthetic.csv_files import RowWriter, open_table
from eval.datasets.synthetic.note_text import (
    DischargeText,
    addendum_text,
    discharge_text,
    short_text,
)
from eval.datasets.synthetic.stays import Hospital, Stay

# Rows of the real NOTEEVENTS, and how many there are to an admission.
REAL_NOTES, REAL_ADMISSIONS = 2_083_180, 58_976
_OTHER_CATEGORIES = {
    "Nursing/other": 822_497,
    "Radiology": 522_279,
    "Nursing": 223_556,
    "ECG": 209_051,
    "Physician ": 141_624,
    "Echo": 45_794,
    "Respiratory ": 31_739,
    "Nutrition": 9_418,
}
_SUMMARY_SHARE, _ADDENDUM_SHARE, _ERROR_SHARE, _NO_ADMISSION_SHARE = 0.9, 0.08, 0.01, 0.11
# Notes of other categories only have to be read over: their bodies repeat.
_BODIES = 2_000

_COLUMNS = {
    "NOTEEVENTS": "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CHARTTIME STORETIME CATEGORY DESCRIPTION "
    "CGID ISERROR TEXT",
    "DIAGNOSES_ICD": "ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "PROCEDURES_ICD": "ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "PATIENTS": "ROW_ID SUBJECT_ID GENDER DOB DOD DOD_HOSP DOD_SSN EXPIRE_FLAG",
    "ADMISSIONS": "ROW_ID SUBJECT_ID HADM_ID ADMITTIME DISCHTIME DEATHTIME ADMISSION_TYPE "
    "ADMISSION_LOCATION DISCHARGE_LOCATION INSURANCE LANGUAGE RELIGION MARITAL_STATUS ETHNICITY "
    "EDREGTIME EDOUTTIME DIAGNOSIS HOSPITAL_EXPIRE_FLAG HAS_CHARTEVENTS_DATA",
    "ICUSTAYS": "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID DBSOURCE FIRST_CAREUNIT LAST_CAREUNIT "
    "FIRST_WARDID LAST_WARDID INTIME OUTTIME LOS",
}


class Summary(NamedTuple):
    """A discharge summary that was written, for those who annotate it."""

    stay: Stay
    row_id: int
    report: DischargeText


def write_release(
    folder: Path, *, admissions: int, notes: int, seed: int, steps: Steps
) -> list[Path]:
    """Write the tables and return their paths.

    Args:
        folder: Where they go.
        admissions: Rows of ADMISSIONS.
        notes: Rows of NOTEEVENTS; more where the discharge summaries alone are more.
        seed: The same seed writes the same bytes but for the time in the gzip headers.
        steps: Where progress is shown.

    Raises:
        UserError: A file cannot be written.
    """
    with steps.step("notes", max(notes, admissions)) as advance:
        for _ in write_summaries(folder, admissions=admissions, notes=notes, seed=seed):
            advance(1)
    return [folder / f"{name}.csv.gz" for name in _COLUMNS]


def write_summaries(
    folder: Path, *, admissions: int, notes: int, seed: int
) -> Iterator[Summary | None]:
    """Write as `write_release` does; yields each report, and None for each other note."""
    hospital = Hospital(seed, icd9_only=True)
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(
                open_table(folder / f"{name}.csv.gz", columns.split(), quote_header=True)
            )
            for name, columns in _COLUMNS.items()
        }
        stays: list[Stay] = []
        row_id = 0
        for number, stay in enumerate(hospital.stays(admissions), start=1):
            _write_stay(
                tables,
                number,
                stay,
                new=not stays or stays[-1].patient != stay.patient,
                random=hospital.random,
            )
            stays.append(stay)
            if hospital.random.random() >= _SUMMARY_SHARE:
                continue
            row_id += 1
            report = discharge_text(stay, hospital.random)
            _write_note(tables, row_id, stay, "Report", report.text)
            yield Summary(stay, row_id, report)
            if hospital.random.random() < _ADDENDUM_SHARE:
                row_id += 1
                wrong = 1 if hospital.random.random() < _ERROR_SHARE * 10 else None
                _write_note(tables, row_id, stay, "Addendum", addendum_text(hospital.random), wrong)
                yield None
        for _ in _write_others(tables["NOTEEVENTS"], stays, row_id, notes, hospital.random):
            yield None


def _write_stay(
    tables: dict[str, RowWriter], number: int, stay: Stay, *, new: bool, random: Random
) -> None:
    patient = stay.patient
    if new:
        # Whoever is over 89 at the first admission was born 300 years before it.
        born = (
            patient.born
            if stay.age <= 89
            else stay.admitted.replace(year=stay.admitted.year - 300, day=1, hour=0, minute=0)
        )
        tables["PATIENTS"](number, patient.number, patient.sex, born, None, None, None, 0)
    tables["ADMISSIONS"](
        number, patient.number, stay.number, stay.admitted, stay.discharged, None, "EMERGENCY",
        "EMERGENCY ROOM ADMIT", "HOME", "Medicare", None, None, None, "UNKNOWN/NOT SPECIFIED",
        None, None, stay.diagnoses[0].title.upper(), 0, 1,
    )  # fmt: skip
    source = "carevue" if patient.period < 3 else "metavision"
    tables["ICUSTAYS"](
        number, patient.number, stay.number, 200_000 + number, source, "MICU", "MICU", 52, 52,
        stay.admitted, stay.discharged, 1,
    )  # fmt: skip
    _write_codes(tables["DIAGNOSES_ICD"], stay, stay.diagnoses, random)
    _write_codes(tables["PROCEDURES_ICD"], stay, stay.procedures, random)


def _write_codes(write: RowWriter, stay: Stay, codes: Sequence[TitledCode], random: Random) -> None:
    """Write the codes of a stay in no order: readers have to go by SEQ_NUM."""
    numbered = list(enumerate(codes, start=1))
    for sequence, code in random.sample(numbered, len(numbered)):
        write(stay.number * 100 + sequence, stay.patient.number, stay.number, sequence, code.code)


def _write_note(
    tables: dict[str, RowWriter],
    row_id: int,
    stay: Stay,
    description: str,
    text: str,
    wrong: int | None = None,
) -> None:
    day = _midnight(stay.discharged)
    tables["NOTEEVENTS"](
        row_id, stay.patient.number, stay.number, day, None, None, DISCHARGE, description, None,
        wrong, text,
    )  # fmt: skip


def _write_others(
    write: RowWriter, stays: Sequence[Stay], row_id: int, notes: int, random: Random
) -> Iterator[None]:
    if row_id >= notes:
        return
    bodies = [short_text(random) for _ in range(min(_BODIES, notes - row_id))]
    names, weights = list(_OTHER_CATEGORIES), list(_OTHER_CATEGORIES.values())
    categories = random.choices(names, weights, k=notes - row_id)
    for number, category in enumerate(categories, start=row_id + 1):
        stay = random.choice(stays)
        outside = random.random() < _NO_ADMISSION_SHARE
        written = stay.admitted + timedelta(hours=random.randrange(300))
        write(
            number, stay.patient.number, None if outside else stay.number, _midnight(written),
            written, written, category, "Report", None,
            1 if random.random() < _ERROR_SHARE else None, random.choice(bodies),
        )  # fmt: skip
        yield


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0)
