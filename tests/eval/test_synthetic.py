import csv
import gzip
from random import Random

import pytest

from eval.datasets.synthetic.csv_files import open_table, quoted
from eval.datasets.synthetic.note_text import discharge_text
from eval.datasets.synthetic.stays import Hospital
from knowledge.errors import UserError

# As the documentation of the releases gives them.
MIMIC3_NOTES = (
    "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,DESCRIPTION,CGID,ISERROR,TEXT"
)
MIMIC4_NOTES = "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text"


def first_line(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return stream.readline()


def test_headers_are_those_of_the_releases(made_up):
    quoted_names = ",".join(map(quoted, MIMIC3_NOTES.split(",")))
    assert first_line(made_up.mimic3 / "NOTEEVENTS.csv.gz") == f"{quoted_names}\n"
    notes = made_up.mimic4["3.1"].parents[1] / "mimic-iv-note" / "2.2" / "note"
    assert first_line(notes / "discharge.csv.gz") == f"{MIMIC4_NOTES}\n"


def test_notes_are_as_many_and_as_awkward_as_asked(made_up, read_table):
    notes = read_table(made_up.mimic3 / "NOTEEVENTS.csv.gz")
    assert [int(note["ROW_ID"]) for note in notes] == list(range(1, 301))
    assert len(read_table(made_up.mimic3 / "ADMISSIONS.csv.gz")) == 120
    summaries = [note for note in notes if note["CATEGORY"] == "Discharge summary"]
    assert 100 < len(summaries) < 130
    assert {note["DESCRIPTION"] for note in summaries} == {"Report", "Addendum"}
    assert all("\n" in note["TEXT"] for note in notes)
    assert any('"' in note["TEXT"] for note in notes)
    assert any(note["HADM_ID"] == "" for note in notes)
    sequences = [int(row["SEQ_NUM"]) for row in read_table(made_up.mimic3 / "DIAGNOSES_ICD.csv.gz")]
    assert sequences != sorted(sequences)


def test_the_same_seed_makes_the_same_tables(data, made_up, read_table, tmp_path):
    command = ["synthesise", "mimic3", tmp_path, "--admissions", 120, "--notes", 300]
    data(*command)
    for path in made_up.mimic3.iterdir():
        assert read_table(tmp_path / path.name) == read_table(path)
    data(*command, "--seed", 14)
    assert read_table(tmp_path / "PATIENTS.csv.gz") != read_table(
        made_up.mimic3 / "PATIENTS.csv.gz"
    )


def test_every_code_is_named_where_the_mentions_say():
    for stay in Hospital(5, icd9_only=False).stays(20):
        text, mentions = discharge_text(stay, Random(1))
        assert {mention.code for mention in mentions} == {*stay.diagnoses, *stay.procedures}
        assert all(text[m.start : m.end] == m.code.title for m in mentions)
        assert stay.admitted < stay.discharged
        assert 0 <= stay.age <= 110


def test_fields_are_quoted_as_csv_wants_them(tmp_path):
    texts = ['say "no"', "two\nlines", "carriage\r\nreturn", "a,b", ""]
    with open_table(tmp_path / "t.csv.gz", ["A", "B", "C"], quote_header=True) as write:
        for number, text in enumerate(texts):
            write(number, None, text)
    with gzip.open(tmp_path / "t.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [["A", "B", "C"], *([str(n), "", text] for n, text in enumerate(texts))]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / "file" / "t.csv.gz"
    with (
        pytest.raises(UserError, match="cannot be written"),
        open_table(path, ["A"], quote_header=False),
    ):
        pass
