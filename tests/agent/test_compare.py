"""The second look where PLM-ICD disagrees, and PLM-ICD's opinion in results, traces and the view.

The LLM's answers are replayed from calls written here; a question that has no answer fails.
"""

import math
import re
from dataclasses import replace

import pytest

from agent.cli.view import print_result
from agent.evidence import evidence_at
from agent.llm.base import as_chat, prompt_key
from agent.llm.registry import load_llm
from agent.llm.replay import ReplayLLM
from agent.nodes.compare import compare
from agent.nodes.finalise import finalise
from agent.nodes.summary import summarise
from agent.prompting import load_prompt
from agent.request import CodingRequest
from agent.state import Proposal
from agent.trace.events import LLMCall
from indexes.candidates import Candidate
from indexes.plm_icd.predict import Prediction
from knowledge.code_systems import get_code_system
from knowledge.note_text import Note, Span

TEXT = (
    "HPI: Severe headache after a fall. No fever. Hypertension.\n"
    "ASSESSMENT: Lobar pneumonia. Hypokalemia."
)
NOTE = Note.parse(TEXT)
LABELS = ("J18.1", "R51", "I10", "W19.XXX", "R50.9", "R07.9")


@pytest.fixture(scope="module")
def plm(make_plm):
    return make_plm(LABELS)


def span(words):
    start = TEXT.index(words)
    return Span(start, start + len(words))


def proposal(code, words, confidence, **fields):
    evidence = (evidence_at(NOTE, span(words)),)
    accepted = confidence >= 0.5
    reason = "named" if accepted else "named; confidence below the threshold"
    values = {"assertion": "present", "sources": {"terms": 0.5}, **fields}
    return Proposal(
        code=code,
        confidence=confidence,
        evidence=evidence,
        accepted=accepted,
        reason=reason,
        **values,
    )


def prediction(code, words, probability):
    return Prediction(code, probability, span(words))


def state_of(proposals=(), predictions=(), candidates=()):
    return {
        "request": CodingRequest("n", TEXT),
        "note": NOTE,
        "candidates": list(candidates),
        "plm_icd": list(predictions),
        "proposals": list(proposals),
        "findings": [],
    }


def llm_that_says(answers):
    """Return a replay of log-odds of Yes by code and words."""
    prompt = load_prompt("verify_code")
    calls = []
    for (code, words), odds in answers.items():
        title = get_code_system().get(code).title
        messages = prompt.render(note=TEXT, evidence=words, description=title)
        yes = -math.log1p(math.exp(-odds))
        calls.append(
            LLMCall(
                at=0.0,
                node="compare",
                call="score_choices",
                purpose=f"verify_code {code}",
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
        )
    return ReplayLLM.from_calls(calls)


HEADACHE = ("R51.9", "headache")
PNEUMONIA = ("J18.1", "Lobar pneumonia")


def test_an_accepted_code_that_plm_icd_would_not_assign_can_fall(bare_context, plm):
    context = bare_context(llm_that_says({HEADACHE: -2.0}), plm)
    state = state_of([proposal(*HEADACHE, 0.6)], [prediction("R51", "headache", 0.03)])
    update = compare(state, context)
    (p,) = update["proposals"]
    assert (p.accepted, p.stage, p.sources["llm"]) == (False, "reason", pytest.approx(-2.0))
    assert p.confidence < 0.5
    assert "PLM-ICD disagrees and does not assign it (0.03); the LLM doubts it" in p.reason
    assert p.reason.endswith("; confidence below the threshold")
    decision = context.recorder.events[-1]
    assert (decision.code, decision.action, decision.stage) == ("R51.9", "reject", "reason")
    assert decision.reason == p.reason
    assert summarise(update, context)["second_look"] == [
        {
            "code": "R51.9",
            "plm_icd": 0.03,
            "confidence": [0.6, round(p.confidence, 4)],
            "accepted": [True, False],
        }
    ]


def test_an_accepted_code_that_the_llm_supports_stays(bare_context, plm):
    context = bare_context(llm_that_says({HEADACHE: 3.0}), plm)
    (p,) = compare(state_of([proposal(*HEADACHE, 0.6)]), context)["proposals"]
    assert p.accepted
    assert "does not assign it (not among its 0 likeliest)" in p.reason


def test_a_rejected_code_that_plm_icd_assigns_can_rise(bare_context, plm):
    context = bare_context(llm_that_says({PNEUMONIA: 3.0}), plm)
    given = proposal(*PNEUMONIA, 0.4)
    state = state_of([given], [prediction("J18.1", "pneumonia", 0.8)])
    (p,) = compare(state, context)["proposals"]
    assert p.accepted
    assert p.evidence == given.evidence
    assert p.reason.startswith("named; PLM-ICD disagrees and assigns it (0.80); the LLM supports")
    assert context.recorder.events[-1].action == "accept"


def test_an_incomplete_label_speaks_for_the_proposal_below_it(bare_context, plm):
    context = bare_context(llm_that_says({("R51.0", "headache"): 3.0}), plm)
    state = state_of([proposal("R51.0", "headache", 0.4)], [prediction("R51", "headache", 0.8)])
    (p,) = compare(state, context)["proposals"]
    assert (p.code, p.accepted) == ("R51.0", True)


def test_a_prediction_without_a_proposal_becomes_one(bare_context, plm):
    context = bare_context(llm_that_says({("W19.XXXA", "fall"): 3.0}), plm)
    state = state_of([proposal(*PNEUMONIA, 0.9)], [prediction("W19.XXX", "fall", 0.6)])
    update = compare(state, context)
    kept, made = update["proposals"]
    assert kept is state["proposals"][0]
    assert (made.code, made.accepted, made.assertion) == ("W19.XXXA", True, "present")
    assert [(e.text, e.section) for e in made.evidence] == [("fall", "HPI")]
    assert made.sources == {"plm_icd": 0.6, "llm": pytest.approx(3.0)}
    assert "PLM-ICD attends to 'fall'" in made.reason
    assert update["second_look"][0].accepted_before is False


@pytest.mark.parametrize(("score", "proposals"), [(0.3, 1), (0.05, 0)])
def test_the_score_of_the_candidate_is_the_confidence_of_what_becomes_a_proposal(
    bare_context, plm, score, proposals
):
    context = bare_context(llm_that_says({("W19.XXXA", "fall"): -1.0}), plm)
    candidate = Candidate("W19.XXXA", score, sources={"dense": 0.4})
    state = state_of([], [prediction("W19.XXX", "fall", 0.6)], [candidate])
    made = compare(state, context).get("proposals", [])
    assert len(made) == proposals
    assert all(p.confidence < score and "dense" in p.sources for p in made)


UNASKED = {
    "both assign it": ([proposal(*HEADACHE, 0.6)], [prediction("R51", "headache", 0.6)]),
    "outside PLM-ICD's codes": ([proposal("E87.6", "Hypokalemia", 0.6)], []),
    "the agent is sure": ([proposal(*HEADACHE, 0.95)], []),
    "asked already": ([proposal(*HEADACHE, 0.6, sources={"llm": 2.0})], []),
    "sure that it is not there": (
        [proposal(*PNEUMONIA, 0.1)],
        [prediction("J18.1", "pneumonia", 0.8)],
    ),
    "ruled out": (
        [proposal("R50.9", "fever", 0.4, assertion="absent")],
        [prediction("R50.9", "fever", 0.8)],
    ),
    "ruled out, without a proposal": ([], [prediction("R50.9", "No fever", 0.8)]),
    "part of a longer wording": (
        [
            replace(proposal("J18.9", "pneumonia", 0.4), sources={}),
            proposal("J18.1", "Lobar pneumonia", 0.9),
        ],
        [prediction("J18.9", "pneumonia", 0.8), prediction("J18.1", "pneumonia", 0.8)],
    ),
    "no such code": ([], [prediction("A0B.1", "headache", 0.8)]),
    "neither assigns it": (
        [proposal(*PNEUMONIA, 0.4)],
        [prediction("J18.1", "pneumonia", 0.4)],
    ),
}


@pytest.mark.parametrize("case", UNASKED)
def test_where_a_second_look_is_worth_nothing_none_is_taken(bare_context, make_plm, case):
    proposals, predictions = UNASKED[case]
    plm = make_plm([*LABELS, "J18.9"])
    context = bare_context(llm_that_says({("I10", "Hypertension"): 0.0}), plm)
    assert compare(state_of(proposals, predictions), context) == {"second_look": []}
    assert context.recorder.events == []


def test_under_mentions_what_is_ruled_out_may_be_coded_too(bare_context, plm):
    fever = ("R50.9", "fever")
    context = bare_context(llm_that_says({fever: 3.0}), plm, "mentions")
    state = state_of(
        [proposal(*fever, 0.45, assertion="absent")], [prediction("R50.9", "fever", 0.8)]
    )
    (p,) = compare(state, context)["proposals"]
    assert p.accepted


def test_the_budget_goes_to_the_most_doubtful(bare_context, plm):
    answers = {("I10", "Hypertension"): 3.0, HEADACHE: 3.0}
    context = bare_context(llm_that_says(answers), plm)
    settings = context.settings.model_copy(update={"second_look_questions": 2})
    given = [
        proposal(*PNEUMONIA, 0.8),
        proposal("R51.9", "headache", 0.55),
        proposal("I10", "Hypertension", 0.6),
    ]
    update = compare(state_of(given), replace(context, settings=settings))
    assert [look.code for look in update["second_look"]] == ["R51.9", "I10"]
    assert [p.code for p in update["proposals"]] == ["J18.1", "R51.9", "I10"]


def test_without_a_model_or_an_llm_nothing_changes(bare_context, plm):
    state = state_of([proposal(*HEADACHE, 0.6)])
    assert compare(state, bare_context(None, plm)) == {"second_look": []}
    llm = llm_that_says({HEADACHE: 0.0})
    assert compare(state, bare_context(llm, None)) == {"second_look": []}


@pytest.mark.llm
@pytest.mark.usefixtures("builtin_model")
def test_the_built_in_llm_tells_a_documented_code_from_one_that_is_not(bare_context, plm):
    context = bare_context(load_llm("builtin", context_tokens=1024), plm)
    predictions = [prediction("J18.1", "pneumonia", 0.6), prediction("R07.9", "fall", 0.6)]
    state = state_of([], predictions)
    looks = {look.code: look for look in compare(state, context)["second_look"]}
    assert looks["J18.1"].accepted_after
    assert looks["J18.1"].confidence_after > looks["R07.9"].confidence_after


# --- the opinion in results, traces and on the terminal ------------------------------------------


def finalised(context, state):
    return finalise(state, context)["result"]


def test_a_result_has_the_opinion_on_its_final_codes(bare_context, plm):
    given = [
        proposal(*PNEUMONIA, 0.9),
        proposal("I10", "Hypertension", 0.8, sources={"terms": 0.8, "plm_icd": 0.2}),
        proposal("E87.6", "Hypokalemia", 0.8),
        # The policy has put another code into the place of the one PLM-ICD was heard on.
        proposal("Z87.81", "fall", 0.8, sources={"terms": 0.8, "plm_icd": 0.9}),
    ]
    predictions = plm.predict(NOTE, len(LABELS))
    result = finalised(bare_context(plm=plm), state_of(given, predictions))
    opinion = result.plm_icd
    assert opinion.agree == ["I10"]
    assert opinion.agent_only == ["J18.1"]
    assert opinion.outside_label_space == ["E87.6", "Z87.81"]
    words = {o.code: [TEXT[e.start : e.end] for e in o.evidence] for o in opinion.plm_only}
    assert words == {"R51.9": ["headache"], "R50.9": ["fever"]}
    sources = {c.code: c.sources for c in result.codes}
    given_by_plm = {p.code: round(p.probability, 4) for p in predictions}
    assert sources["J18.1"] == {"terms": 0.5, "plm_icd": given_by_plm["J18.1"]}
    assert sources["I10"]["plm_icd"] == given_by_plm["I10"]
    assert sources["Z87.81"] == {"terms": 0.8}
    assert type(result).model_validate_json(result.model_dump_json()) == result


def test_without_a_model_the_opinion_is_null(bare_context):
    result = finalised(bare_context(), state_of([proposal(*PNEUMONIA, 0.9)]))
    assert result.plm_icd is None


def test_the_trace_keeps_what_plm_icd_assigns(bare_context, plm):
    predictions = [prediction("R51", "headache", 0.61234), prediction("I10", "fall", 0.1)]
    start = TEXT.index("headache")
    assert summarise({"plm_icd": predictions}, bare_context(plm=plm)) == {
        "plm_icd": {
            "threshold": 0.5,
            "assigned": [
                {"code": "R51", "probability": 0.6123, "evidence": [start, start + 8]},
            ],
        }
    }
    assert summarise({"plm_icd": []}, bare_context()) == {}


def test_the_terminal_shows_the_opinion_beside_each_code(bare_context, plm, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    given = [
        proposal(*PNEUMONIA, 0.9),
        proposal("I10", "Hypertension", 0.8),
        proposal("E87.6", "Hypokalemia", 0.8),
    ]
    predictions = [
        prediction("J18.1", "pneumonia", 0.61),
        prediction("R51", "headache", 0.55),
        prediction("I10", "Hypertension", 0.03),
    ]
    with_opinion = finalised(bare_context(plm=plm), state_of(given, predictions))
    print_result(TEXT, with_opinion)
    shown = capsys.readouterr().out
    for text in ("PLM-ICD", "agrees", "0.61", "disagrees", "0.03", "not in its"):
        assert text in shown
    alone = shown.partition("Assigned by PLM-ICD alone")[2]
    assert re.search(r"R51\.9 +│ 0\.55 +│ headache", alone)
    print_result(TEXT, with_opinion.model_copy(update={"plm_icd": None}))
    assert "PLM-ICD" not in capsys.readouterr().out
