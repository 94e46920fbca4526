import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.jsonl import write_jsonl
from knowledge.dataset_row import DatasetRow, read_rows
from knowledge.errors import UserError
from knowledge.jsonl import JsonLine, read_jsonl
from knowledge.records import read_records

ONE_OBJECT = "Fix: put one whole JSON object on each line."
UTF8 = "Fix: save the file in the encoding UTF-8."
OWN_ID = "Fix: give every note its own id."


def write(folder: Path, content: bytes, name: str = "notes.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_bom_blank_lines_and_crlf_are_passed_over(tmp_path):
    path = write(tmp_path, b'\xef\xbb\xbf{"id": "a"}\r\n\r\n  \n{"id": "b"}')
    assert list(read_jsonl(path)) == [JsonLine(1, {"id": "a"}), JsonLine(4, {"id": "b"})]


def test_line_separators_inside_a_string_do_not_end_the_line(tmp_path):
    path = write(tmp_path, '{"id": "a", "text": "x\u2028y\x85z"}\n'.encode())
    assert [line.value["text"] for line in read_jsonl(path)] == ["x\u2028y\x85z"]


def test_gzip_is_read_by_its_ending(tmp_path):
    path = write(tmp_path, gzip.compress('{"id": "niño"}\n'.encode()), "notes.jsonl.gz")
    assert list(read_jsonl(path)) == [JsonLine(1, {"id": "niño"})]


def test_reading_streams(tmp_path):
    lines = read_jsonl(write(tmp_path, b'{"id": "a"}\nbroken\n'))
    assert next(lines).value == {"id": "a"}
    with pytest.raises(UserError, match="line 2"):
        next(lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'{"id": "a"}\n\n{"id" 1}\n',
            "{path}, line 3: broken JSON at column 7 "
            f"(unexpected character, expected ':' after key). {ONE_OBJECT}",
        ),
        (
            b'{"id": "a"',
            f"{{path}}, line 1: broken JSON at column 11 (unexpected end of data). {ONE_OBJECT}",
        ),
        (
            b'{"id": "a", "x": NaN}',
            "{path}, line 1: broken JSON at column 18 "
            f"(unexpected character, expected a JSON value). {ONE_OBJECT}",
        ),
        (b'["a"]', f"{{path}}, line 1: a JSON object is needed, found an array. {ONE_OBJECT}"),
        (b"null", f"{{path}}, line 1: a JSON object is needed, found null. {ONE_OBJECT}"),
        (
            b'{"id": "a"}\n{"id": "ni\xf1o"}\n',
            f"{{path}}, line 2: not UTF-8 at byte 22 of the file (0xf1). {UTF8}",
        ),
        (
            b'\xef\xbb\xbf{"id": "\xf1"}\n',
            f"{{path}}, line 1: not UTF-8 at byte 11 of the file (0xf1). {UTF8}",
        ),
        (
            '{"id": "a"}'.encode("utf-16"),
            f"{{path}}, line 1: not UTF-8 at byte 0 of the file (0xff). {UTF8}",
        ),
        (
            b'{"id": "a"}\n{"id": "b"}\n{"id": "a"}\n',
            f'{{path}}, line 3: the id "a" was used before, on line 1. {OWN_ID}',
        ),
        (
            b'{"text": "x"}',
            f'{{path}}, line 1: "id" is missing; a non-empty string is needed. {OWN_ID}',
        ),
        (b'{"id": 7}', f'{{path}}, line 1: "id" is 7; a non-empty string is needed. {OWN_ID}'),
        (b'{"id": ""}', f'{{path}}, line 1: "id" is ""; a non-empty string is needed. {OWN_ID}'),
        (
            b"\n\n",
            "{path} holds no notes. Fix: give a JSONL file with one JSON object a line.",
        ),
    ],
)
def test_unusable_content_is_named(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(UserError) as caught:
        list(read_records(path))
    assert str(caught.value) == message.format(path=path)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(UserError) as missing:
        list(read_jsonl(tmp_path / "no.jsonl"))
    assert str(missing.value) == (
        f"{tmp_path / 'no.jsonl'}: no such file. Fix: give the path of an existing JSONL file."
    )
    with pytest.raises(UserError) as folder:
        list(read_jsonl(tmp_path))
    assert (
        str(folder.value) == f"{tmp_path} is a folder, not a JSONL file. Fix: name the file in it."
    )


@pytest.mark.parametrize("damage", ["plain", "cut", "flipped"])
def test_damaged_gzip_is_named(tmp_path, damage):
    whole = gzip.compress(b'{"id": "a"}\n' * 50)
    content = {"plain": b'{"id": "a"}\n', "cut": whole[:-12], "flipped": whole[:12] + b"\xff" * 9}
    path = write(tmp_path, content[damage], "notes.jsonl.gz")
    with pytest.raises(UserError, match="is not a complete gzip file"):
        list(read_jsonl(path))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=3), max_size=3))
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "deep" / "rows.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert [line.value for line in read_jsonl(path)] == rows


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path, b"old")

    def rows():
        yield {"id": "a"}
        raise UserError("no second row.")

    with pytest.raises(UserError, match="no second row"):
        write_jsonl(path, rows())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    blocked = write(tmp_path, b"", "file") / "train.jsonl"
    with pytest.raises(UserError) as caught:
        write_jsonl(blocked, [])
    assert str(caught.value) == (
        f"{blocked} cannot be written (File exists). Fix: name a folder you may write to."
    )


def test_rows_are_typed_and_given_back_as_they_came(tmp_path):
    given_row = {
        "id": "n1",
        "text": "Acute kidney injury.",
        "codes": ["N17.9"],
        "date": "2026-05-04",
        "age": 67,
        "evidence": [{"code": "N17.9", "start": 0, "end": 19}],
    }
    path = write(tmp_path, json.dumps(given_row).encode())
    (row,) = read_rows(path)
    assert row.text[row.evidence[0].start : row.evidence[0].end] == "Acute kidney injury"
    assert row.to_json() == given_row


def test_an_unlabelled_note_differs_from_one_without_codes():
    assert DatasetRow(id="a", text="x").codes is None
    assert DatasetRow(id="a", text="x", codes=()).codes == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": None}, '"text": input should be a valid string.'),
        ({"codes": ["n17.9"]}, "\"codes.0\" 'n17.9': string should match pattern '^[^\\sa-z]+$'."),
        ({"sex": "male"}, "\"sex\" 'male': input should be 'F' or 'M'."),
        (
            {"evidence": [{"code": "N17.9", "start": 3, "end": 9}]},
            "evidence span 3-9 lies outside text (0-4).",
        ),
        (
            {"evidence": [{"code": "N17.9", "start": 3, "end": 2}]},
            "evidence span 3-2 lies outside text (0-4).",
        ),
    ],
)
def test_an_unusable_row_is_named(tmp_path, fields, problem):
    path = write(tmp_path, json.dumps({"id": "n1", "text": "Pain", **fields}).encode())
    with pytest.raises(UserError) as caught:
        list(read_rows(path))
    assert str(caught.value) == f"{path}, line 1: {problem}"
