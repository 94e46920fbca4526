"""Releases in the form of MIMIC: made up at random, and written by hand for the odd cases."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from eval.datasets.cli import data_group

MIMIC3_COLUMNS = {
    "NOTEEVENTS": "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CATEGORY DESCRIPTION ISERROR TEXT",
    "DIAGNOSES_ICD": "SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "PROCEDURES_ICD": "SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "PATIENTS": "SUBJECT_ID GENDER DOB",
    "ADMISSIONS": "SUBJECT_ID HADM_ID ADMITTIME",
    "ICUSTAYS": "SUBJECT_ID DBSOURCE",
}


def _run(*arguments: object) -> dict[str, Any]:
    command = [*map(str, arguments), "--json"]
    return json.loads(CliRunner().invoke(data_group, command, catch_exceptions=False).stdout)


def _read_table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write_table(path: Path, columns: str, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([columns.split(), *rows])


@pytest.fixture(scope="session")
def data() -> Callable[..., dict[str, Any]]:
    """Runs ``icd-agent data`` and returns its JSON."""
    return _run


@pytest.fixture(scope="session")
def read_table() -> Callable[[Path], list[dict[str, str]]]:
    """Reads a gzipped table with the csv module: another reader than the one under test."""
    return _read_table


@pytest.fixture(scope="session")
def write_table() -> Callable[..., None]:
    return _write_table


@pytest.fixture(scope="session")
def read_rows() -> Callable[[Path], list[dict[str, Any]]]:
    def read(folder: Path) -> list[dict[str, Any]]:
        lines = (
            line
            for path in sorted(folder.glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").split("\n")[:-1]
        )
        return sorted(map(json.loads, lines), key=lambda row: int(row["id"]))

    return read


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Made-up releases: mimic3, mimic4 (of the releases 2.2 and 3.1) and mdace."""
    folder = tmp_path_factory.mktemp("made_up")
    _run("synthesise", "mimic3", folder / "mimic3", "--admissions", 120, "--notes", 300)
    _run("synthesise", "mdace", folder / "mdace", "--admissions", 30, "--notes", 40)
    for release in ("2.2", "3.1"):
        command = ("synthesise", "mimic4", folder / release, "--admissions", 250)
        _run(*command, "--release", release)
    return SimpleNamespace(
        mimic3=folder / "mimic3",
        mimic4={release: folder / release / "mimiciv" / release for release in ("2.2", "3.1")},
        mdace=folder / "mdace" / "mdace",
        mdace_notes=folder / "mdace" / "mimiciii" / "1.4",
    )


@pytest.fixture
def small_mimic3(tmp_path: Path) -> Callable[..., Path]:
    """Writes a MIMIC-III of two patients with three admissions; tables given replace its own."""
    tables: dict[str, list[tuple[object, ...]]] = {
        "PATIENTS": [(1, "F", "2070-05-04 00:00:00"), (2, "M", "1851-01-01 00:00:00")],
        "ADMISSIONS": [
            (1, 100, "2130-05-03 11:00:00"),
            (1, 101, "2131-06-01 11:00:00"),
            (2, 200, "2151-02-03 04:05:06"),
        ],
        "DIAGNOSES_ICD": [
            (1, 100, 2, "25000"),
            (1, 100, 1, "0389"),
            (1, 101, 1, "V4581"),
            (2, 200, 1, "E8801"),
        ],
        "PROCEDURES_ICD": [(1, 100, 1, "9904"), (2, 200, 1, "0045")],
        "ICUSTAYS": [(1, "carevue"), (2, "metavision")],
        "NOTEEVENTS": [
            (12, 1, 100, "2130-05-09", "Discharge summary", "Report", "", "Sepsis."),
            (13, 1, 101, "2131-06-09", "Discharge summary", "Report", "", "Bypass."),
            (14, 2, 200, "2151-02-09", "Discharge summary", "Report", "", "Fall."),
        ],
    }

    def write(folder: str = "release", **replaced: list[tuple[object, ...]]) -> Path:
        for name, rows in (tables | replaced).items():
            _write_table(tmp_path / folder / f"{name}.csv", MIMIC3_COLUMNS[name], rows)
        return tmp_path / folder

    return write
