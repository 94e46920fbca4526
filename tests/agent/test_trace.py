import json

import pytest

from agent.request import CodingRequest
from agent.result import Result, ResultContext, Usage
from agent.trace.events import RunEnd
from agent.trace.reader import read_trace
from agent.trace.recorder import Recorder, trace_path
from knowledge.errors import UserError


def record(recorder):
    recorder.node_start("check")
    recorder.tool_call("check_billable", {"codes": ["I10"]}, [], 0.01)
    recorder.llm_call(
        call="score_choices",
        purpose="verify_code I10",
        prompt_sha256="0" * 64,
        messages=[{"role": "human", "content": "?"}],
        choices=["Yes", "No"],
        logprobs={"Yes": -0.1, "No": -2.4},
        prompt_tokens=12,
        completion_tokens=1,
        cached_tokens=10,
        seconds=0.5,
        model="m",
    )
    recorder.decision("I10", "accept", "reason", "named in the assessment")
    recorder.node_end("check", 0.6, {})
    result = Result(
        id="n",
        status="ok",
        context=ResultContext(),
        code_system="ICD-10-CM",
        release="2026-04-01",
        policy="mentions",
        usage=recorder.usage("builtin"),
    )
    recorder.emit(RunEnd(at=recorder.elapsed, result=result))


def test_a_trace_reads_back_as_it_was_written(tmp_path):
    recorder = Recorder(tmp_path / "traces" / "n.jsonl")
    record(recorder)
    assert read_trace(recorder.path) == recorder.events


def test_events_name_the_node_they_belong_to_and_time_never_runs_back(tmp_path):
    recorder = Recorder()
    record(recorder)
    assert [e.node for e in recorder.events] == ["check"] * 5 + [None]
    assert [e.at for e in recorder.events] == sorted(e.at for e in recorder.events)


def test_usage_adds_up_the_llm_calls():
    recorder = Recorder()
    record(recorder)
    usage = recorder.usage("builtin")
    assert (usage.llm_calls, usage.prompt_tokens, usage.completion_tokens) == (1, 12, 1)
    assert isinstance(usage, Usage)


@pytest.mark.parametrize("note_id", ["a/../b", "é ü", "", "x" * 50 + "\n"])
def test_a_note_id_makes_a_safe_file_name(tmp_path, note_id):
    path = trace_path(tmp_path, note_id)
    assert path.parent == tmp_path
    assert path.name.isascii()
    assert "/" not in path.name


def test_two_notes_never_share_a_trace(tmp_path):
    assert trace_path(tmp_path, "n-1") == tmp_path / "n-1.jsonl"
    assert len({trace_path(tmp_path, i) for i in ("a/b", "a_b", "a b", "a\\b")}) == 4


def test_a_line_that_is_no_event_is_named(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        json.dumps({"event": "node_start", "at": 0, "node": "read"}) + '\n{"event":"x"}'
    )
    with pytest.raises(UserError, match=r"t\.jsonl, line 2 is no trace event"):
        read_trace(path)


def test_a_trace_folder_that_cannot_be_written_is_an_error_to_mend(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(UserError, match="cannot write the trace"):
        Recorder(blocker / "n.jsonl")


def test_a_listener_hears_every_event_and_may_end_the_run(coders):
    heard = []
    request = CodingRequest("n", "ASSESSMENT: Lobar pneumonia.")
    traced = coders["guidelines"].code_traced(request, on_event=heard.append)
    assert heard == list(traced.events)

    def stop(event):
        raise InterruptedError(event.event)

    with pytest.raises(InterruptedError, match="run_start"):
        coders["guidelines"].code(request, on_event=stop)
