import io
import json

import pytest

from agent.inputs import read_requests
from agent.result import ResultContext
from knowledge.errors import UserError

DEFAULTS = ResultContext()


def read(*paths):
    return list(read_requests([str(p) for p in paths], DEFAULTS))


def test_a_file_a_folder_and_a_jsonl_file(tmp_path):
    (tmp_path / "b.txt").write_text("second", encoding="utf-8")
    (tmp_path / "a.txt").write_text("first", encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "n1", "text": "third"}\n\n', encoding="utf-8")
    assert [(r.id, r.text) for r in read(tmp_path, rows)] == [
        ("a", "first"),
        ("b", "second"),
        ("n1", "third"),
    ]


def test_the_text_is_kept_as_given(tmp_path):
    text = "  Dx:\r\n\tpneumonia \n"
    path = tmp_path / "n.txt"
    path.write_bytes(text.encode())
    assert read(path)[0].text == text


def test_a_row_brings_its_own_context(tmp_path):
    row = {"id": "n", "text": "t", "sex": "F", "age": 40, "setting": "outpatient", "codes": ["I10"]}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    context = next(read_requests([str(path)], ResultContext(sex="M", date="2026-05-01"))).context
    assert (context.sex, context.age, context.setting) == ("F", 40, "outpatient")
    assert context.date == "2026-05-01"


def test_the_language_is_found_out_or_given(tmp_path):
    rows = [
        {"id": "a", "text": "The patient has a fever and a cough."},
        {"id": "b", "text": "El paciente tiene fiebre y tos."},
        {"id": "c", "text": "HTA", "language": "es"},
        {
            "id": "d",
            "text": "The patient has a fever.",
            "text_es": "Tiene fiebre.",
            "language": "es",
        },
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = read(path)
    assert [r.context.language for r in found] == ["en", "es", "es", "es"]
    assert found[3].text == "Tiene fiebre."


def test_a_note_in_another_language_is_refused_before_work_begins(tmp_path):
    path = tmp_path / "rows.jsonl"
    french = "Le patient est un homme qui consulte pour une douleur avec de la fièvre."
    rows = [{"id": "a", "text": "Fever."}, {"id": "b", "text": french}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(UserError, match="'b' seems to be written in French"):
        next(read_requests([str(path)], DEFAULTS))


def test_standard_input_is_one_note(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"chest pain")))
    assert [(r.id, r.text) for r in read("-")] == [("stdin", "chest pain")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("n.txt", b"", "{path} is empty"),
        ("n.txt", b" \n", "{path} is empty"),
        ("n.txt", b"\x00\x01PDF", "{path} is a binary file, not a note"),
        ("n.txt", b"caf\xe9", "{path} is not UTF-8: byte 3 is 0xe9"),
        ("n.jsonl", b"", "{path} is empty"),
        ("n.jsonl", b'{"id": "a"}', '{path}, line 1: "text" is missing, empty or not a string'),
        ("n.jsonl", b'{"id": 1, "text": "x"}', '{path}, line 1: "id" is missing, empty or not'),
        ("n.jsonl", b'{"id": "a", "text": "x"}\n{"id": "b"', "{path}, line 2"),
        ("n.jsonl", b'{"id":"a","text":"x","age":-3}', "{path}, line 1: age is -3"),
        ("n.jsonl", b'{"id":"a","text":"x","sex":"Q"}', "{path}, line 1: sex is 'Q'"),
        ("n.jsonl", b'{"id":"a","text":"x","date":"May"}', "{path}, line 1: date is 'May'"),
        (
            "n.jsonl",
            b'{"id":"a","text":"x"}\n{"id":"a","text":"y"}',
            "the note id 'a' occurs twice",
        ),
    ],
)
def test_bad_input_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read(path)
    assert message.format(path=path) in error.value.message
    assert error.value.fix


def test_a_missing_path_and_a_folder_without_notes(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        read(tmp_path / "nothing.txt")
    with pytest.raises(UserError, match=r"holds no \.txt file"):
        read(tmp_path)


def test_errors_surface_before_the_first_note(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a", "text": "fine"}\nbroken\n', encoding="utf-8")
    with pytest.raises(UserError, match="line 2"):
        next(read_requests([str(path)], DEFAULTS))
