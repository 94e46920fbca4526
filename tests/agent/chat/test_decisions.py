"""Decisions on the list: each does what it says, undo is complete, one code is principal."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chat.conversation import Conversation
from agent.chat.models import Work
from agent.chat.store import ChatStore
from agent.result import Result, ResultContext

NOTE = "ASSESSMENT: Essential hypertension. Hyperlipidemia. Hip pain. Lobar pneumonia."
POOL = ("I10", "E78.5", "M25.559", "M25.551", "J18.1", "N18.4", "E11.9", "W19.XXXA")

codes = st.sampled_from(POOL)
lines = st.one_of(
    st.builds("/accept {}".format, codes),
    st.just("/accept all"),
    st.builds("/reject {} not treated".format, codes),
    st.builds("/replace {} {}".format, codes, codes),
    st.builds("/add {}".format, codes),
    st.builds("/add {} Hip pain".format, codes),
    st.builds("/principal {}".format, codes),
    st.sampled_from(["/check", "/mend 1", "/mend 2", "right", "other", "/why I10"]),
)


def work_of(talk):
    return Work.model_validate(talk.snapshot().state["work"])


def listed(reply):
    return [line.code for line in reply.codes]


@settings(max_examples=12, deadline=None)
@given(st.lists(lines, max_size=6))
def test_as_many_undos_lead_back_to_the_start(parts, said):
    talk = Conversation.open("t", parts, ChatStore.in_memory())
    talk.code_note(NOTE, ResultContext(), "n")
    start, asked = work_of(talk), talk.question
    for line in said:
        reply = talk.send(line)
        names = listed(reply)
        assert len(set(names)) == len(names)
        assert [line.role for line in reply.codes].count("principal") == bool(names)
        assert not names or reply.codes[0].role == "principal"
    for _ in talk.decisions:
        talk.send("/undo")
    assert work_of(talk) == start
    assert talk.question == asked
    assert talk.send("/undo").kind == "error"


def test_each_decision_does_what_it_says(talk_about):
    talk = talk_about(NOTE)
    assert set(listed(talk.codes())) == {"I10", "E78.5", "M25.559", "J18.1"}
    assert {line.status for line in talk.send("/accept all").codes} == {"accepted"}
    assert listed(talk.send("/principal j18.1"))[0] == "J18.1"
    assert "I10" not in listed(talk.send("/reject I10 not treated"))
    replaced = talk.send("/replace M25.559 M25.551")
    (line,) = [line for line in replaced.codes if line.code == "M25.551"]
    assert NOTE[slice(*line.evidence[0])] == "Hip pain"
    added = talk.send("/add N18.4 hip  PAIN")
    assert NOTE[slice(*added.codes[-1].evidence[0])] == "Hip pain"
    assert added.codes[-1].reason == "added by the coder"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/accept J45.909", "J45.909 is not on the list (I10, E78.5"),
        ("/add J45", "J45 needs more characters to be reported"),
        ("/add I10", "I10 is on the list already"),
        ("/add J45.909 asthma", "the note does not hold the words 'asthma'"),
        ("/replace I10 E78.5", "E78.5 is on the list already"),
        ("/mend 1", "there was no check yet"),
        ("/mend one", "needs the number of a finding"),
        ("/undo", "there is no decision to take back"),
        ("/reject", "/reject needs a code"),
        ("/reject all", "takes one code, not all"),
        ("/why I99.99", "does not exist"),
        ("/fly", "unknown command /fly; there are /codes, /why"),
        ("tell me a story", "that is no question I know"),
        ("why the moon", "'the moon' fits no code of the list"),
    ],
)
def test_a_mistake_is_one_clear_line_and_changes_nothing(talk_about, line, said):
    talk = talk_about(NOTE)
    before = work_of(talk)
    reply = talk.send(line)
    assert reply.kind == "error"
    assert said in reply.text
    assert "\n" not in reply.text
    assert work_of(talk) == before


def test_a_thread_without_a_note_says_so(parts):
    talk = Conversation.open("t", parts, ChatStore.in_memory())
    assert "there is no note yet" in talk.send("/codes").text
    assert talk.code_note("  ", ResultContext()).kind == "error"
    assert not talk.has_note


def test_the_export_is_a_result_of_the_contract(talk_about):
    talk = talk_about(NOTE)
    talk.send("/principal J18.1")
    talk.send("/reject I10 not treated")
    talk.send("/add N18.4 Hip pain")
    result = Result.model_validate_json(talk.export("json"))
    assert [c.code for c in result.codes] == listed(talk.codes())
    assert [c.role for c in result.codes] == ["principal"] + ["secondary"] * 3
    assert result.codes[-1].confidence == 1.0
    assert all(NOTE[e.start : e.end] == e.text for c in result.codes for e in c.evidence)
    assert "rejected by the coder: not treated" in {r.reason for r in result.rejected}
    assert all(c.code in result.findings[n].codes for c in result.codes for n in c.findings)


def test_the_table_has_a_row_a_code(talk_about):
    talk = talk_about(NOTE)
    rows = list(csv.DictReader(io.StringIO(talk.export("csv"))))
    assert [row["code"] for row in rows] == listed(talk.codes())
    assert rows[0]["role"] == "principal"


def test_a_reply_is_plain_json(talk_about):
    talk = talk_about("ASSESSMENT: Hip pain.")
    reply = json.loads(talk.codes().model_dump_json())
    assert reply["question"]["options"][0]["code"] == "M25.551"
