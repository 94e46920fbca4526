import json
import shutil

import pytest

from eval.datasets.synthetic.code_lists import titled_codes
from knowledge.code_systems.icd9cm import ICD9CM
from knowledge.errors import UserError

TEXT = 'Treated for\nsepsis and "diabetes".\n'


def annotation(code, covered, code_system="ICD-10-CM", text=TEXT, **changed):
    begin = text.index(covered) if covered in text else 0
    return {
        "begin": begin,
        "end": begin + len(covered),
        "code": code,
        "code_system": code_system,
        "description": "",
        "type": "Human",
        "covered_text": covered,
    } | changed


def chart(*notes, hadm_id=100):
    return {
        "hadm_id": hadm_id,
        "notes": [
            {"note_id": note, "category": "x", "annotations": found} for note, found in notes
        ],
    }


@pytest.fixture
def prepare(data, small_mimic3, read_rows, tmp_path):
    """Prepares charts, with two notes of one admission in MIMIC-III."""
    notes = [
        (12, 1, 100, "2130-05-09", "Discharge summary", "Report", "", TEXT),
        (11, 1, 100, "2130-05-02", "Physician ", "Report", "", "Sepsis on admission."),
    ]
    release = small_mimic3(NOTEEVENTS=notes)
    folder = tmp_path / "mdace"
    folder.mkdir()

    def prepared(**charts):
        for name, content in charts.items():
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        report = data("prepare", "mdace", folder, tmp_path / "out", "--mimic", release)
        return report, read_rows(tmp_path / "out")

    return prepared


def test_a_made_up_release_with_its_split_files(data, made_up, read_rows, tmp_path):
    splits = made_up.mdace / "splits" / "inpatient"
    options = [
        word
        for part in ("train", "val", "test")
        for word in ("--split", splits / f"MDace-code-ev-{part}.csv")
    ]
    annotations = made_up.mdace / "data" / "Inpatient" / "ICD-9" / "1.0"
    command = ["prepare", "mdace", annotations, tmp_path, "--mimic", made_up.mdace_notes]
    report = data(*command, *options)
    title_of = {
        "diagnosis": {ICD9CM.dotted(code): title for code, title in titled_codes(9, "diagnosis")},
        "procedure": {f"{c[:2]}.{c[2:]}": title for c, title in titled_codes(9, "procedure")},
    }
    rows = read_rows(tmp_path)
    assert report["mismatches"] == []
    assert report["evidence"] == sum(len(row["evidence"]) for row in rows) > 100
    for row in rows:
        for item in row["evidence"]:
            words = row["text"][item["start"] : item["end"]]
            assert words == title_of[item["kind"]][item["code"]]
        assert {item["code"] for item in row["evidence"]} == {
            *row["codes"],
            *row["procedure_codes"],
        }
    listed = {
        name: (splits / f"MDace-code-ev-{file}.csv").read_text(encoding="utf-8").split()
        for name, file in (("train", "train"), ("dev", "val"), ("test", "test"))
    }
    for name, numbers in listed.items():
        assert [row["id"] for row in rows if row["split"] == name] == numbers


def test_offsets_are_moved_into_the_joined_text(prepare):
    notes = (
        (12, [annotation("A419", "sepsis"), annotation("E11.9", "diabetes")]),
        (11, [annotation("A41.9", "Sepsis", text="Sepsis on admission.")]),
    )
    report, (row,) = prepare(one=chart(*notes))
    assert row["text"] == f"Sepsis on admission.\n\n{TEXT}"
    assert row["codes"] == ["A41.9", "E11.9"]
    assert row["code_system"] == "ICD-10-CM"
    found = [(item["code"], row["text"][item["start"] : item["end"]]) for item in row["evidence"]]
    assert found == [("A41.9", "Sepsis"), ("A41.9", "sepsis"), ("E11.9", "diabetes")]
    assert report["mismatches"] == []


def test_a_file_may_hold_one_note(prepare):
    note = {"hadm_id": 100, "note_id": 12, "annotations": [annotation("A41.9", "sepsis")]}
    _, (row,) = prepare(one=note)
    assert row["codes"] == ["A41.9"]


def test_evidence_that_is_elsewhere_is_left_out_and_named(prepare):
    notes = [
        annotation("A41.9", "sepsis", begin=0, end=6),
        annotation("E11.9", "diabetes", end=999),
        annotation("I10", "for sepsis", begin=8, end=18),
        annotation("J18.9", "", covered_text=None, begin=3, end=5),
    ]
    report, (row,) = prepare(one=chart((12, notes)))
    common = {"admission": "100", "note_id": "12"}
    assert report["mismatches"] == [
        common
        | {"code": "A41.9", "begin": 0, "end": 6, "problem": "other words than covered_text"},
        common | {"code": "E11.9", "begin": 24, "end": 999, "problem": "outside the note"},
    ]
    # A line break that became a blank is the same words; without covered_text there is no check.
    assert [item["code"] for item in row["evidence"]] == ["I10", "J18.9"]
    assert row["codes"] == ["A41.9", "E11.9", "I10", "J18.9"]


def test_kinds_of_codes_and_other_systems(prepare):
    notes = [
        annotation("038.9", "sepsis", "ICD-9-CM"),
        annotation("99.04", "diabetes", "ICD-9-CM"),
        annotation("9915", "for", "ICD-9-PCS"),
        annotation("99291", "Treated", "CPT"),
    ]
    report, (row,) = prepare(one=chart((12, notes)))
    assert (row["codes"], row["procedure_codes"]) == (["038.9"], ["99.04", "99.15"])
    assert [item["kind"] for item in row["evidence"]] == ["diagnosis", "procedure", "procedure"]
    assert report["dropped"]["codes"] == {"code_system CPT": 1}


@pytest.mark.parametrize(
    ("charts", "problem"),
    [
        ({"a": chart((77, []))}, "1 notes of SRC are not in MIMIC/NOTEEVENTS.csv: ROW_ID 77."),
        (
            {"a": chart((12, []), hadm_id=101)},
            "1 notes of SRC belong to another admission in MIMIC-III: note 12 to 100, not 101.",
        ),
        (
            {"a": chart((12, [])), "b": chart((12, []))},
            "note 12 is annotated in SRC/a.json and in SRC/b.json.",
        ),
        ({"a": {"hadm_id": 100, "notes": [{}]}}, 'SRC/a.json: "notes.0.note_id": field required.'),
    ],
)
def test_annotations_that_do_not_fit_are_refused(prepare, tmp_path, charts, problem):
    with pytest.raises(UserError) as caught:
        prepare(**charts)
    shown = str(caught.value).replace(str(tmp_path / "mdace"), "SRC")
    shown = shown.replace(str(tmp_path / "release"), "MIMIC")
    assert shown.replace(". Fix:", " Fix:").startswith(problem.removesuffix(".") + " Fix:")


def test_an_empty_folder_is_named(prepare, tmp_path):
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    with pytest.raises(UserError, match=r"mdace holds no \.json file"):
        prepare()
