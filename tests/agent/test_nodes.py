"""Single nodes on states made by hand, with the real code system and rules."""

from dataclasses import replace

import pytest

from agent.nodes.check import check
from agent.nodes.ordering import coding_order
from agent.nodes.policy import apply_policy
from agent.nodes.revise import needs_revision, revise
from agent.request import CodingRequest
from agent.result import Evidence
from agent.state import Proposal
from knowledge.note_text import Note

TEXT = "ASSESSMENT: words of the note, and more words of it."


@pytest.fixture
def context(bare_context):
    return bare_context()


def proposal(code, start=12, end=17, confidence=0.9):
    evidence = Evidence(start=start, end=end, text=TEXT[start:end], section="ASSESSMENT")
    return Proposal(code, confidence, "present", (evidence,), True, "named")


def state_of(*proposals):
    return {
        "request": CodingRequest("n", TEXT),
        "note": Note.parse(TEXT),
        "proposals": list(proposals),
    }


def order(context, *proposals):
    return [p.code for p in coding_order(proposals, Note.parse(TEXT), context)]


def test_etiology_stands_before_manifestation(context):
    assert order(context, proposal("F02.80", 12, 17), proposal("G30.9", 33, 38)) == [
        "G30.9",
        "F02.80",
    ]


def test_external_causes_and_symptoms_follow_diseases(context):
    given = [proposal("W11.XXXA"), proposal("R05.9"), proposal("S52.501A"), proposal("Z79.4")]
    assert order(context, *given)[0] == "S52.501A"
    assert order(context, *given)[-1] == "W11.XXXA"


def test_what_is_rejected_is_not_reported(context):
    assert order(context, replace(proposal("I10"), accepted=False)) == []


def test_of_two_codes_for_the_same_words_the_weaker_goes(context):
    state = state_of(proposal("E10.9", confidence=0.6), proposal("E11.9", confidence=0.8))
    state.update(check(state, context))
    assert needs_revision(state, context)
    state.update(revise(state, context))
    assert [(p.code, p.accepted) for p in state["proposals"]] == [
        ("E10.9", False),
        ("E11.9", True),
    ]
    dropped = state["proposals"][0]
    assert dropped.stage == "check"
    assert "exclude each other" in dropped.reason
    decision = context.recorder.events[-1]
    assert (decision.event, decision.code, decision.action) == ("decision", "E10.9", "reject")
    assert "I.A.12.a" in decision.citation
    state.update(check(state, context))
    assert not needs_revision(state, context)


def test_revision_ends_after_the_allowed_rounds(context):
    state = state_of(proposal("E10.9"), proposal("E11.9"))
    state.update(check(state, context))
    state["revisions"] = context.settings.max_revisions
    assert not needs_revision(state, context)


def test_a_code_that_needs_a_seventh_character_is_completed(context):
    state = state_of(proposal("S52.501"))
    state.update(check(state, context))
    state.update(revise(state, context))
    assert [p.code for p in state["proposals"]] == ["S52.501A"]


def test_check_calls_every_rule_as_a_tool_and_records_it(context):
    state = state_of(proposal("I10"))
    check(state, context)
    calls = {e.tool: e for e in context.recorder.events if e.event == "tool_call"}
    assert {"check_excludes1", "check_code_first", "check_use_additional"} <= calls.keys()
    assert {"check_billable", "check_seventh_character"} <= calls.keys()
    assert all(call.arguments["codes"] == ["I10"] for call in calls.values())


def test_nothing_accepted_means_nothing_to_check(context):
    assert check(state_of(), context) == {"findings": []}


def test_a_cause_without_what_it_caused_goes(context):
    alone = apply_policy(state_of(proposal("W19.XXXA"), proposal("R09.81", 33, 38)), context)
    assert [p.code for p in alone["proposals"] if p.accepted] == ["R09.81"]
    (decision,) = context.recorder.events
    assert (decision.code, decision.rule) == ("W19.XXXA", "causes_without_an_injury")


def test_a_code_that_the_circumstances_do_not_bear_out_says_why(context):
    named = replace(proposal("Z79.01"), sources={"terms": 0.9})
    (rejected,) = apply_policy(state_of(named), context)["proposals"]
    assert (rejected.accepted, rejected.stage) == (False, "policy")
    assert "no such circumstance" in rejected.reason


def test_an_encounter_for_an_examination_leads(context):
    given = [proposal("H66.91", 12, 17), proposal("Z00.121", 33, 38)]
    assert order(context, *given) == ["Z00.121", "H66.91"]


def test_what_has_a_cause_to_be_coded_first_does_not_lead(context):
    given = [proposal("I85.10", 12, 17), proposal("K70.31", 33, 38)]
    assert order(context, *given)[0] == "K70.31"
