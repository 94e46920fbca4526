import duckdb
import pytest

from eval.datasets.split_files import read_split_files
from knowledge.errors import UserError


def parts_of(rows):
    parts = {}
    for row in rows:
        parts.setdefault(row["split"], []).append(row["id"])
    return parts


@pytest.fixture
def write(tmp_path):
    def written(name, content):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return written


def test_lists_are_named_for_their_parts(write):
    files = [
        write("train_full_hadm_ids.csv", "100\n101\n"),
        write("dev_50_hadm_ids.csv", "hadm_id\n102\n"),
        write("MDace-code-ev-val.csv", "103.0\n\n"),
        write("test.csv", "row,hadm_id\n0,104\n"),
    ]
    assert read_split_files(files) == {
        "100": "train",
        "101": "train",
        "102": "dev",
        "103": "dev",
        "104": "test",
    }


def test_tables_have_a_column_of_parts(write, tmp_path):
    expected = {"100": "train", "101": "dev", "102": "test"}
    table = write("mimiciii_clean_splits.csv", "_id,split\n100,train\n101,val\n102,test\n")
    assert read_split_files([table]) == expected
    duckdb.execute(
        "COPY (SELECT * FROM (VALUES (100, 'train'), (101, 'val'), (102, 'test')) t(_id, splits)) "
        f"TO '{tmp_path / 'splits.parquet'}' (FORMAT parquet)"
    )
    assert read_split_files([tmp_path / "splits.parquet"]) == expected


def test_feather_is_read_where_pyarrow_is_installed(tmp_path):
    path = tmp_path / "splits.feather"
    path.write_bytes(b"")
    try:
        import pyarrow as arrow
        from pyarrow.feather import write_feather
    except ModuleNotFoundError:
        with pytest.raises(UserError, match="Feather needs pyarrow") as caught:
            read_split_files([path])
        assert str(caught.value).endswith("pip install pyarrow, or save the file as CSV.")
    else:
        write_feather(arrow.table({"_id": [100], "split": ["val"]}), str(path))
        assert read_split_files([path]) == {"100": "dev"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("ids.csv", "100\n", "the name of a list must have one of the words train, dev, val"),
        ("train_test.csv", "100\n", "the name of a list must have one of the words train"),
        ("train.csv", "abc\n", '"abc" is no hadm_id'),
        ("train.csv", "", "holds no ids"),
        ("splits.csv", "_id,split\n100,holdout\n", '"holdout" is no part; allowed: train, dev'),
        ("splits.parquet", "not parquet", "cannot be read"),
    ],
)
def test_unusable_files_are_named(write, name, content, problem):
    path = write(name, content)
    with pytest.raises(UserError) as caught:
        read_split_files([path])
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_an_admission_in_two_parts_is_refused(write):
    files = [write("train.csv", "100\n"), write("test.csv", "100\n")]
    with pytest.raises(UserError, match="admission 100 is in test and in train"):
        read_split_files(files)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no such file.*chronological and random"):
        read_split_files([tmp_path / "chronologic"])


def test_given_files_make_the_parts(data, small_mimic3, read_rows, tmp_path, write):
    files = [write("train.csv", "100\n101\n777\n"), write("test.csv", "200\n")]
    options = [word for path in files for word in ("--split", path)]
    report = data("prepare", "mimic3", small_mimic3(), tmp_path / "out", *options)
    assert parts_of(read_rows(tmp_path / "out")) == {"train": ["100", "101"], "test": ["200"]}
    assert report["split_ids_without_row"] == 1
    assert [part["split"] for part in report["splits"]] == ["train", "test"]


def test_admissions_in_no_part_are_left_out_and_counted(data, small_mimic3, tmp_path, write):
    split = write("train.csv", "100\n")
    report = data("prepare", "mimic3", small_mimic3(), tmp_path / "out", "--split", split)
    assert report["dropped"]["admissions"] == {"in_no_split": 2}


def test_a_patient_in_two_parts_is_refused_unless_allowed(
    data, small_mimic3, read_rows, tmp_path, write
):
    files = [write("train.csv", "100\n"), write("test.csv", "101\n200\n")]
    command = ["prepare", "mimic3", small_mimic3(), tmp_path / "out"]
    command += [word for path in files for word in ("--split", path)]
    with pytest.raises(UserError) as caught:
        data(*command)
    assert str(caught.value) == (
        "the split puts 1 patients into more than one part: 1. "
        "Fix: mend the split, or add --allow-patient-overlap to take it as it is."
    )
    assert list((tmp_path / "out").iterdir()) == []
    report = data(*command, "--allow-patient-overlap")
    assert report["patients_in_several_splits"] == ["1"]
    assert parts_of(read_rows(tmp_path / "out")) == {"train": ["100"], "test": ["101", "200"]}


def test_split_files_of_another_data_set_are_refused(data, small_mimic3, tmp_path, write):
    split = write("train.csv", "999\n")
    with pytest.raises(UserError, match=r'no admission of .*train.csv has text .*"999"'):
        data("prepare", "mimic3", small_mimic3(), tmp_path / "out", "--split", split)


def test_ways_to_split_are_not_mixed(data, small_mimic3, tmp_path):
    with pytest.raises(UserError, match="chronological and random stand alone"):
        data("prepare", "mimic3", small_mimic3(), tmp_path / "out", "--split", "random",
             "--split", "chronological")  # fmt: skip


def patients_by_part(rows):
    patients = {}
    for row in rows:
        patients.setdefault(row["split"], set()).add(row["patient"])
    return patients


def test_a_random_split_parts_patients_and_keeps_its_shares(data, made_up, read_rows, tmp_path):
    command = ["prepare", "mimic3", made_up.mimic3]
    report = data(*command, tmp_path / "one", "--split", "random", "--test-share", 0.2)
    rows = read_rows(tmp_path / "one")
    patients = patients_by_part(rows)
    assert sum(map(len, patients.values())) == len(set().union(*patients.values()))
    shares = {part["split"]: part["rows"] / len(rows) for part in report["splits"]}
    assert shares == pytest.approx({"train": 0.7, "dev": 0.1, "test": 0.2}, abs=0.04)
    again = data(*command, tmp_path / "two", "--split", "random", "--test-share", 0.2)
    assert [part["sha256"] for part in again["splits"]] == [
        part["sha256"] for part in report["splits"]
    ]
    other = data(*command, tmp_path / "three", "--split", "random", "--seed", 14, "--dev-share", 0)
    assert [part["split"] for part in other["splits"]] == ["train", "test"]


def test_mimic_iv_is_split_by_anchor_year_group(data, made_up, read_rows, read_table, tmp_path):
    release = made_up.mimic4["3.1"]
    data("prepare", "mimic4", release, tmp_path, "--split", "chronological")
    people = read_table(release / "hosp" / "patients.csv.gz")
    group = {person["subject_id"]: person["anchor_year_group"] for person in people}
    patients = patients_by_part(read_rows(tmp_path))
    assert {part: {group[p] for p in found} for part, found in patients.items()} == {
        "train": {"2008 - 2010", "2011 - 2013"},
        "dev": {"2014 - 2016"},
        "test": {"2017 - 2019"},
    }


def test_mimic_iii_is_split_by_the_system_that_recorded_the_stay(
    data, small_mimic3, read_rows, tmp_path
):
    people = [(number, "F", "2070-01-01") for number in range(1, 9)]
    sources = ["carevue"] * 5 + ["metavision"] * 2 + ["both"]
    summary = "Discharge summary"
    release = small_mimic3(
        PATIENTS=people,
        ADMISSIONS=[(number, number * 100, "2130-01-01") for number in range(1, 9)],
        DIAGNOSES_ICD=[(number, number * 100, 1, "4019") for number in range(1, 9)],
        PROCEDURES_ICD=[],
        ICUSTAYS=[*enumerate(sources, start=1), (7, "carevue")],
        NOTEEVENTS=[
            (number, number, number * 100, "2130-01-02", summary, "Report", "", f"Note {number}.")
            for number in range(1, 9)
        ],
    )
    command = ["prepare", "mimic3", release, tmp_path / "out", "--split", "chronological"]
    report = data(*command, "--dev-share", 0.2)
    parts = parts_of(read_rows(tmp_path / "out"))
    assert parts["test"] == ["600"]
    assert len(parts["dev"]) == 1
    assert sorted(parts["train"] + parts["dev"]) == ["100", "200", "300", "400", "500"]
    assert report["dropped"]["admissions"] == {"patient_in_no_or_several_eras": 2}


def test_one_era_is_no_chronology(data, small_mimic3, tmp_path):
    release = small_mimic3(ICUSTAYS=[(1, "carevue"), (2, "carevue")])
    with pytest.raises(UserError) as caught:
        data("prepare", "mimic3", release, tmp_path / "out", "--split", "chronological")
    assert str(caught.value) == (
        "a chronological split needs two eras, found 2001-2008 (CareVue). Fix: use --split random."
    )
