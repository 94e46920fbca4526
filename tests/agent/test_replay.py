"""Runs with the built-in LLM: replayed from recorded traces, and live where the model is there.

``make traces`` records the traces anew after a change of prompts, settings or retrieval.
"""

import json
from pathlib import Path

import pytest

from agent.coder import Coder, CoderOptions
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.trace.reader import read_trace
from knowledge.errors import UserError

DATA = Path(__file__).parent.parent / "data"
EXPECTED = json.loads((DATA / "notes" / "expected.json").read_text(encoding="utf-8"))


def request_of(name):
    expected = EXPECTED[name]
    context = ResultContext(**{key: expected[key] for key in ("setting", "sex", "age")})
    return CodingRequest(name, (DATA / "notes" / f"{name}.txt").read_text("utf-8"), context)


def trace_of(name):
    return DATA / "traces" / f"{name}.jsonl"


def comparable(result):
    """What must not differ between machines, whose arithmetic may, in the last digits."""
    return {
        "codes": [
            (c.code, c.role, c.assertion, [(e.start, e.end) for e in c.evidence])
            for c in result.codes
        ],
        "rejected": {(r.code, r.stage) for r in result.rejected},
        "findings": result.findings,
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_replay_gives_the_recorded_result(name):
    recorded = read_trace(trace_of(name))[-1].result
    replayed = Coder(CoderOptions(llm=f"replay:{trace_of(name)}")).code(request_of(name))
    assert comparable(replayed) == comparable(recorded)
    assert [c.confidence for c in replayed.codes] == pytest.approx(
        [c.confidence for c in recorded.codes], abs=0.02
    )
    assert replayed.usage.llm_calls == recorded.usage.llm_calls > 0


@pytest.mark.parametrize("name", EXPECTED)
def test_with_the_llm_the_codes_are_those_of_a_us_coder(name):
    expected, result = EXPECTED[name], read_trace(trace_of(name))[-1].result
    codes = {c.code for c in result.codes}
    assert set(expected["must"]) <= codes
    assert not codes & set(expected["must_not"])


def test_a_recorded_call_holds_prompt_choices_and_log_probabilities():
    note = request_of("clinic_letter").text
    calls = [e for e in read_trace(trace_of("clinic_letter")) if e.event == "llm_call"]
    assert all(note in call.messages[-1]["content"] for call in calls)
    assert all(call.logprobs.keys() == {"Yes", "No"} for call in calls)
    assert all(value <= 0 for call in calls for value in call.logprobs.values())
    # The note is a prefix that the questions share.
    assert all(call.cached_tokens > 0.8 * call.prompt_tokens for call in calls[1:])


def test_the_llm_is_heard_in_the_codes_it_was_asked_about():
    result = read_trace(trace_of("clinic_letter"))[-1].result
    heard = [c for c in result.codes if "llm" in c.sources]
    assert heard
    assert all("LLM" in c.reason for c in heard)


def test_a_replay_of_another_note_says_so():
    coder = Coder(CoderOptions(llm=f"replay:{trace_of('clinic_letter')}"))
    with pytest.raises(UserError, match="differs from the trace"):
        coder.code(request_of("discharge_summary"))


@pytest.mark.llm
@pytest.mark.usefixtures("builtin_model")
def test_the_built_in_llm_answers_as_recorded():
    live = Coder(CoderOptions(llm="builtin"))
    result = live.code(request_of("clinic_letter"))
    recorded = read_trace(trace_of("clinic_letter"))[-1].result
    assert [c.code for c in result.codes] == [c.code for c in recorded.codes]
    for code, expected in zip(result.codes, recorded.codes, strict=True):
        # Other processors round otherwise.
        assert code.sources.get("llm", 0) == pytest.approx(expected.sources.get("llm", 0), abs=0.5)


@pytest.mark.llm
@pytest.mark.usefixtures("builtin_model")
def test_the_graph_of_langgraph_json_codes_plain_json():
    from agent.langgraph_app import make_graph

    result = make_graph().invoke({"text": "ASSESSMENT: Lobar pneumonia."})["result"]
    assert [c["code"] for c in result["codes"]] == ["J18.1"]
