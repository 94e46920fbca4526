"""The shipped JSON Schema, and traces of the first version read as those of today."""

import gzip
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from agent.cli.trace import trace_group
from agent.request import CodingRequest
from agent.trace.events import EVENT, TRACE_VERSION
from agent.trace.reader import read_raw, read_trace
from agent.trace.schema import shipped_schema, trace_schema
from knowledge.errors import UserError

DATA = Path(__file__).parents[1] / "data"
OLD = DATA / "old_traces" / "version_1.jsonl.gz"
NOTE = (DATA / "notes" / "discharge_summary.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def events(coders):
    return coders["guidelines"].code_traced(CodingRequest("n", NOTE)).events


def test_the_shipped_schema_is_that_of_the_classes():
    assert shipped_schema() == trace_schema()
    jsonschema.Draft202012Validator.check_schema(shipped_schema())


def test_every_event_of_a_run_is_valid_by_the_schema(events):
    validator = jsonschema.Draft202012Validator(shipped_schema())
    for event in events:
        validator.validate(json.loads(event.model_dump_json()))


def test_the_schema_refuses_what_is_no_event(events):
    validator = jsonschema.Draft202012Validator(shipped_schema())
    good = json.loads(events[1].model_dump_json())
    for bad in ({**good, "more": 1}, {**good, "event": "x"}, {k: good[k] for k in ("id", "at")}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(bad)


def test_every_field_is_described_or_speaks_for_itself():
    """A field that needs no words is one of these; a new one is described."""
    clear = {
        "event", "node", "seconds", "summary", "note_id", "note_sha256", "code", "action", "stage",
        "reason", "citation", "replacement", "answer", "kind", "card", "result", "tool", "choices",
        "arguments", "call", "messages", "response", "prompt_tokens", "completion_tokens",
        "cached_tokens", "model", "settings", "prompt_sha256", "trace_version",
    }  # fmt: skip
    events = {ref["$ref"].rpartition("/")[2] for ref in shipped_schema()["oneOf"]}
    for name in events:
        for field, schema in shipped_schema()["$defs"][name]["properties"].items():
            assert "description" in schema or field in clear, (name, field)


def test_each_event_names_its_place(events):
    assert [e.id for e in events] == list(range(len(events)))
    assert events[0].parent is None
    by_id = {e.id: e for e in events}
    for event in events[1:]:
        parent = by_id[event.parent]
        assert parent.id < event.id
        if event.event in ("node_start", "run_end"):
            assert parent.event == "run_start"
        else:
            assert (parent.event, parent.node) == ("node_start", event.node)


def test_tokens_add_up_from_calls_to_nodes_to_the_run():
    events = read_trace(OLD)
    calls = [e for e in events if e.event == "llm_call"]
    assert all(c.tokens == c.prompt_tokens + c.completion_tokens > 0 for c in calls)
    ends = [e for e in events if e.event == "node_end"]
    assert sum(c.tokens for c in calls) == sum(e.tokens for e in ends) == events[-1].tokens


def test_a_decision_holds_what_it_was_made_from(events):
    decisions = [e for e in events if e.event == "decision"]
    assert {d.node for d in decisions} >= {"reason", "policy"}
    for d in decisions:
        taken = d.options[0]
        assert taken.action == d.action
        assert taken.code == (d.replacement if d.action == "replace" else d.code)
        assert len(d.options) == 2
        assert any(o.score is not None for o in d.options)
        assert d.voices
        if d.node == "reason":
            accept = next(o.score for o in d.options if o.action == "accept")
            assert sum(o.score for o in d.options) == pytest.approx(1)
            assert d.action == "reject" or accept >= d.threshold
        else:
            assert d.threshold is None


def test_a_trace_of_the_first_version_reads_as_one_of_today():
    with gzip.open(OLD, "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    assert raw[0]["trace_version"] == 1
    assert "id" not in raw[0]
    events = read_trace(OLD)
    assert events[0].trace_version == TRACE_VERSION
    assert [e.id for e in events] == list(range(len(raw)))
    assert all(e.parent is not None for e in events[1:])
    assert events[-1].result.model_dump(mode="json") == raw[-1]["result"]
    validator = jsonschema.Draft202012Validator(shipped_schema())
    for event in events:
        validator.validate(json.loads(event.model_dump_json()))
    # What was read is a trace of today: it reads back unchanged.
    assert [EVENT.validate_json(e.model_dump_json()) for e in events] == events


def test_a_trace_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"event": "run_start", "trace_version": 3, "id": 0}\n')
    with pytest.raises(UserError, match="trace version 3 is not known; this program reads 1 to 2"):
        list(read_raw(path))


def test_the_command_prints_the_schema():
    printed = CliRunner().invoke(trace_group, ["schema"]).stdout
    assert json.loads(printed) == trace_schema()
