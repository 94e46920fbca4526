"""Answers come from the result, the trace, the rules and the cards, and say from where."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.chat import worklist
from agent.chat.conversation import Conversation
from agent.chat.models import Work
from agent.chat.run_trace import RunTrace, shorten
from agent.chat.session import Session
from agent.chat.store import ChatStore
from agent.chat.why import why
from agent.coder import Coder
from agent.request import CodingRequest
from agent.result import Result, ResultContext
from agent.trace.reader import read_trace
from knowledge.note_text import Note

DATA = Path(__file__).parents[2] / "data"
NOTE_OF_PAIR = Note.parse("ASSESSMENT: Type 2 diabetes mellitus.")
NOTE = (DATA / "notes" / "discharge_summary.txt").read_text("utf-8")
CONTEXT = {"setting": "inpatient", "sex": "M", "age": 71}


@pytest.fixture(scope="module")
def talk(all_parts):
    conversation = Conversation.open("t", all_parts["guidelines"], ChatStore.in_memory())
    conversation.code_note(NOTE, ResultContext(**CONTEXT), "discharge")
    return conversation


def test_why_tells_evidence_voices_steps_and_sections(talk):
    reply = talk.send("why J44.0?")
    assert "COPD" in reply.text
    assert "The note states it as present." in reply.text
    assert "voices: terms" in reply.text
    assert "PLM-ICD cannot judge J44.0" in reply.text
    assert "policy: add J44.0" in reply.text
    assert "Shaped by I.C.10.a" in reply.text


def test_why_quotes_the_note_at_the_offsets_that_it_cites(talk):
    for line in talk.codes().codes:
        for statement in talk.send(f"/why {line.code}").statements:
            quoted = statement.text.startswith("Evidence: ")
            for citation in statement.citations if quoted else ():
                start, end = map(int, citation.at.split("-"))
                assert f'"{" ".join(NOTE[start:end].split())}"' in statement.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("I50.9", "was rejected in reason."),
        ("I50.9", "reason: reject I50.9: ruled out in 'He has no history of CHF or CKD.'"),
        ("J44.9", "policy: replace J44.9 by J44.0: COPD with a lower respiratory infection"),
        ("J44.9", "was replaced by J44.0"),
        ("R06.02", "integral to J18.9"),
        ("E10.9", "E10.9 and E11.9 exclude each other"),
        ("B50.9", "was not retrieved"),
        ("I50", "I50 Heart failure needs more characters to be reported. Rejected below it"),
    ],
)
def test_why_not_tells_where_a_code_was_left(talk, code, said):
    assert said in talk.send(f"why not {code}?").text


def test_why_not_tells_the_place_of_a_candidate(talk):
    result = talk.export("json")
    assert '"code":"J44.9"' in result
    text = talk.send("/whynot J44.9").text
    assert "J44.9 is a candidate: place " in text
    assert "retrieved as number" in text


def test_why_not_tells_what_the_coder_has_dropped(talk_about):
    talk = talk_about("ASSESSMENT: Essential hypertension. Hyperlipidemia.")
    talk.send("/reject I10 white coat only")
    reply = talk.send("why not I10?")
    assert "I10 left the list: rejected by the coder: white coat only." in reply.text


def test_an_unspecified_code_beside_a_specific_one_is_explained(talk_about):
    talk = talk_about("ASSESSMENT: Acute on chronic diastolic heart failure.")
    assert talk.codes().codes[0].code == "I50.33"
    text = talk.send("why not I50.9?").text
    assert "leaves open what I50.33" in text or "unspecified beside I50.33" in text


def test_more_specific_codes_need_words_of_the_note(talk_about):
    talk = talk_about("ASSESSMENT: Chronic diastolic heart failure.")
    text = talk.send("is there a more specific code for I50.9?").text
    assert "I50.3 Diastolic (congestive) heart failure: the note says" in text
    assert "I50.2 Systolic" not in text
    open_text = talk_about("ASSESSMENT: Hip pain.").send("more specific code for hip pain").text
    assert "What the code leaves open: laterality (right M25.551, left M25.552)." in open_text


def test_denied_words_support_no_code(talk_about):
    talk = talk_about("ASSESSMENT: Heart failure, no systolic dysfunction.")
    text = talk.send("more specific code for I50.9").text
    assert "I50.2 Systolic" not in text


def test_the_guidelines_are_quoted_by_card(talk):
    for question in ("what does the guideline say about uncertain diagnosis?", "guideline II.H"):
        reply = talk.send(question)
        assert {"II.H", "IV.H"} & {c.at for s in reply.statements for c in s.citations}


def test_what_if_tells_the_difference_alone(talk):
    assert "exclude each other" in talk.send("what if I add E10.9?").text
    assert "nothing new without J44.0" in talk.send("what if I remove J44.0").text
    assert talk.send("what if I add J44.0").kind == "error"
    replaced = talk.send("what if I replace E11.9 with E10.9")
    assert "Z79.84" in replaced.text or "nothing new" in replaced.text
    assert talk.send("what if I replace E10.9 with E11.9").kind == "error"
    assert "E10.9" not in [line.code for line in talk.codes().codes]


def test_check_numbers_findings_and_a_mend_applies_them(talk_about):
    talk = talk_about("ASSESSMENT: Type 2 diabetes mellitus.")
    talk.send("/add M25.551")
    talk.send("/add M25.559")
    number, told = next(
        (n, s.text) for n, s in enumerate(talk.check().statements, 1) if "M25.559" in s.text
    )
    assert told.startswith(f"{number}. warning")
    error = talk.decide("mend", number=number)
    assert error.kind == "error"
    assert "no mend" in error.text
    talk.send("/add E10.9")
    assert "the list has changed since the check" in talk.send("/mend 1").text
    talk.send("/reject E10.9")
    talk.send("/add I10")
    talk.send("/add N18.4")
    found = talk.check().statements
    number = next(n for n, s in enumerate(found, 1) if "Mend: report I12.9" in s.text)
    reply = talk.send(f"/mend {number}")
    codes = [line.code for line in reply.codes]
    assert "I12.9" in codes
    assert "I10" not in codes


def test_every_answer_cites_and_every_offset_lies_in_the_note(talk):
    lines = [f"/why {line.code}" for line in talk.codes().codes]
    lines += ["why not I50.9", "why not B50.9", "why not R05.9", "/check", "guideline J44.0"]
    lines += ["what if I add E10.9", "what if I remove I10", "more specific code for J18.9"]
    for line in lines:
        reply = talk.send(line)
        assert reply.kind == "answer", reply.text
        cited = [c for s in reply.statements for c in s.citations]
        assert cited, line
        for citation in cited:
            if citation.source == "note":
                start, end = map(int, citation.at.split("-"))
                assert 0 <= start < end <= len(NOTE)


def test_what_the_llm_said_is_told_from_a_recorded_run(parts):
    events = read_trace(DATA / "traces" / "clinic_letter.jsonl")
    start, result = events[0], events[-1].result
    note = Note.parse(start.note, start.note_id)
    session = Session(parts, note, result, shorten(events), worklist.start(result), ())
    heard = {c.code: c.sources["llm"] for c in result.codes if "llm" in c.sources}
    asked = {e.purpose.split()[-1] for e in events if e.event == "llm_call"}
    assert heard.keys() & asked
    for code in heard.keys() & asked:
        texts = [statement.text for statement in why(session, code)]
        assert f"The LLM's log-odds of yes are {heard[code]:+.1f}." in texts
        assert [text for text in texts if f"the LLM was asked about {code}" in text]
        assert [text for text in texts if text.startswith("PLM-ICD ") and code in text]


def test_what_the_run_judged_of_a_pair_holds_while_both_stand(parts, talk_about):
    result = Result.model_validate_json(
        talk_about("ASSESSMENT: Type 2 diabetes mellitus.").export("json")
    )
    pair = [result.codes[0], result.codes[0].model_copy(update={"code": "E10.9"})]
    first = Session(parts, NOTE_OF_PAIR, result, RunTrace(), Work(), ())
    items = worklist.items_of([("E11.9", ()), ("E10.9", ())])
    (error,) = [f for f in first.findings(items) if f.rule == "excludes1"]
    judged = error.model_copy(update={"severity": "info", "message": "taken as unrelated"})
    told = result.model_copy(update={"codes": pair, "findings": [judged]})
    session = Session(parts, NOTE_OF_PAIR, told, RunTrace(), Work(), ())
    assert judged in session.findings(items)
    assert error not in session.findings(items)
    assert judged not in session.findings(items[:1])


def test_trace_citations_are_lines_of_the_trace_file(coders, tmp_path):
    coder = object.__new__(Coder)
    coder.__dict__ = dict(coders["guidelines"].__dict__)
    coder.options = replace(coder.options, trace_dir=tmp_path)
    events = coder.code_traced(CodingRequest("n", "ASSESSMENT: Lobar pneumonia with cough.")).events
    written = read_trace(tmp_path / "n.jsonl")
    for line in shorten(events).lines:
        event = written[line.number - 1]
        assert event.event in ("decision", "judgement", "tool_call")
        if event.event == "decision":
            assert line.text.startswith(f"{event.action} {event.code}")
