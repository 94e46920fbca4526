"""The notes that come with the package, their loader and `data prepare us-notes`."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agent.encounter import encounter_context, make_context
from eval.datasets.cli import data_group
from eval.datasets.us_notes import (
    HALVES,
    SHIPPED,
    Half,
    Topic,
    USNote,
    agreement,
    find_quote,
    read_half,
)
from knowledge.code_systems import get_icd10cm
from knowledge.dataset_row import read_rows
from knowledge.errors import UserError
from knowledge.rules import CodedItem, Finding, check

# Error-level findings on gold codes that stand: (note, rule) -> why the rule is wrong there.
ARGUED_EXCEPTIONS: dict[tuple[str, str], str] = {}

# A note of our own, as it would lie in a file.
NOTE: dict[str, Any] = {
    "id": "us-901",
    "title": "Ankle sprain",
    "setting": "outpatient",
    "sex": "F",
    "age": 30,
    "topics": ["injury"],
    "text": "Sprained right ankle. No fracture.",
    "codes": [
        {"code": "S93.401A", "evidence": ["Sprained right ankle"], "why": "Final diagnosis."}
    ],
    "not_coded": [{"code": "S82.891A", "why": "No fracture."}],
    "coder": "first",
}


@pytest.fixture(scope="module")
def halves() -> dict[Half, list[USNote]]:
    return {half: read_half(half) for half in HALVES}


@pytest.fixture(scope="module")
def notes(halves) -> list[USNote]:
    return [note for half in HALVES for note in halves[half]]


def findings_of(note: USNote) -> list[Finding]:
    items = [
        CodedItem(gold.code, "secondary" if number else "principal")
        for number, gold in enumerate(note.codes)
    ]
    asked = {"setting": note.setting, "sex": note.sex, "age": float(note.age), "date": None}
    encounter = encounter_context(make_context(asked, note.id))
    return check(items, encounter, get_icd10cm())


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a note, with fields changed, into the half tune of a folder of its own."""

    def write(name: str = "us-901", **changes: object) -> Path:
        path = tmp_path / "tune" / f"{name}.yaml"
        path.parent.mkdir()
        path.write_text(yaml.safe_dump(NOTE | changes, allow_unicode=True), encoding="utf-8")
        return tmp_path

    return write


def test_ids_are_unique_and_in_the_half_of_their_number(halves, notes):
    assert len({note.id for note in notes}) == len(notes)
    for half, of_half in halves.items():
        assert of_half
        assert {note.number % 2 for note in of_half} == {half == "tune"}


def test_every_code_exists_and_gold_codes_are_billable(notes):
    system = get_icd10cm()
    gold = {item.code for note in notes for item in note.codes}
    assert {code for code in gold if not system.get(code).billable} == set()
    others = {item.code for note in notes for item in note.not_coded}
    others |= {code for note in notes for code in note.second_codes or ()}
    assert {code for code in others if not system.get(code)} == set()


def test_rows_hold_each_quote_where_they_say(notes):
    for note in notes:
        row = note.row()
        places = iter(row.evidence)
        for item in note.codes:
            for quote in item.evidence:
                span = next(places)
                assert (span.code, row.text[span.start : span.end]) == (item.code, quote)


def test_rules_find_no_error_in_the_gold_codes(notes):
    found = {
        (note.id, finding.rule): finding.message
        for note in notes
        for finding in findings_of(note)
        if finding.severity == "error"
    }
    assert {key: found[key] for key in found.keys() - ARGUED_EXCEPTIONS.keys()} == {}
    assert ARGUED_EXCEPTIONS.keys() <= found.keys()


def test_every_topic_and_chapter_stands_in_both_halves(halves):
    system = get_icd10cm()
    for of_half in halves.values():
        topics = {topic for note in of_half for topic in note.topics}
        assert topics == set(get_args(Topic))
        chapters = {system.get(item.code).chapter for note in of_half for item in note.codes}
        assert chapters == {str(number) for number in range(1, 23)}


def test_notes_are_short(notes):
    lengths = {note.id: len(note.text.split()) for note in notes}
    assert {name: words for name, words in lengths.items() if not 80 <= words <= 270} == {}


def test_uncertain_diagnoses_are_tested_in_both_settings(halves):
    for of_half in halves.values():
        settings = Counter(note.setting for note in of_half if "uncertainty" in note.topics)
        assert settings.keys() == {"inpatient", "outpatient"}


def test_the_command_writes_rows_and_prints_what_they_hold(tmp_path, data, halves):
    report = data("prepare", "us-notes", tmp_path)
    assert report["data_set"] == "us-notes"
    for half, summary in zip(HALVES, report["splits"], strict=True):
        rows = list(read_rows(tmp_path / f"{half}.jsonl"))
        assert [row.id for row in rows] == [note.id for note in halves[half]]
        assert summary["notes"] == len(rows)
        assert summary["codes"] == sum(len(row.codes or ()) for row in rows)
        assert summary["evidence"] == sum(len(row.evidence) for row in rows)
        assert {row.split for row in rows} == {half}
        pairs = [
            ({item.code for item in note.codes}, set(note.second_codes or ()))
            for note in halves[half]
        ]
        both = sum(len(gold & second) for gold, second in pairs)
        either = sum(len(gold) + len(second) for gold, second in pairs)
        assert summary["agreement"]["micro_f1"] == pytest.approx(2 * both / either, abs=1e-4)


def test_the_command_speaks_plainly_to_a_terminal(tmp_path, monkeypatch, halves):
    monkeypatch.setattr("eval.datasets.us_notes_cli.machine_readable", lambda as_json: as_json)
    result = CliRunner().invoke(data_group, ["prepare", "us-notes", str(tmp_path)])
    lines = result.stdout.splitlines()
    assert f"{len(halves['tune'])} notes" in lines[0]
    assert lines[1].strip().startswith("second coder: micro-F1 0.9")


def test_the_command_says_where_it_cannot_write(tmp_path):
    (tmp_path / "taken").write_text("a file")
    result = CliRunner().invoke(data_group, ["prepare", "us-notes", str(tmp_path / "taken")])
    assert isinstance(result.exception, UserError)
    assert "taken" in str(result.exception)


def test_agreement_counts_codes_pooled_over_notes():
    first = USNote.model_validate(NOTE | {"second_codes": ["S93.401A", "Z72.0"]})
    second = USNote.model_validate(NOTE | {"id": "us-903", "second_codes": ["S93.409A"]})
    scores = agreement([first, second])
    assert scores is not None
    assert scores == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_agreement_needs_a_second_coding_of_every_note():
    first = USNote.model_validate(NOTE | {"second_codes": ["S93.401A"]})
    assert agreement([first, USNote.model_validate(NOTE | {"id": "us-903"})]) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"codes": [NOTE["codes"][0] | {"evidence": ["left ankle"]}]}, "does not stand"),
        ({"codes": [NOTE["codes"][0] | {"evidence": ["prained right"]}]}, "does not stand"),
        ({"codes": NOTE["codes"] * 2}, "S93.401A is named twice"),
        ({"not_coded": [{"code": "S93.401A", "why": "Both."}]}, "S93.401A is named twice"),
        ({"second_codes": ["R52", "R52"]}, "R52 is named twice"),
        ({"topics": ["sprains"]}, "topics.0"),
        ({"age": 30.5}, "age"),
        ({"remark": "none"}, "remark"),
        ({"id": "us-1"}, "id"),
        ({"id": "us-902"}, "belongs to report/us-902.yaml"),
        ({"id": "us-903"}, "belongs to tune/us-903.yaml"),
    ],
)
def test_a_malformed_note_is_named_with_what_is_wrong(written, changes, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        read_half("tune", written(**changes))
    assert "us-901.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"id: us-901\nid: us-901\n", b"text: [", b"\xff\xfe", b""])
def test_a_file_that_is_no_note_is_one_line(tmp_path, content):
    (tmp_path / "tune").mkdir()
    (tmp_path / "tune" / "us-901.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"us-901\.yaml") as caught:
        read_half("tune", tmp_path)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no note"):
        read_half("report", tmp_path)


def test_a_note_survives_its_file(written):
    assert read_half("tune", written()) == [USNote.model_validate(NOTE)]


@given(
    before=st.lists(st.sampled_from(["CAD", "CADs", "no", "pain", "-"])),
    quote=st.sampled_from(["CAD", "pain no", "pain"]),
)
def test_a_quote_is_found_first_and_as_whole_words(before, quote):
    text = " ".join([*before, quote])
    start, end = find_quote(text, quote) or (-1, -1)
    assert text[start:end] == quote
    padded = f" {text} "
    assert start == padded.index(f" {quote} ")
    assert find_quote(text.replace(quote, f"x{quote}"), quote) is None


def test_the_shipped_files_are_notes_and_the_readme_alone(notes):
    names = {path.relative_to(SHIPPED) for path in SHIPPED.rglob("*") if path.is_file()}
    expected = {Path(note.half) / f"{note.id}.yaml" for note in notes}
    assert names == expected | {Path("README.md")}
