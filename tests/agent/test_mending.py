"""Which mends of findings are made, on states made by hand and with the real rules."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.nodes.check import check
from agent.nodes.ordering import coding_order
from agent.nodes.revise import needs_revision, revise
from agent.request import CodingRequest
from agent.result import Evidence, ResultContext
from agent.state import Proposal
from knowledge.note_text import Note
from knowledge.rules import RULES, Finding, Mend

TEXT = "ASSESSMENT: " + " ".join(f"words{n:02}" for n in range(20))
NOTE = Note.parse(TEXT)


@pytest.fixture
def context(bare_context):
    return bare_context()


def proposal(code, place=0, confidence=0.9):
    """Return an accepted proposal whose evidence is one of the words, counted from 0."""
    start = 12 + 8 * place
    evidence = Evidence(start=start, end=start + 7, text=TEXT[start : start + 7], section="A")
    return Proposal(code, confidence, "present", (evidence,), True, "named")


def state_of(*proposals, findings=(), **encounter):
    return {
        "request": CodingRequest("n", TEXT, ResultContext(**encounter)),
        "note": NOTE,
        "proposals": list(proposals),
        "findings": list(findings),
    }


def finding(codes, mend, rule="laterality", severity="error"):
    citation = RULES[rule].card.citation
    return Finding(
        rule=rule, severity=severity, codes=codes, message="M.", citation=citation, mend=mend
    )


def settle(state, context):
    """Check and revise as the graph does; return the reported codes in order."""
    state.update(check(state, context))
    while needs_revision(state, context):
        state.update(revise(state, context))
        state.update(check(state, context))
    return reported(state, context)


def reported(state, context):
    mends = state.get("mends", ())
    return [p.code for p in coding_order(state["proposals"], state["note"], context, mends)]


def test_the_two_sides_become_the_bilateral_code_with_the_evidence_of_both(context):
    state = state_of(proposal("H25.011", 0), proposal("I10", 1), proposal("H25.012", 2))
    assert settle(state, context) == ["H25.013", "I10"]
    both = next(p for p in state["proposals"] if p.code == "H25.013")
    assert [e.text for e in both.evidence] == ["words00", "words02"]
    assert (both.stage, both.guidelines) == ("check", ("I.B.13",))
    decisions = [e for e in context.recorder.events if e.event == "decision"]
    assert [(d.code, d.action, d.replacement) for d in decisions] == [
        ("H25.013", "add", None),
        ("H25.011", "replace", "H25.013"),
        ("H25.012", "replace", "H25.013"),
        ("H25.013", "move", None),  # to the place of the principal diagnosis
    ]
    assert {(d.rule, d.card) for d in decisions} == {("laterality", "I.B.13")}


def test_what_stays_of_a_finding_takes_the_place_of_the_principal_diagnosis(context):
    state = state_of(proposal("H25.012", 0), proposal("I10", 1), proposal("H25.013", 2))
    assert settle(state, context) == ["H25.013", "I10"]


def test_the_principal_diagnosis_stays_where_nothing_can_take_its_place(context):
    alone = finding(["R07.9"], Mend(remove=["R07.9"]))
    assert not needs_revision(state_of(proposal("R07.9"), findings=[alone]), context)
    cause = finding(["S52.501A", "W19.XXXA"], Mend(remove=["S52.501A"]))
    state = state_of(proposal("S52.501A"), proposal("W19.XXXA", 1), findings=[cause])
    assert not needs_revision(state, context)


def test_a_code_that_comes_alone_rests_on_the_codes_of_the_finding(context):
    adds = finding(["E11.65", "N18.4"], Mend(add=["E11.22"]))
    state = state_of(proposal("E11.65", 0), proposal("N18.4", 1), findings=[adds])
    state.update(revise(state, context))
    added = next(p for p in state["proposals"] if p.code == "E11.22")
    assert [e.text for e in added.evidence] == ["words00", "words01"]


@pytest.mark.parametrize("code", ["E11", "X99.999"])
def test_a_code_that_cannot_be_reported_never_comes(context, code):
    adds = finding(["E11.9"], Mend(remove=["E11.9"], add=[code]))
    assert not needs_revision(state_of(proposal("E11.9"), findings=[adds]), context)


@pytest.mark.parametrize(
    ("made", "mend"),
    [
        (Mend(remove=["I10"], add=["I11.0"]), Mend(remove=["I11.0"], add=["I10"])),
        (Mend(before=("I11.0", "N18.4")), Mend(before=("N18.4", "I11.0"))),
    ],
)
def test_a_mend_is_not_undone(context, made, mend):
    back = finding(["I11.0", "N18.4"], mend)
    state = state_of(proposal("I11.0", 0), proposal("N18.4", 1), findings=[back])
    assert not needs_revision({**state, "mends": [made]}, context)


def test_places_that_do_not_go_together_are_left_to_the_coder(context):
    circle = [
        finding(["I10", "E11.9"], Mend(before=("E11.9", "I10"))),
        finding(["E11.9", "J44.9"], Mend(before=("J44.9", "E11.9"))),
        finding(["J44.9", "I10"], Mend(before=("I10", "J44.9"))),
    ]
    given_ = [proposal("I10", 0), proposal("E11.9", 1), proposal("J44.9", 2)]
    state = state_of(*given_, findings=circle)
    state.update(revise(state, context))
    assert [m.before for m in state["mends"]] == [("E11.9", "I10"), ("J44.9", "E11.9")]
    assert reported(state, context) == ["J44.9", "E11.9", "I10"]


def test_codes_of_pregnancy_go_first(context):
    state = state_of(proposal("J45.909", 0), proposal("O99.511", 1), sex="F", age=30)
    assert settle(state, context)[0] == "O99.511"
    moves = [e for e in context.recorder.events if e.event == "decision" and e.action == "move"]
    assert [(m.code, m.rule) for m in moves] == [("O99.511", "pregnancy_first")]


def test_a_warning_is_mended_only_where_the_policy_says_so(context):
    move = Mend(before=("M16.11", "S72.001S"))
    warning = finding(["S72.001S", "M16.11"], move, "sequela_first", "warning")
    state = state_of(proposal("S72.001S", 0), proposal("M16.11", 1), findings=[warning])
    assert not needs_revision(state, context)
    says_so = replace(context.policy_data, mended_warnings={"sequela_first": "for this test"})
    context = replace(context, policy_data=says_so)
    assert needs_revision(state, context)
    state.update(revise(state, context))
    assert reported(state, context) == ["M16.11", "S72.001S"]


def test_a_code_given_twice_is_reported_once(context):
    state = state_of(proposal("I10", 0, 0.6), proposal("E11.9", 1), proposal("I10", 2, 0.8))
    assert sorted(settle(state, context)) == ["E11.9", "I10"]
    assert [p.confidence for p in state["proposals"] if p.accepted and p.code == "I10"] == [0.8]


def test_of_two_codes_for_the_same_words_the_symptom_goes(context):
    state = state_of(proposal("R06.2", 0, 0.9), proposal("J45.909", 0, 0.6))
    assert settle(state, context) == ["J45.909"]


POOL = sorted(
    {"H25.011", "H25.012", "H25.013", "H25.019", "E10.9", "E11.9", "E11.22", "N18.4", "I10"}
    | {"I12.9", "I50.9", "S52.501", "S52.501A", "W19.XXXA", "F02.80", "G30.9", "O99.511", "R07.9"}
    | {"J45.909", "S72.001S", "M16.11", "M79.18", "M79.7", "C50.919", "Z85.3", "R65.20", "A41.9"}
)


@given(
    st.lists(
        st.tuples(st.sampled_from(POOL), st.integers(0, 19), st.floats(0.5, 0.99)),
        min_size=1,
        max_size=7,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_revision_ends_and_leaves_codes_with_evidence(context, given_):
    state = state_of(*(proposal(*values) for values in given_), sex="F", age=30)
    codes = settle(state, context)
    assert codes
    assert state.get("revisions", 0) <= context.settings.max_revisions
    assert len(codes) == len(set(codes))
    assert all(p.evidence for p in state["proposals"] if p.accepted)
    removed = {c for m in state.get("mends", ()) for c in m.remove if c not in m.add}
    assert not removed & set(codes)
