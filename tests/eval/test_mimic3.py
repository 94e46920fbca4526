import datetime
import gzip

import pytest

from eval.datasets import admissions
from eval.datasets.synthetic.code_lists import titled_codes
from knowledge.code_systems.icd9cm import ICD9CM
from knowledge.dataset_row import read_rows as read_data_set
from knowledge.errors import UserError


def years_between(born, day):
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def expected_rows(folder, read_table):
    """What the documents promise, worked out with the csv module and plain loops."""
    table = {name: read_table(folder / f"{name}.csv.gz") for name in (
        "NOTEEVENTS", "DIAGNOSES_ICD", "PROCEDURES_ICD", "PATIENTS", "ADMISSIONS")}  # fmt: skip
    people = {person["SUBJECT_ID"]: person for person in table["PATIENTS"]}

    def codes(name, admission, dot):
        own = [row for row in table[name] if row["HADM_ID"] == admission]
        return [dot(row["ICD9_CODE"]) for row in sorted(own, key=lambda r: int(r["SEQ_NUM"]))]

    for admission in sorted(table["ADMISSIONS"], key=lambda row: int(row["HADM_ID"])):
        number = admission["HADM_ID"]
        notes = [
            note
            for note in table["NOTEEVENTS"]
            if note["CATEGORY"] == "Discharge summary"
            and note["HADM_ID"] == number
            and note["ISERROR"] != "1"
        ]
        notes.sort(key=lambda note: (note["DESCRIPTION"] == "Addendum", note["CHARTDATE"]))
        if not notes:
            continue
        person = people[admission["SUBJECT_ID"]]
        born, admitted = (
            datetime.datetime.fromisoformat(value)
            for value in (person["DOB"], admission["ADMITTIME"])
        )
        yield {
            "id": number,
            "text": "\n\n".join(note["TEXT"] for note in notes),
            "codes": codes("DIAGNOSES_ICD", number, ICD9CM.dotted),
            "procedure_codes": codes("PROCEDURES_ICD", number, lambda c: f"{c[:2]}.{c[2:]}"),
            "code_system": "ICD-9-CM",
            "patient": admission["SUBJECT_ID"],
            "split": "all",
            "language": "en",
            "sex": person["GENDER"],
            "age": min(90, years_between(born, admitted)),
            "setting": "inpatient",
            "note_ids": [note["ROW_ID"] for note in notes],
        }


def test_a_made_up_release_is_read_as_documented(data, made_up, read_rows, read_table, tmp_path):
    report = data("prepare", "mimic3", made_up.mimic3, tmp_path)
    found = read_rows(tmp_path)
    expected = list(expected_rows(made_up.mimic3, read_table))
    for row in found:
        row["note_ids"] = [note["note_id"] for note in row.pop("notes")]
    assert found == expected
    assert {row["age"] for row in found} & {90}
    assert any(len(row["note_ids"]) > 1 for row in found)
    assert any('"' in row["text"] for row in found)
    assert report["rows"] == len(expected)
    assert report["codes"] == sum(len(row["codes"]) for row in expected)
    assert report["dropped"]["admissions"] == {"no_text": 120 - len(expected)}
    assert len(list(read_data_set(tmp_path / "all.jsonl"))) == len(expected)
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"]


def test_age_codes_and_dots(data, small_mimic3, read_rows, tmp_path):
    data("prepare", "mimic3", small_mimic3(), tmp_path / "out")
    one, two, three = read_rows(tmp_path / "out")
    assert (one["codes"], one["procedure_codes"]) == (["038.9", "250.00"], ["99.04"])
    assert (two["codes"], two["procedure_codes"]) == (["V45.81"], [])
    assert (three["codes"], three["procedure_codes"]) == (["E880.1"], ["00.45"])
    # A day before the 60th birthday; 300 years old is 90 or older.
    assert (one["age"], two["age"], three["age"]) == (59, 61, 90)
    assert (one["sex"], three["sex"]) == ("F", "M")
    assert one["text"] == "Sepsis."
    assert not {"date", "evidence"} & one.keys()


AWKWARD = [
    'He said "no".\r\nThen, "yes"\n',
    "  \n\ttrailing blanks  \n\n",
    '"',
    "comma, semicolon; \\n backslash \\ and [**Name**]",
    "naïve café – 5 µg",
    "NULL",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_texts_are_kept_to_the_character(data, small_mimic3, read_rows, tmp_path, text):
    note = (12, 1, 100, "2130-05-09", "Discharge summary", "Report", "", text)
    data("prepare", "mimic3", small_mimic3(NOTEEVENTS=[note]), tmp_path / "out")
    (row,) = read_rows(tmp_path / "out")
    assert row["text"] == text


def test_addenda_follow_reports_and_their_offsets_are_told(data, small_mimic3, read_rows, tmp_path):
    summary = "Discharge summary"
    release = small_mimic3(
        NOTEEVENTS=[
            (5, 1, 100, "2130-05-01", summary, "Addendum", "", "added first"),
            (9, 1, 100, "2130-05-20", summary, "Report", "", "second\nreport"),
            (8, 1, 100, "2130-05-09", summary, "Report", "", "first report"),
            (7, 1, 100, "2130-05-09", summary, "Addendum", "1", "withdrawn"),
            (6, 1, 100, "2130-05-02", "Nursing", "Report", "", "no summary"),
            (4, 1, 100, "2130-05-21", summary, "Addendum", "", "added last"),
            (3, 1, 101, "2130-05-21", summary, "Report", "", ""),
        ]
    )
    report = data("prepare", "mimic3", release, tmp_path / "out")
    (row,) = read_rows(tmp_path / "out")
    assert row["text"] == "first report\n\nsecond\nreport\n\nadded first\n\nadded last"
    pieces = {note["note_id"]: row["text"][note["start"] : note["end"]] for note in row["notes"]}
    assert pieces == {
        "8": "first report",
        "9": "second\nreport",
        "5": "added first",
        "4": "added last",
    }
    assert report["dropped"]["notes"] == {"marked_as_error": 1, "empty_text": 1}
    assert report["dropped"]["admissions"] == {"no_text": 2}


def test_what_is_left_out_is_counted(data, small_mimic3, read_rows, tmp_path):
    release = small_mimic3(
        DIAGNOSES_ICD=[
            (1, 100, 1, "0389"),
            (1, 100, 2, ""),
            (1, 100, 3, "25000"),
            (1, 100, 4, "0389"),
            (1, 100, 5, "03 89"),
        ],
        PROCEDURES_ICD=[(2, 200, 1, "0045")],
    )
    report = data("prepare", "mimic3", release, tmp_path / "out")
    one, other = read_rows(tmp_path / "out")
    assert one["codes"] == ["038.9", "250.00"]
    assert (other["codes"], other["procedure_codes"]) == ([], ["00.45"])
    assert report["dropped"]["codes"] == {"empty": 1, "malformed": 1, "repeated": 1}
    assert report["dropped"]["admissions"] == {"no_codes": 1}


def test_notes_without_an_admission(data, small_mimic3, tmp_path):
    summary = "Discharge summary"
    release = small_mimic3(
        NOTEEVENTS=[
            (12, 1, 100, "2130-05-09", summary, "Report", "", "Sepsis."),
            (13, 1, 999, "2130-05-09", summary, "Report", "", "Lost."),
            (14, 1, "", "2130-05-09", summary, "Report", "", "Nowhere."),
        ]
    )
    with pytest.raises(UserError) as caught:
        data("prepare", "mimic3", release, tmp_path / "out")
    assert str(caught.value) == (
        "1 notes belong to admissions that the table of admissions lacks: note 13 of admission "
        "999. "
        "Fix: use notes and tables of one release, or leave such notes out with "
        "--skip-orphan-notes."
    )
    report = data("prepare", "mimic3", release, tmp_path / "out", "--skip-orphan-notes")
    assert report["dropped"]["notes"] == {"no_admission_id": 1, "unknown_admission": 1}


def problem_of(data, release, tmp_path, *options):
    with pytest.raises(UserError) as caught:
        data("prepare", "mimic3", release, tmp_path / "out", *options)
    assert list((tmp_path / "out").iterdir()) == []
    return str(caught.value).replace(str(release), "SRC")


def test_a_missing_table_is_named(data, small_mimic3, tmp_path):
    release = small_mimic3()
    (release / "PATIENTS.csv").unlink()
    assert problem_of(data, release, tmp_path) == (
        "the table PATIENTS of MIMIC-III v1.4 is missing; looked for (or as .csv): "
        "SRC/PATIENTS.csv.gz, SRC/1.4/PATIENTS.csv.gz, SRC/mimiciii/1.4/PATIENTS.csv.gz, "
        "SRC/files/mimiciii/1.4/PATIENTS.csv.gz. "
        "Fix: give the folder of MIMIC-III v1.4 as PhysioNet publishes it."
    )


def test_missing_columns_are_named(data, small_mimic3, tmp_path, write_table):
    release = small_mimic3()
    write_table(release / "PATIENTS.csv", "SUBJECT_ID SEX BORN", [])
    assert problem_of(data, release, tmp_path) == (
        "SRC/PATIENTS.csv lacks the columns GENDER, DOB of MIMIC-III v1.4; found: SUBJECT_ID, SEX, "
        "BORN. Fix: give the folder of MIMIC-III v1.4 as PhysioNet publishes it."
    )


@pytest.mark.parametrize("damage", ["cut", "altered", "plain"])
def test_damaged_gzip_files_are_named(data, small_mimic3, tmp_path, damage):
    release = small_mimic3()
    plain = (release / "NOTEEVENTS.csv").read_bytes()
    (release / "NOTEEVENTS.csv").unlink()
    packed = bytearray(gzip.compress(plain * 50, compresslevel=0))
    packed[200] ^= 1
    damaged = {"cut": bytes(packed)[:150], "altered": bytes(packed), "plain": plain}
    (release / "NOTEEVENTS.csv.gz").write_bytes(damaged[damage])
    problem = problem_of(data, release, tmp_path)
    assert problem.startswith("SRC/NOTEEVENTS.csv.gz ")
    assert "complete gzip" in problem or "cannot be read" in problem


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"x,1,100,1,0389\n", "Expected Number of Columns: 4 Found: 5"),
        (b"1,one,1,0389\n", 'Error when converting column "HADM_ID"'),
        (b'1,100,1,"0389\n', "Value with unterminated quote found"),
    ],
)
def test_malformed_lines_are_named_without_what_they_hold(
    data, small_mimic3, tmp_path, line, problem
):
    release = small_mimic3()
    with (release / "DIAGNOSES_ICD.csv").open("ab") as stream:
        stream.write(line)
    assert problem_of(data, release, tmp_path) == (
        f"SRC/DIAGNOSES_ICD.csv, line 6: {problem}. "
        "Fix: fetch the file anew; an editor or spreadsheet may have changed it."
    )


def test_an_admission_that_is_there_twice_is_refused(data, small_mimic3, tmp_path):
    release = small_mimic3(PATIENTS=[(1, "F", "2070-05-04"), (1, "F", "2070-05-04")])
    assert "repeat an admission" in problem_of(data, release, tmp_path)


def test_an_earlier_output_stays_when_a_later_run_fails(data, small_mimic3, tmp_path):
    release = small_mimic3()
    report = data("prepare", "mimic3", release, tmp_path / "out")
    before = (tmp_path / "out" / "all.jsonl").read_bytes()
    (release / "ADMISSIONS.csv").unlink()
    with pytest.raises(UserError):
        data("prepare", "mimic3", release, tmp_path / "out")
    assert (tmp_path / "out" / "all.jsonl").read_bytes() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["all.jsonl"]
    assert report["peak_memory_mb"] > 0


def test_names_in_lower_case_and_in_physionets_folders(data, small_mimic3, tmp_path):
    release = small_mimic3(folder="root/mimiciii/1.4")
    for path in list(release.iterdir()):
        path.rename(path.with_name(path.name.lower()))
    assert data("prepare", "mimic3", tmp_path / "root", tmp_path / "out")["rows"] == 3


def test_made_up_codes_are_real_ones():
    assert ("0389", "Unspecified septicemia") in titled_codes(9, "diagnosis")


def test_texts_that_take_several_passes_come_out_the_same(data, made_up, tmp_path, monkeypatch):
    command = ["prepare", "mimic3", made_up.mimic3, tmp_path]
    one_pass = data(*command)["splits"][0]["sha256"]
    monkeypatch.setattr(admissions, "_PASS_BYTES", 30_000)
    assert data(*command)["splits"][0]["sha256"] == one_pass
