"""What policy and rules changed, read from the recorded traces of the sample notes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.trace import trace_group
from agent.trace.events import Decision, Judgement
from agent.trace.policy import PolicyRow, policy_rows
from agent.trace.reader import read_trace
from agent.trace.recorder import Recorder
from knowledge.guidelines import card

TRACES = Path(__file__).parents[1] / "data" / "traces"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("clinic_letter", {"M35.00"}),  # uncertain, of an outpatient
        ("discharge_summary", {"J44.9"}),  # combined with the pneumonia
        ("emergency_visit", {"M25.572", "E11.9"}),  # part of the fracture; a relative's
    ],
)
def test_every_change_names_what_asks_for_it_and_its_card(name, changed):
    rows = policy_rows(read_trace(TRACES / f"{name}.jsonl"))
    assert changed <= {row.code for row in rows}
    for row in rows:
        assert row.rule, row
        assert card(row.citation).id == row.card, row


def test_the_changes_lead_from_the_codes_before_to_those_reported():
    events = read_trace(TRACES / "discharge_summary.jsonl")
    before = next(e for e in events if e.event == "node_end" and e.node == "reason")
    codes = {p["code"] for p in before.summary["proposals"] if p["accepted"]}
    for row in policy_rows(events):
        if row.action in ("reject", "replace"):
            codes.discard(row.code)
        if row.action in ("add", "replace"):
            codes.add(row.becomes or row.code)
    looked = next(e for e in events if e.event == "node_end" and e.node == "compare")
    codes |= {look["code"] for look in looked.summary["second_look"] if look["accepted"][1]}
    assert {c.code for c in events[-1].result.codes} <= codes


def test_a_decision_of_an_older_trace_and_a_question_are_rows_too():
    decision = Decision(
        at=0, node="policy", code="R05.9", action="reject", stage="policy", reason="r"
    )
    question = Judgement(
        at=0,
        node="judge",
        kind="integral_symptom",
        codes=("R68.2", "M05.9"),
        answer="undecided",
        rule="integral_symptoms",
        citation="I.B.5",
        card="I.B.5",
    )
    assert policy_rows([decision, question]) == [
        PolicyRow("R05.9", "reject", None, "r", None, None, None),
        PolicyRow(
            "R68.2",
            "judge",
            "M05.9",
            "integral symptom? undecided (nobody was asked)",
            "integral_symptoms",
            "I.B.5",
            "I.B.5",
        ),
    ]


def test_the_command_prints_one_json_object():
    path = str(TRACES / "clinic_letter.jsonl")
    report = json.loads(CliRunner().invoke(trace_group, ["policy", path]).stdout)
    assert report["policy"] == "guidelines"
    assert "M05.9" in report["codes"]
    assert {"code", "action", "becomes", "why", "rule", "citation", "card"} == set(
        report["changes"][0]
    )


def test_show_finds_a_question_by_either_of_its_codes(tmp_path):
    recorder = Recorder(tmp_path / "n.jsonl")
    recorder.emit(
        Judgement(
            at=0.0,
            node="judge",
            kind="same_condition",
            codes=("M54.9", "M54.2"),
            answer="undecided",
            rule="unspecified_codes",
            citation="I.B.18",
            card="I.B.18",
        )
    )
    for code in ("M54.9", "M54.2"):
        args = ["show", str(recorder.path), "--code", code]
        events = json.loads(CliRunner().invoke(trace_group, args).stdout)["events"]
        assert [e["event"] for e in events] == ["judgement"]
