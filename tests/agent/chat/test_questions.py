"""Clarifying questions: the argued cases, and what a compliant query never does."""

from pathlib import Path

import pytest

from agent.chat.open_points import OTHER, QUESTIONS_PER_NOTE, UNDETERMINED
from knowledge.axes import load_axes
from knowledge.strict_yaml import read_yaml

CASES = read_yaml(Path(__file__).parents[2] / "data" / "chat" / "questions.yaml")
MANY_OPEN = (
    "ASSESSMENT: Heart failure. Atrial fibrillation. Chronic kidney disease. Hip pain. Bronchitis."
)
PAYMENT = ("pay", "reimburs", "drg", "cost", "revenue", "severity of illness", "quality")


def codes(talk):
    return [line.code for line in talk.codes().codes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_note_is_asked_about_where_it_leaves_a_code_open(case, talk_about, parts):
    talk = talk_about(case["note"], setting=case.get("setting", "inpatient"))
    question = talk.question
    if case["axis"] == "none":
        assert question is None
        return
    assert question is not None
    assert question.axis == case["axis"]
    assert question.code == case.get("code", question.code)
    *named, other, undetermined = question.options
    assert (other, undetermined) == (OTHER, UNDETERMINED)
    if "answers" in case:
        assert [option.value for option in named] == case["answers"]
    assert [option.code for option in named] == sorted(option.code for option in named)
    assert all(parts.system.get(option.code).billable for option in named)


@pytest.mark.parametrize(
    "case", [case for case in CASES if "change" in case], ids=lambda case: case["id"]
)
def test_an_answer_changes_the_code_and_says_who_answered(case, talk_about):
    talk = talk_about(case["note"], setting=case.get("setting", "inpatient"))
    asked = talk.question
    reply = talk.send(case["change"]["answer"])
    (line,) = [line for line in reply.codes if line.code == case["change"]["code"]]
    assert line.reason.startswith("answered by the coder")
    assert line.status == "accepted"
    assert line.evidence == asked.spans
    assert case["code"] not in codes(talk)
    talk.send("/undo")
    assert case["code"] in codes(talk)
    assert talk.question == asked


def test_a_question_quotes_the_note_and_speaks_of_no_payment(talk_about):
    talk = talk_about(MANY_OPEN)
    start, end = talk.question.spans[0]
    assert MANY_OPEN[start:end] in talk.question.text
    assert talk.question.code in talk.question.text
    texts = [axis.question for axis in load_axes()]
    assert not [text for text in texts for word in PAYMENT if word in text.lower()]
    # A value in the question itself would lead.
    for axis in load_axes():
        assert not [value for value in axis.values if value in axis.question.lower()]


def test_a_note_is_asked_about_three_times_at_most(talk_about):
    talk, asked = talk_about(MANY_OPEN), 0
    while talk.question:
        talk.send("cannot be determined")
        asked += 1
    assert asked == QUESTIONS_PER_NOTE


def test_the_policy_mentions_asks_nothing(talk_about):
    assert talk_about(MANY_OPEN, policy="mentions").question is None


def test_what_cannot_be_determined_stays_and_is_not_asked_again(talk_about):
    talk = talk_about("ASSESSMENT: Hip pain.")
    assert codes(talk) == ["M25.559"]
    reply = talk.send("Cannot be determined.")
    assert reply.kind == "decision"
    assert reply.question is None
    assert codes(talk) == ["M25.559"]


def test_other_turns_leave_the_question_open(talk_about):
    talk = talk_about("ASSESSMENT: Hip pain.")
    asked = talk.question
    for line in ("/why M25.559", "nonsense", "/why", "/check", "/codes"):
        assert talk.send(line).question == asked
    assert codes(talk) == ["M25.559"]
    assert talk.send("2").codes[0].code == "M25.552"


def test_a_code_that_the_coder_has_accepted_is_not_asked_about(talk_about):
    talk = talk_about("ASSESSMENT: Hip pain.")
    assert talk.send("/accept M25.559").question is None
    assert talk.send("/undo").question is not None


def test_no_question_where_an_option_is_on_the_list(talk_about):
    talk = talk_about("ASSESSMENT: Hip pain.")
    assert talk.send("/add M25.551").question is None
