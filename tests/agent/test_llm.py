import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent.llm.base import ChoiceScores, ContextOverflow, as_chat, prompt_key
from agent.llm.llama_cpp import LlamaCppChat, default_threads
from agent.llm.registry import LLMSpec, load_llm, parse_spec
from agent.llm.replay import ReplayLLM
from agent.trace.events import LLMCall
from agent.trace.recorder import Recorder
from knowledge.errors import UserError

YES_NO = ("Yes", "No")
NOTE = (
    "Discharge summary. A 63-year-old man with long-standing hypertension was admitted with cough "
    "and fever. Chest film: right lower lobe infiltrate. He was treated with ceftriaxone for "
    "pneumonia. {history} He was discharged home on day five in good condition. "
)


def ask(text):
    return [SystemMessage("Answer Yes or No."), HumanMessage(text)]


def recorded(recorder, messages, choices=None, **fields):
    values = {
        "call": "score_choices" if choices else "generate",
        "purpose": "test",
        "prompt_sha256": prompt_key(messages, choices),
        "messages": as_chat(messages),
        "choices": choices and list(choices),
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "cached_tokens": 4,
        "seconds": 0.5,
        "model": "some@sha256:1234",
    }
    recorder.llm_call(**{**values, **fields})


# --- the interface -------------------------------------------------------------------------------


def test_log_odds():
    scores = ChoiceScores({"Yes": -0.25, "No": -1.75}, frozenset(), 1, 0, 0.0)
    assert scores.log_odds("Yes", "No") == 1.5


def test_as_chat_takes_plain_text_of_three_roles():
    assert as_chat([SystemMessage("a"), HumanMessage("b"), AIMessage("c")]) == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    for message in (ToolMessage("x", tool_call_id="1"), HumanMessage([{"type": "image_url"}])):
        with pytest.raises(ValueError, match="plain text"):
            as_chat([message])


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), max_size=3))
def test_prompt_key_depends_on_text_roles_and_choices_alone(texts, choices):
    messages = [HumanMessage(text) for text in texts]
    key = prompt_key(messages, choices)
    assert key == prompt_key([HumanMessage(text, id="other") for text in texts], tuple(choices))
    assert key != prompt_key(messages, None)
    assert key != prompt_key(messages, [*choices, "more"])
    assert key != prompt_key([SystemMessage(texts[0]), *messages[1:]], choices)
    assert key != prompt_key([*messages, HumanMessage("")], choices)


# --- the registry --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["builtin", "none", "gguf:/a b/c:d.gguf", "replay:t/n1.jsonl"])
def test_specs_are_parsed_and_written_back(text):
    assert str(parse_spec(f" {text} ")) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hf:google/medgemma-4b-it", "not supported in this version; use builtin, none, gguf:FILE"),
        ("gguf:", "unknown LLM 'gguf:'"),
        ("gguf", "unknown LLM"),
        ("builtin:x", "unknown LLM"),
        ("None", "unknown LLM"),
        ("", "unknown LLM ''"),
    ],
)
def test_wrong_specs_say_what_is_allowed(text, problem):
    with pytest.raises(UserError, match=problem) as caught:
        parse_spec(text)
    assert "replay:TRACE" in str(caught.value)


def test_none_is_no_llm():
    assert load_llm("none") is None
    assert load_llm(LLMSpec("none")) is None


def test_files_that_are_missing_or_of_another_kind(tmp_path, monkeypatch):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))
    text = tmp_path / "note.gguf"
    text.write_text("no model", encoding="utf-8")
    for spec, problem in (
        (f"gguf:{text}", "note.gguf is no GGUF file"),
        (f"gguf:{tmp_path}/gone.gguf", "gone.gguf: no such file"),
        (f"replay:{tmp_path}/gone.jsonl", "gone.jsonl: no such file"),
        ("builtin", "the built-in LLM is not on this machine"),
    ):
        with pytest.raises(UserError, match=problem):
            load_llm(spec)


def test_a_damaged_gguf_is_told_at_the_first_question(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cut.gguf"
    path.write_bytes(b"GGUF" + bytes(5000))
    llm = load_llm(f"gguf:{path}")
    assert llm is not None
    with pytest.raises(UserError, match=r"cut\.gguf cannot be loaded: it is damaged") as caught:
        llm.score_choices(ask("Is it?"), YES_NO)
    assert "copy the file anew" in caught.value.fix
    assert capfd.readouterr() == ("", "")


def test_nothing_heavy_is_imported_before_it_is_needed():
    heavy = "{'xllamacpp', 'langchain_core', 'transformers', 'torch'}"
    code = (
        "import sys, agent.llm.registry, agent.llm.fetch, agent.cli.model;"
        f"assert not {heavy} & set(sys.modules);"
        "import agent.llm.llama_cpp; assert 'xllamacpp' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_default_threads_leave_a_core_free(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert default_threads() == 7
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert default_threads() == 1


# --- replay --------------------------------------------------------------------------------------


def test_replay_gives_back_what_was_recorded(tmp_path):
    recorder = Recorder(tmp_path / "n1.jsonl")
    recorded(
        recorder,
        ask("Asthma?"),
        YES_NO,
        logprobs={"Yes": -0.5, "No": -1.0},
        settings={"context_tokens": 4096, "floored": ["No"]},
    )
    recorded(recorder, ask("Why?"), response="Because.", completion_tokens=3)
    llm = load_llm(f"replay:{tmp_path / 'n1.jsonl'}")
    assert isinstance(llm, ReplayLLM)
    assert (llm.model_id, llm.context_tokens) == ("some@sha256:1234", 4096)
    assert llm.score_choices(ask("Asthma?"), YES_NO) == ChoiceScores(
        {"Yes": -0.5, "No": -1.0}, frozenset({"No"}), 10, 4, 0.5
    )
    answer = llm.invoke(ask("Why?"))
    assert answer.content == "Because."
    assert answer.usage_metadata["total_tokens"] == 13


def replay(*calls):
    recorder = Recorder()
    for messages, choices, fields in calls:
        recorded(recorder, messages, choices, **fields)
    return ReplayLLM.from_calls([e for e in recorder.events if isinstance(e, LLMCall)])


def test_a_prompt_asked_twice_gets_its_answers_in_order():
    odds = [{"Yes": -0.1, "No": -2.0}, {"Yes": -0.2, "No": -3.0}]
    llm = replay(*((ask("Asthma?"), YES_NO, {"logprobs": o}) for o in odds))
    seen = [llm.score_choices(ask("Asthma?"), YES_NO).logprobs for _ in range(3)]
    assert seen == [odds[0], odds[1], odds[1]]


def test_an_overflow_is_replayed():
    settings = {"overflow": {"needed": 9000, "available": 8192}}
    llm = replay((ask("long"), YES_NO, {"settings": settings}))
    with pytest.raises(ContextOverflow) as caught:
        llm.score_choices(ask("long"), YES_NO)
    assert (caught.value.needed, caught.value.available) == (9000, 8192)


@pytest.mark.parametrize(
    ("text", "choices", "what"),
    [
        ("Asthma", YES_NO, r"\(test\) has 'Asthma\?' where this one has 'Asthma'"),
        ("Asthma?", ("No", "Yes"), r"with the choices \('No', 'Yes'\), but with \['Yes', 'No'\]"),
    ],
)
def test_a_prompt_that_is_not_in_the_trace(text, choices, what):
    llm = replay((ask("Asthma?"), YES_NO, {"logprobs": {"Yes": -0.1, "No": -2.0}}))
    with pytest.raises(UserError, match=f"differs from the trace: .*{what}"):
        llm.score_choices(ask(text), choices)


def test_a_trace_without_llm_calls(tmp_path):
    Recorder(tmp_path / "n1.jsonl").node_start("read")
    with pytest.raises(UserError, match="holds no LLM call"):
        load_llm(f"replay:{tmp_path / 'n1.jsonl'}")


def test_a_trace_cannot_count_tokens():
    with pytest.raises(UserError, match="cannot count tokens"):
        replay((ask("a"), None, {"response": "b"})).count_tokens("a")


# --- the built-in model --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def llm(builtin_model):
    llm = load_llm("builtin", context_tokens=1024)
    assert isinstance(llm, LlamaCppChat)
    yield llm
    llm.close()


def question(condition, history=""):
    note = NOTE.format(history=history)
    return [
        HumanMessage(
            f"Clinical note:\n{note}\n\nDoes the note say that the patient has {condition}? "
            "Answer Yes or No."
        )
    ]


@pytest.mark.llm
def test_questions_about_a_note_share_its_cache_and_repeat_exactly(llm, capfd):
    began = time.perf_counter()
    first = llm.score_choices(question("pneumonia"), YES_NO)
    assert first.seconds <= time.perf_counter() - began
    second = llm.score_choices(question("asthma"), YES_NO)
    assert first.cached_tokens < 40 < 80 < second.cached_tokens
    assert second.prompt_tokens - second.cached_tokens < 25
    assert second.seconds < first.seconds
    again = llm.score_choices(question("asthma"), YES_NO)
    assert again.logprobs == second.logprobs
    assert again.cached_tokens == again.prompt_tokens == second.prompt_tokens
    third = llm.score_choices(question("gout"), YES_NO)
    assert third.logprobs != second.logprobs
    warm = llm.score_choices(question("asthma"), YES_NO)
    assert warm.log_odds("Yes", "No") == pytest.approx(second.log_odds("Yes", "No"), abs=0.05)
    assert first.log_odds("Yes", "No") > second.log_odds("Yes", "No")
    assert not first.floored
    assert all(value < 0 for value in first.logprobs.values())
    assert capfd.readouterr() == ("", "")


@pytest.mark.llm
def test_documented_and_denied_are_told_apart(llm):
    documented = "He has type 2 diabetes mellitus and takes metformin."
    denied = "He denies diabetes mellitus."
    odds = [
        llm.score_choices(question("diabetes mellitus", history), YES_NO).log_odds("Yes", "No")
        for history in (documented, denied)
    ]
    assert odds[0] > odds[1] + 1.0


@pytest.mark.llm
def test_answers_under_a_schema_with_a_limit_and_a_stop(llm):
    schema = {
        "type": "object",
        "properties": {"organ": {"enum": ["lung", "heart"]}, "acute": {"type": "boolean"}},
        "required": ["organ", "acute"],
        "additionalProperties": False,
    }
    messages = [HumanMessage("Pneumonia: which organ? Is it acute? Answer as JSON.")]
    answer = llm.invoke(messages, schema=schema)
    assert json.loads(answer.content)["organ"] == "lung"
    assert answer.response_metadata["finish_reason"] == "stop"
    openai = {"type": "json_schema", "json_schema": {"schema": schema}}
    assert llm.invoke(messages, response_format=openai).content == answer.content
    short = llm.invoke([HumanMessage("Count from 1 to 10.")], max_tokens=3)
    assert short.response_metadata["finish_reason"] == "length"
    assert short.usage_metadata["output_tokens"] == 3
    assert "3" not in llm.invoke([HumanMessage("Count from 1 to 10.")], stop=["3"]).content
    with pytest.raises(TypeError, match="temperature"):
        llm.invoke(messages, temperature=1)


@pytest.mark.llm
def test_choices_must_differ_in_their_first_token(llm):
    for choices in (("Yes", "Yes, surely"), ("Yes",), ("Yes", "Yes"), ("", "No")):
        with pytest.raises(ValueError, match="choice"):
            llm.score_choices(ask("Is it?"), choices)


@pytest.mark.llm
def test_an_impossible_choice_gets_the_floor(llm):
    scores = llm.score_choices(ask("Is water wet?"), ("Yes", "No", "\u0e01"))
    assert scores.floored == {"\u0e01"}
    assert scores.logprobs["\u0e01"] <= min(scores.logprobs["Yes"], scores.logprobs["No"])


@pytest.mark.llm
def test_a_prompt_longer_than_the_context(llm):
    with pytest.raises(ContextOverflow) as caught:
        llm.score_choices(ask("pain " * 1500), YES_NO)
    assert caught.value.available == 1024
    assert 1500 < caught.value.needed < 1600
    assert llm.count_tokens("pain " * 1500) == pytest.approx(1500, abs=2)
    assert llm.count_tokens("") == 0


@pytest.mark.llm
def test_the_process_ends_cleanly_and_says_nothing(llm):
    code = (
        "from agent.llm.registry import load_llm\n"
        "from langchain_core.messages import HumanMessage\n"
        "llm = load_llm('builtin', context_tokens=256)\n"
        "llm.score_choices([HumanMessage('Is water wet?')], ('Yes', 'No'))\n"
        "other = load_llm('builtin', context_tokens=256)\n"
        "other.count_tokens('a')\n"
        "other.close()\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=True
    )
    assert (run.stdout, run.stderr) == (b"", b"")
