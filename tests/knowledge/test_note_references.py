from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from knowledge.cli import show
from knowledge.code_systems import get_code_system
from knowledge.code_systems._tabular import TabularTable
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError
from knowledge.note_references import reference_report
from knowledge.show_references import references_lines, references_report

OFFICIAL = Path(__file__).parents[1] / "data" / "official"


def system_of(*notes):
    """Two codes, the first of which carries notes."""
    return ICD10CM(
        TabularTable(
            "2026-04-01",
            names=["1", "A00", "B01"],
            titles=["Chapter", "Cholera", "Chickenpox"],
            kinds="cdd",
            parents=[-1, 0, 0],
            ends=[3, 2, 3],
            notes={1: list(notes)},
        )
    )


@pytest.mark.parametrize(
    ("kind", "text", "unresolved", "unread"),
    [
        ("excludes1", "chickenpox (B01)", [], []),
        ("excludes1", "measles (B05.-)", ["B05"], []),
        ("excludes2", "chickenpox (see B01)", [], ["(see B01)"]),
        ("excludes1", "chickenpox B01", [], ["B01"]),
        ("note", "a note on chickenpox B01", [], []),
        ("excludes1", "want of vitamin B12 (B01.0 is none)", ["B01.0"], []),
    ],
)
def test_what_is_not_read_is_found(kind, text, unresolved, unread):
    report = reference_report(system_of((kind, [text])))
    assert [str(reference) for _, reference in report.unresolved] == unresolved
    assert [item.text for item in report.unread] == unread
    assert report.share == (1.0 if unresolved or unread else 0.0)


def test_fewer_than_one_in_a_hundred_references_of_the_release_are_not_read():
    report = references_report(get_code_system())
    assert report["notes"] == 11091
    assert report["references"] == 11126
    assert [row["carrier"] for row in report["unresolved"]] == ["F02", "R10.85"]
    assert 0 < len(report["unread"]) < 100
    assert report["share"] < 0.01
    first, *rest = references_lines(report)
    assert first.startswith("ICD-10-CM 2026-04-01: 11091 notes, 11126 references read; ")
    assert len(rest) == 2 + len(report["unresolved"]) + len(report["unread"])


def test_the_command_examines_the_release_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path))
    arguments = ["--unresolved", "--index", str(OFFICIAL), "--json"]
    report = orjson.loads(CliRunner().invoke(show, arguments, catch_exceptions=False).stdout)
    assert (report["release"], report["notes"], report["references"]) == ("2026-10-01", 3, 3)
    assert report["unresolved"] == report["unread"] == []


@pytest.mark.parametrize("arguments", [["E11", "--unresolved"], []])
def test_what_the_command_cannot_do_is_refused(arguments):
    assert isinstance(CliRunner().invoke(show, arguments).exception, UserError)
