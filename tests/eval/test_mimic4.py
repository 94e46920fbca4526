import shutil

import pytest

from eval.datasets.icd_dots import with_dot
from knowledge.errors import UserError

TABLES = {
    "patients": "subject_id gender anchor_age anchor_year anchor_year_group",
    "admissions": "subject_id hadm_id admittime",
    "diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
    "procedures_icd": "subject_id hadm_id seq_num chartdate icd_code icd_version",
    "discharge": "note_id subject_id hadm_id note_type note_seq charttime storetime text",
}


def note(subject, admission, text, kind="DS", sequence=1):
    name = f"{subject}-{kind}-{sequence}"
    return (name, subject, admission, kind, sequence, "2130-01-09 00:00:00", "", text)


@pytest.fixture
def small_mimic4(tmp_path, write_table):
    """Writes a MIMIC-IV of three patients, with its notes beside ``hosp``."""
    tables = {
        "patients": [
            (1, "F", 52, 2130, "2008 - 2010"),
            (2, "M", 91, 2150, "2014 - 2016"),
            (3, "F", 88, 2140, "2017 - 2019"),
        ],
        "admissions": [
            (1, 10, "2130-01-02 03:04:05"),
            (2, 20, "2149-01-02 00:00:00"),
            (2, 21, "2152-01-02 00:00:00"),
            (3, 30, "2143-01-02 00:00:00"),
        ],
        "diagnoses_icd": [
            (1, 10, 1, "E8788  ", 9),
            (2, 20, 2, "I10", 10),
            (2, 20, 1, "E119", 10),
            (2, 21, 1, "4019", 9),
            (3, 30, 1, "T148XXA", 10),
        ],
        "procedures_icd": [
            (1, 10, 1, "2130-01-03", "9904", 9),
            (2, 20, 1, "2149-01-03", "02703DZ", 10),
        ],
        "discharge": [
            note(1, 10, "Complication."),
            note(2, 20, "Diabetes.", sequence=4),
            note(2, 21, "Pressure.", sequence=5),
            note(3, 30, "Injury."),
        ],
    }

    def write(**replaced):
        for name, rows in (tables | replaced).items():
            folder = tmp_path / "release" / ("note" if name == "discharge" else "hosp")
            write_table(folder / f"{name}.csv", TABLES[name], rows)
        return tmp_path / "release"

    return write


@pytest.mark.parametrize("release", ["2.2", "3.1"])
def test_a_made_up_release_is_read_as_documented(
    data, made_up, read_rows, read_table, tmp_path, release
):
    folder = made_up.mimic4[release]
    report = data("prepare", "mimic4", folder, tmp_path)
    found = {row["id"]: row for row in read_rows(tmp_path)}
    notes = read_table(folder.parents[1] / "mimic-iv-note" / "2.2" / "note" / "discharge.csv.gz")
    texts = {row["hadm_id"]: row["text"] for row in notes}
    mixed = report["dropped"]["admissions"].get("mixed_icd_versions", 0)
    assert len(found) == len(texts) - mixed
    assert report["dropped"]["admissions"]["no_text"] == 250 - len(texts)
    coded = {"diagnosis": {}, "procedure": {}}
    for kind, name in (("diagnosis", "diagnoses_icd"), ("procedure", "procedures_icd")):
        table = read_table(folder / "hosp" / f"{name}.csv.gz")
        for row in sorted(table, key=lambda row: int(row["seq_num"])):
            code = with_dot(row["icd_code"], int(row["icd_version"]), kind)
            coded[kind].setdefault(row["hadm_id"], []).append((row["icd_version"], code))
    for number, row in found.items():
        version = {"ICD-9-CM": "9", "ICD-10-CM": "10"}[row["code_system"]]
        assert row["text"] == texts[number]
        assert row["codes"] == [code for v, code in coded["diagnosis"][number] if v == version]
        procedures = coded["procedure"].get(number, [])
        assert row["procedure_codes"] == [code for _, code in procedures]
        assert {v for v, _ in coded["diagnosis"][number]} == {version}
    assert {row["code_system"] for row in found.values()} == {"ICD-9-CM", "ICD-10-CM"}


def test_ages_codes_and_code_systems(data, small_mimic4, read_rows, tmp_path):
    report = data("prepare", "mimic4", small_mimic4(), tmp_path / "out")
    rows = {row["id"]: row for row in read_rows(tmp_path / "out")}
    assert {name: (row["code_system"], row["codes"]) for name, row in rows.items()} == {
        "10": ("ICD-9-CM", ["E878.8"]),
        "20": ("ICD-10-CM", ["E11.9", "I10"]),
        "21": ("ICD-9-CM", ["401.9"]),
        "30": ("ICD-10-CM", ["T14.8XXA"]),
    }
    assert rows["10"]["procedure_codes"] == ["99.04"]
    assert rows["20"]["procedure_codes"] == ["02703DZ"]
    # 91 stands for any over 89: before the anchor year the age is unknown.
    ages = {name: row.get("age") for name, row in rows.items()}
    assert ages == {"10": 52, "20": None, "21": 90, "30": 90}
    assert report["splits"][0]["code_systems"] == {"ICD-10-CM": 2, "ICD-9-CM": 2}


def test_one_code_system_alone(data, small_mimic4, read_rows, tmp_path):
    release = small_mimic4()
    report = data("prepare", "mimic4", release, tmp_path / "out", "--code-system", "icd10cm")
    assert [row["id"] for row in read_rows(tmp_path / "out")] == ["20", "30"]
    assert report["dropped"]["admissions"] == {"other_code_system": 2}


def test_both_versions_of_icd_in_one_admission(data, small_mimic4, read_rows, tmp_path):
    release = small_mimic4(
        diagnoses_icd=[(1, 10, 1, "4019", 9), (1, 10, 2, "I10", 10), (3, 30, 1, "I10", 10)],
        procedures_icd=[(3, 30, 1, "", "9904", 9), (2, 20, 1, "", "9904", 9)],
    )
    report = data("prepare", "mimic4", release, tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert [(row["id"], row["codes"], row["procedure_codes"]) for row in rows] == [
        ("20", [], ["99.04"]),
        ("30", ["I10"], []),
    ]
    assert report["dropped"]["admissions"] == {"mixed_icd_versions": 1, "no_codes": 1}
    assert report["dropped"]["codes"] == {"procedure_in_other_icd_version": 1}


def test_addenda_follow_summaries(data, small_mimic4, read_rows, tmp_path):
    notes = [note(1, 10, "Added.", kind="AD"), note(1, 10, "Summary.", sequence=9)]
    data("prepare", "mimic4", small_mimic4(discharge=notes), tmp_path / "out")
    (row,) = read_rows(tmp_path / "out")
    assert row["text"] == "Summary.\n\nAdded."
    assert row["notes"] == [
        {"note_id": "1-DS-9", "description": "DS", "start": 0, "end": 8},
        {"note_id": "1-AD-1", "description": "AD", "start": 10, "end": 16},
    ]


def test_notes_are_found_where_they_are_named(data, small_mimic4, tmp_path):
    release = small_mimic4()
    shutil.move(release / "note", tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"the table discharge of MIMIC-IV-Note is missing"):
        data("prepare", "mimic4", release, tmp_path / "out")
    named = tmp_path / "elsewhere"
    report = data("prepare", "mimic4", release, tmp_path / "out", "--notes", named)
    assert report["rows"] == 4


def test_two_releases_below_one_folder_are_refused(data, made_up, tmp_path):
    for release in ("2.2", "3.1"):
        shutil.copytree(made_up.mimic4[release], tmp_path / "root" / "mimiciv" / release)
    with pytest.raises(UserError) as caught:
        data("prepare", "mimic4", tmp_path / "root", tmp_path / "out")
    assert "the table patients is there 2 times" in str(caught.value)
    assert str(caught.value).endswith("Fix: name the folder of one release.")
