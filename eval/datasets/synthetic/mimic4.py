"""A made-up MIMIC-IV with MIMIC-IV-Note: the tables that `eval.datasets.mimic4` reads."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from eval.datasets.progress import Steps
from eval.datasets.synthetic.code_lists import TitledCode
from eval.datasets.synthetic.csv_files import RowWriter, open_table
from eval.datasets.synthetic.note_text import discharge_text
from eval.datasets.synthetic.stays import Hospital, Stay

PERIODS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019", "2020 - 2022")
# Release of the tables; the notes are those of MIMIC-IV-Note 2.2 with either.
RELEASES = ("2.2", "3.1")
_NOTE_RELEASE = "2.2"
_SUMMARY_SHARE, _MIXED_SHARE = 0.77, 0.002

_COLUMNS = {
    "patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
    "admissions": "subject_id hadm_id admittime dischtime deathtime admission_type "
    "admit_provider_id admission_location discharge_location insurance language marital_status "
    "race edregtime edouttime hospital_expire_flag",
    "diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
    "procedures_icd": "subject_id hadm_id seq_num chartdate icd_code icd_version",
}
_DISCHARGE = "note_id subject_id hadm_id note_type note_seq charttime storetime text"


def write_release(
    folder: Path, *, admissions: int, seed: int, release: str, steps: Steps
) -> list[Path]:
    """Write the tables below ``mimiciv`` and ``mimic-iv-note`` and return their paths.

    Args:
        folder: Where they go, in the folders of PhysioNet.
        admissions: Rows of ``admissions``; some three quarters have a discharge summary.
        seed: Of everything that is drawn.
        release: One of `RELEASES`; 3.1 has patients of a later period, who have no notes.
        steps: Where progress is shown.

    Raises:
        UserError: A file cannot be written.
    """
    hospital = Hospital(seed, icd9_only=False)
    hosp = folder / "mimiciv" / release / "hosp"
    notes = folder / "mimic-iv-note" / _NOTE_RELEASE / "note" / "discharge.csv.gz"
    paths = {name: hosp / f"{name}.csv.gz" for name in _COLUMNS} | {"discharge": notes}
    columns = _COLUMNS | {"discharge": _DISCHARGE}
    with ExitStack() as stack, steps.step("admissions", admissions) as advance:
        tables = {
            name: stack.enter_context(open_table(path, columns[name].split(), quote_header=False))
            for name, path in paths.items()
        }
        before = None
        for stay in hospital.stays(admissions):
            period = stay.patient.period if release == "3.1" else min(stay.patient.period, 3)
            if stay.patient != before:
                before = stay.patient
                tables["patients"](
                    before.number, before.sex, 91 if stay.age > 89 else stay.age,
                    stay.admitted.year, PERIODS[period], None,
                )  # fmt: skip
            _write_stay(tables, stay, hospital.random)
            if PERIODS[period] != PERIODS[-1] and hospital.random.random() < _SUMMARY_SHARE:
                _write_summary(tables["discharge"], stay, hospital.random)
            advance(1)
    return list(paths.values())


def _write_stay(tables: dict[str, RowWriter], stay: Stay, random: Random) -> None:
    patient = stay.patient.number
    tables["admissions"](
        patient, stay.number, stay.admitted, stay.discharged, None, "EW EMER.", "P00000",
        "EMERGENCY ROOM", "HOME", "Medicare", "English", "MARRIED", "UNKNOWN", None, None, 0,
    )  # fmt: skip
    mixed = random.random() < _MIXED_SHARE
    for sequence, code in _shuffled(stay.diagnoses, random):
        version = 19 - stay.version if mixed and sequence == 1 else stay.version
        tables["diagnoses_icd"](patient, stay.number, sequence, code.code, version)
    for sequence, code in _shuffled(stay.procedures, random):
        tables["procedures_icd"](
            patient, stay.number, sequence, stay.admitted, code.code, stay.version
        )


def _shuffled(codes: Sequence[TitledCode], random: Random) -> list[tuple[int, TitledCode]]:
    numbered = list(enumerate(codes, start=1))
    return random.sample(numbered, len(numbered))


def _write_summary(write: RowWriter, stay: Stay, random: Random) -> None:
    text = discharge_text(stay, random).text
    patient = stay.patient.number
    write(
        f"{patient}-DS-{stay.number}", patient, stay.number, "DS", 21, stay.discharged,
        stay.discharged, text,
    )  # fmt: skip
