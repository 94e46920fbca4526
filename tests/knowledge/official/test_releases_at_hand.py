"""Finding official files, reading the release they are, and choosing among releases."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from knowledge.code_systems import get_code_system
from knowledge.code_systems._tabular import cache_path, write_cache
from knowledge.errors import UserError
from knowledge.official.folder import find_official_files
from knowledge.official.releases_at_hand import (
    ADOPTED_TABULAR,
    icd10cm_of,
    releases_at_hand,
    write_adopted,
)
from knowledge.releases import release_on

OFFICIAL = Path(__file__).parents[2] / "data" / "official"
TABULAR = OFFICIAL / "icd10cm-tabular-2026-10-01.xml"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))


def test_files_are_found_by_name():
    folder = find_official_files(OFFICIAL)
    assert set(folder.files) == {"tabular", "index", "neoplasm", "drug", "eindex"}
    assert folder.release == date(2026, 10, 1)
    assert folder.code_list == OFFICIAL / "icd10cm-codes-2026-10-01.txt"


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("icd10cm-tabular-2026-10-01.xml", date(2026, 10, 1)),
        ("icd10cm-tabular-2027.xml", date(2026, 10, 1)),
        ("icd10cm_tabular_2027.xml", date(2026, 10, 1)),
        ("icd10cm-tabular_2027-04-01.xml", date(2027, 4, 1)),
        ("icd10c-tabular-April-1-2027.xml", date(2027, 4, 1)),
        ("icd10cm-tabular-April-2027.xml", date(2027, 4, 1)),
        ("ICD10CM-Tabular.XML", date(2026, 10, 1)),
    ],
)
def test_names_and_version_tell_the_release(tmp_path, name, start):
    shutil.copy(TABULAR, tmp_path / name)
    (tmp_path / "icd10cm-tabular-2027-addenda.xml").write_text("not read", encoding="utf-8")
    assert find_official_files(tmp_path).files["tabular"].release == start


def test_a_name_of_another_year_than_the_version_is_refused(tmp_path):
    shutil.copy(TABULAR, tmp_path / "icd10cm-tabular-2025.xml")
    with pytest.raises(UserError, match="fiscal year 2027 by its <version>, of 2025 by its name"):
        find_official_files(tmp_path)


def test_two_files_of_a_kind_are_refused(tmp_path):
    shutil.copy(TABULAR, tmp_path)
    shutil.copy(TABULAR, tmp_path / "icd10cm_tabular_2027.xml")
    with pytest.raises(UserError, match="two files of the tabular table"):
        find_official_files(tmp_path)


def test_files_of_two_years_are_refused(tmp_path):
    shutil.copy(TABULAR, tmp_path)
    index = (OFFICIAL / "icd10cm-index-2026-10-01.xml").read_text(encoding="utf-8")
    old = index.replace("<version>2027", "<version>2026")
    (tmp_path / "icd10cm-index-2026.xml").write_text(old, encoding="utf-8")
    with pytest.raises(UserError, match="different fiscal years"):
        find_official_files(tmp_path)


def test_a_folder_without_official_files_names_what_is_expected(tmp_path):
    (tmp_path / "notes.xml").write_text("<a/>", encoding="utf-8")
    with pytest.raises(UserError, match="icd10cm-neoplasm-YYYY-MM-DD"):
        find_official_files(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        find_official_files(tmp_path / "missing")


def test_the_tabular_list_of_a_folder_is_a_release():
    system = icd10cm_of(OFFICIAL)
    assert system.release == "2026-10-01"
    assert list(system.codes(billable_only=True)) == [
        "C50",
        "D24",
        "J18.1",
        "J18.9",
        "J19",
        "T59.811A",
        "T59.811D",
        "T59.812A",  # the code list has no T59.812D
        "W07",
    ]
    assert system.get("T59.811D").title == "Toxic effect of smoke, accidental, later visit"
    assert [note.kind for note in system.notes("J18.1")] == ["code_first", "excludes2"]


def test_without_code_list_the_exceptions_of_the_installed_release_hold(tmp_path):
    write_cache(get_code_system().table, cache_path())  # spares the test the parsing
    shutil.copy(TABULAR, tmp_path)
    assert "T59.812D" in icd10cm_of(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>J18.1</name>", "", r"line 36: <diag> stands without a name"),
        ("<desc>Lobar pneumonia</desc>", "", r"line 36: <diag> stands without a title"),
        ("</chapter>", "", "no well-formed XML"),
    ],
)
def test_a_damaged_tabular_list_is_refused_with_its_line(tmp_path, old, new, message):
    text = TABULAR.read_text(encoding="utf-8").replace(old, new)
    (tmp_path / TABULAR.name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        icd10cm_of(tmp_path)


def test_an_adopted_release_is_kept_whole(tmp_path):
    system = icd10cm_of(OFFICIAL)
    write_adopted(tmp_path / ADOPTED_TABULAR, system)
    kept = icd10cm_of(tmp_path)
    assert kept.release == system.release
    assert [kept.get(code) for code in kept.codes()] == [system.get(c) for c in system.codes()]
    assert [kept.notes(c) for c in kept.codes()] == [system.notes(c) for c in system.codes()]
    first = (tmp_path / ADOPTED_TABULAR).read_bytes()
    write_adopted(tmp_path / ADOPTED_TABULAR, system)
    assert (tmp_path / ADOPTED_TABULAR).read_bytes() == first


@pytest.mark.parametrize("payload", [b"", b"\x1f\x8b\x08\x00", b"{}"])
def test_a_damaged_adopted_release_is_refused(tmp_path, payload):
    (tmp_path / ADOPTED_TABULAR).write_bytes(payload)
    with pytest.raises(UserError, match="is damaged"):
        icd10cm_of(tmp_path)


def test_without_tabular_list_a_folder_is_no_release(tmp_path):
    shutil.copy(OFFICIAL / "icd10cm-drug-2026-10-01.xml", tmp_path)
    with pytest.raises(UserError, match="holds no tabular list"):
        icd10cm_of(tmp_path)


def test_the_date_decides_among_the_releases_at_hand():
    at_hand = releases_at_hand([OFFICIAL])
    assert [str(r.start) for r in at_hand] == ["2014-10-01", "2026-04-01", "2026-10-01"]
    assert release_on(date(2026, 11, 25), at_hand).start == date(2026, 10, 1)
    assert release_on(date(2026, 5, 1), at_hand).start.isoformat() == get_code_system().release
    with pytest.raises(UserError, match="icd10cm 2027-04-01"):
        release_on(date(2027, 4, 1), at_hand)
