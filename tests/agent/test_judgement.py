"""What the rules leave open, and what an LLM's answers do to it.

The LLM's answers are replayed from calls written here; a question that has no answer fails.
"""

import math
from dataclasses import replace

import pytest

from agent.evidence import evidence_at
from agent.llm.base import as_chat, prompt_key
from agent.llm.registry import load_llm
from agent.llm.replay import ReplayLLM
from agent.nodes.check import check
from agent.nodes.judge import judge_open_pairs
from agent.nodes.revise import needs_revision
from agent.policy.ledger import Ledger
from agent.policy.open_pairs import open_pairs
from agent.prompting import load_prompt
from agent.request import CodingRequest
from agent.settings import Band, Settings
from agent.state import Proposal
from agent.trace.events import LLMCall
from knowledge.code_systems import get_code_system
from knowledge.guidelines import card
from knowledge.note_text import Note, Span

TEXT = (
    "HPI: Short of breath on hills. Neck pain since a crash. Aching between the shoulder blades. "
    "Tremor of the hands for years, shaking of the foot since the new drug.\n"
    "ASSESSMENT: Asbestosis. Enlarged prostate with obstruction; gets up at night."
)
NOTE = Note.parse(TEXT)
BAND = Band(yes_from=1.0, no_to=-1.0)
DYSPNEA = ("R06.02", "Short of breath on hills")
ASBESTOSIS = ("J61", "Asbestosis")
BACK, NECK = ("M54.9", "Aching between the shoulder blades"), ("M54.2", "Neck pain")
SHAKING, TREMOR = ("R25.1", "shaking of the foot"), ("G25.0", "Tremor of the hands")


def proposal(code, words, confidence=0.8):
    start = TEXT.index(words)
    evidence = (evidence_at(NOTE, Span(start, start + len(words))),)
    return Proposal(code, confidence, "present", evidence, True, "named")


def state_of(*found):
    return {
        "request": CodingRequest("n", TEXT),
        "note": NOTE,
        "proposals": [proposal(*f) for f in found],
    }


def llm_that_says(kind, section, first, second, odds):
    """Return a replay of the log-odds of yes to one question."""
    prompt, title = load_prompt(f"judge_{kind}"), get_code_system().get
    messages = prompt.render(
        note=TEXT,
        guideline=" ".join(card(section).body.split()),
        first=title(first[0]).title,
        first_words=first[1],
        second=title(second[0]).title,
        second_words=second[1],
    )
    yes = -math.log1p(math.exp(-odds))
    call = LLMCall(
        at=0.0,
        node="judge",
        call="score_choices",
        purpose=f"judge_{kind} {first[0]} {second[0]}",
        prompt_sha256=prompt_key(messages, prompt.choices),
        messages=as_chat(messages),
        choices=list(prompt.choices),
        logprobs={"Yes": yes, "No": yes - odds},
        prompt_tokens=10,
        completion_tokens=1,
        cached_tokens=0,
        seconds=0.1,
        model="some@sha256:1234",
    )
    return ReplayLLM.from_calls([call])


def judged_context(bare_context, llm, **changes):
    settings = Settings(integral_symptom=BAND, same_condition=BAND, **changes)
    return replace(bare_context(llm), settings=settings)


def run(state, context):
    state.update(judge_open_pairs(state, context))
    state.update(check(state, context))
    return {p.code for p in state["proposals"] if p.accepted}


def findings(state, rule):
    return [f for f in state["findings"] if f.rule == rule]


@pytest.mark.parametrize(
    ("odds", "left", "severity"),
    [(2.0, {"J61"}, None), (-2.0, {"J61", "R06.02"}, None), (0.0, {"J61", "R06.02"}, "warning")],
)
def test_a_symptom_goes_stays_or_is_left_to_the_coder(bare_context, odds, left, severity):
    llm = llm_that_says("integral_symptom", "I.B.5", DYSPNEA, ASBESTOSIS, odds)
    context = judged_context(bare_context, llm)
    state = state_of(DYSPNEA, ASBESTOSIS)
    assert run(state, context) == left
    assert [f.severity for f in findings(state, "integral_symptoms")] == [severity] * bool(severity)
    (event,) = [e for e in context.recorder.events if e.event == "judgement"]
    assert (event.codes, event.card, event.rule) == (
        ("R06.02", "J61"),
        "I.B.5",
        "integral_symptoms",
    )
    assert event.log_odds == pytest.approx(odds)
    rejected = [e for e in context.recorder.events if e.event == "decision"]
    assert [(d.code, d.action, d.card) for d in rejected] == [("R06.02", "reject", "I.B.5")] * (
        odds > 1
    )


@pytest.mark.parametrize(
    ("odds", "left", "severity"),
    [
        (2.0, {"M54.2"}, None),
        (-2.0, {"M54.2", "M54.9"}, None),
        (0.0, {"M54.2", "M54.9"}, "warning"),
    ],
)
def test_an_unspecified_code_of_other_words_is_a_question(bare_context, odds, left, severity):
    context = judged_context(
        bare_context, llm_that_says("same_condition", "I.B.18", BACK, NECK, odds)
    )
    state = state_of(BACK, NECK)
    assert run(state, context) == left
    assert [f.severity for f in findings(state, "unspecified_codes")] == [severity] * bool(severity)


@pytest.mark.parametrize(
    ("odds", "left", "severity"),
    [
        (2.0, {"G25.0"}, None),
        (-2.0, {"G25.0", "R25.1"}, "info"),
        (0.0, {"G25.0", "R25.1"}, "warning"),
    ],
)
def test_codes_that_exclude_each_other_may_be_unrelated(bare_context, odds, left, severity):
    weaker = (*SHAKING, 0.6)
    context = judged_context(
        bare_context, llm_that_says("same_condition", "I.A.12.a", SHAKING, TREMOR, odds)
    )
    state = state_of(weaker, TREMOR)
    assert run(state, context) == left
    found = findings(state, "excludes1")
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all("The LLM (log-odds" in f.message for f in found)
    assert not needs_revision(state, context)


@pytest.mark.parametrize("settings", [Settings(), Settings(same_condition=BAND, max_judgements=0)])
def test_an_llm_that_may_not_decide_is_not_asked(bare_context, settings):
    never = llm_that_says("integral_symptom", "I.B.5", BACK, NECK, 9.0)  # of no use here
    context = replace(bare_context(never), settings=settings)
    state = state_of(DYSPNEA, ASBESTOSIS, BACK, NECK)
    assert len(run(state, context)) == 4
    assert not [e for e in context.recorder.events if e.event == "llm_call"]
    assert {f.severity for f in findings(state, "integral_symptoms")} == {"info"}
    assert {f.severity for f in findings(state, "unspecified_codes")} == {"info"}


def test_without_an_llm_the_same_is_left_to_the_coder(bare_context):
    with_llm, without = state_of(DYSPNEA, ASBESTOSIS), state_of(DYSPNEA, ASBESTOSIS)
    some = llm_that_says("integral_symptom", "I.B.5", BACK, NECK, 9.0)
    run(with_llm, bare_context(some))
    run(without, bare_context())
    assert with_llm["findings"] == without["findings"]


def pairs(context, *found):
    return [(p.kind, p.codes) for p in open_pairs(Ledger(state_of(*found), context))]


def test_what_the_table_or_the_classification_settles_is_no_question(bare_context):
    context = bare_context()
    obstruction = ("N40.1", "Enlarged prostate with obstruction")
    # N40.1 asks for the code of the symptom; heart failure does not explain a tremor.
    assert pairs(context, ("R35.1", "gets up at night"), obstruction) == []
    assert pairs(context, ("R25.1", "Tremor of the hands"), ("I50.9", "Short of breath")) == []
    assert pairs(context, ("I10", "Asbestosis"), ("R06.02", "Short of breath")) == []


def test_the_disease_told_nearest_to_a_symptom_is_the_one_in_question(bare_context):
    far, near = ASBESTOSIS, ("J98.4", "Neck pain")
    assert pairs(bare_context(), DYSPNEA, far, near) == [("integral_symptom", ("R06.02", "J98.4"))]


def test_each_code_is_in_one_question_and_exclusions_come_first(bare_context):
    found = pairs(bare_context(), (*SHAKING, 0.6), TREMOR, DYSPNEA, ASBESTOSIS)
    assert found == [
        ("same_condition", ("R25.1", "G25.0")),
        ("integral_symptom", ("R06.02", "J61")),
    ]


def test_the_kinds_share_system_text_and_note_as_a_prefix():
    words = {"first": "a", "first_words": "b", "second": "c", "second_words": "d"}
    one, two = (
        load_prompt(f"judge_{kind}").render(note="A NOTE", guideline="G", **words)
        for kind in ("integral_symptom", "same_condition")
    )
    assert one[0] == two[0]
    head = str(one[1].content).partition("G")[0]
    assert "A NOTE" in head
    assert str(two[1].content).startswith(head)


@pytest.mark.llm
@pytest.mark.usefixtures("builtin_model")
def test_the_built_in_llm_judges_and_replays(bare_context):
    open_band = {"integral_symptom": Band(yes_from=0.0, no_to=-0.1)}
    live = replace(bare_context(load_llm("builtin")), settings=Settings(**open_band))
    first = state_of(DYSPNEA, ASBESTOSIS)
    run(first, live)
    calls = [e for e in live.recorder.events if e.event == "llm_call"]
    assert [c.purpose for c in calls] == ["judge_integral_symptom R06.02 J61"]
    assert " ".join(card("I.B.5").body.split()) in calls[0].messages[-1]["content"]
    replayed = replace(bare_context(ReplayLLM.from_calls(calls)), settings=live.settings)
    second = state_of(DYSPNEA, ASBESTOSIS)
    run(second, replayed)
    assert second["judged"] == first["judged"]
