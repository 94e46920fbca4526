import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.cli import eval_group
from eval.error_kinds import near_miss
from eval.errors import find_errors
from knowledge.code_systems import get_code_system

SYSTEM = get_code_system()


@pytest.mark.parametrize(
    ("code", "other", "kind"),
    [
        ("S82.65XA", "S82.65XD", "seventh_character"),
        ("S82.65XA", "S82.64XA", "laterality"),
        ("M25.561", "M25.562", "laterality"),
        ("E11", "E11.9", "ancestor"),
        ("S82.65XA", "S82.65", "seventh_character"),
        ("J18.9", "J18.1", "sibling"),
        ("F17.200", "F17.210", "unspecified"),
        ("R26.81", "R26.89", "sibling"),
        ("I50.22", "I50.31", "category"),
        ("E10.9", "E11.9", None),
    ],
)
def test_kinds_of_near_misses(code, other, kind):
    assert near_miss(code, other, SYSTEM) == near_miss(other, code, SYSTEM) == kind


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    gold = tmp_path / "gold.jsonl"
    wanted = ["I10", "R05.9", "N17.9", "J18.9", "E11.9", "S82.65XA", "W19.XXX", "K21.9"]
    gold.write_text(json.dumps({"id": "a", "codes": wanted}) + "\n", encoding="utf-8")
    # Eight codes are wanted, so that the ninth place is too low.
    others = ("C61", "R06.02", "R50.9", "R07.9")
    candidates = ("I10", "J18.9", "R05.9", "S82.64XA", *others, "K21.9")
    row = {
        "id": "a",
        "codes": [
            {"code": "I10", "sources": {"terms": 0.8}},
            {"code": "S82.64XA", "sources": {"terms": 0.7, "dense": 0.9, "llm": 3.1}},
            {"code": "C61", "assertion": "family", "reason": "father", "sources": {"bm25": 0.4}},
        ],
        "rejected": [
            {"code": "R05.9", "stage": "policy", "reason": "integral to J18.9"},
            {"code": "E11.9", "stage": "reason", "reason": "ruled out"},
        ],
        "candidates": [{"code": c, "score": 0.5} for c in candidates],
    }
    predictions = tmp_path / "pred.jsonl"
    predictions.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return [gold, predictions]


def test_each_error_has_its_stage_and_kind(files):
    found = {(e.type, e.code): e for e in find_errors(*files, SYSTEM).errors}
    stages = {code: e.stage for (type_, code), e in found.items() if type_ == "miss"}
    assert stages == {
        "R05.9": "policy_dropped",
        "E11.9": "reasoning_rejected",
        "J18.9": "under_threshold",
        "K21.9": "ranked_low",
        "N17.9": "not_retrieved",
        "S82.65XA": "not_retrieved",
        "W19.XXX": "not_retrieved",
    }
    assert found["miss", "J18.9"].rank == 2
    assert found["miss", "R05.9"].reason == "integral to J18.9"
    assert found["miss", "W19.XXX"].kind == "not_in_release"
    assert found["miss", "S82.65XA"].instead_of == "S82.64XA"
    alarm = found["false_alarm", "S82.64XA"]
    assert (alarm.stage, alarm.kind, alarm.instead_of) == ("dense", "laterality", "S82.65XA")
    assert found["false_alarm", "C61"].kind == "family"
    assert len(found) == 9


def test_the_command_counts_and_writes_every_error(files, tmp_path):
    out = tmp_path / "errors.jsonl"
    arguments = ["errors", *map(str, files), "--out", str(out)]
    figures = json.loads(CliRunner().invoke(eval_group, arguments, catch_exceptions=False).stdout)
    assert figures["misses"]["total"] == 7
    assert figures["misses"]["by_stage"]["not_retrieved"] == 3
    assert figures["false_alarms"]["by_kind"] == {"family": 1, "laterality": 1}
    assert figures["commonest_confusions"] == [
        {"reference": "S82.65XA", "assigned": "S82.64XA", "kind": "laterality", "notes": 1}
    ]
    written = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(written) == 9
    assert written[0].keys() >= {"note", "type", "code", "stage", "kind", "instead_of", "rank"}


def test_predictions_of_another_system_do_as_well(files):
    gold, predictions = files
    predictions.write_text('{"id": "a", "codes": ["I10", "E11.65"]}\n', encoding="utf-8")
    report = find_errors(gold, predictions, SYSTEM)
    (alarm,) = [e for e in report.errors if e.type == "false_alarm"]
    assert (alarm.stage, alarm.kind, alarm.instead_of) == ("unknown", "category", "E11.9")
