"""Threads and decisions on disk: they survive a restart, are private, and can be removed."""

import hashlib
import json
import sqlite3
import stat

import pytest

from agent.chat.conversation import Conversation
from agent.chat.files import ChatFiles, purge
from agent.chat.graph import build_chat_graph
from agent.chat.store import ChatStore
from agent.result import ResultContext
from knowledge.errors import UserError

NOTE = "ASSESSMENT: Hip pain. Essential hypertension."


def talk_in(store, parts, thread="ward"):
    return Conversation.open(thread, parts, store)


def test_a_thread_survives_a_restart_with_question_and_undo(parts, tmp_path):
    files = ChatFiles(tmp_path / "chat")
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        talk.code_note(NOTE, ResultContext(setting="outpatient"), "n")
        talk.send("/reject I10")
        before, asked = talk.codes(), talk.question
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        assert talk.note == NOTE
        assert talk.codes() == before
        assert talk.question == asked
        assert [line.code for line in talk.send("left").codes] == ["M25.552"]
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        talk.send("/undo")
        talk.send("/undo")
        assert {line.code for line in talk.codes().codes} == {"M25.559", "I10"}
        assert not talk_in(store, parts, "another").has_note


def test_files_are_for_the_user_alone_and_hold_one_checkpoint_a_thread(parts, tmp_path):
    files = ChatFiles(tmp_path / "chat")
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        talk.code_note(NOTE, ResultContext(), "n")
        for line in ("/accept I10", "/undo", "/why I10"):
            talk.send(line)
        written = [path for path in files.all if path.exists()]
        assert {files.threads, files.decisions} < set(written)
        for path in written:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    with sqlite3.connect(files.threads) as connection:
        assert connection.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
    connection.close()


def test_the_log_names_note_code_and_spans_but_quotes_nothing(parts, tmp_path):
    files = ChatFiles(tmp_path / "chat")
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        talk.code_note(NOTE, ResultContext(), "n")
        for line in ("left", "/reject I10", "/undo", "/accept all"):
            talk.send(line)
    rows = [json.loads(line) for line in files.decisions.read_text("utf-8").splitlines()]
    assert [row["action"] for row in rows] == ["answer", "reject", "undo", "accept"]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert rows[2]["undone"] == 2
    assert {row["note_sha256"] for row in rows} == {hashlib.sha256(NOTE.encode()).hexdigest()}
    (judged,) = rows[0]["codes"]
    assert (judged["code"], rows[0]["replacement"]) == ("M25.559", ["M25.552"])
    assert NOTE[slice(*judged["spans"][0])] == "Hip pain"
    assert {judged["code"] for judged in rows[3]["codes"]} == {"M25.552", "I10"}
    assert "Hip pain" not in files.decisions.read_text("utf-8")


def test_a_store_in_memory_writes_nothing(parts, tmp_path, monkeypatch):
    monkeypatch.setenv("ICD_AGENT_DATA", str(tmp_path))
    with ChatStore.in_memory() as store:
        talk = talk_in(store, parts)
        talk.code_note(NOTE, ResultContext(), "n")
        talk.send("/accept all")
    assert not list(tmp_path.iterdir())


def test_purge_removes_all_that_was_stored_and_nothing_else(parts, tmp_path):
    files = ChatFiles(tmp_path / "chat")
    with ChatStore.open(files) as store:
        talk = talk_in(store, parts)
        talk.code_note(NOTE, ResultContext(), "n")
        talk.send("/accept all")
    kept = files.folder / "mine.txt"
    kept.write_text("mine", encoding="utf-8")
    assert set(purge(files)) == {files.threads, files.decisions}
    assert [path.name for path in files.folder.iterdir()] == ["mine.txt"]
    assert purge(files) == []


def test_the_messages_of_a_thread_are_kept(parts):
    talk = talk_in(ChatStore.in_memory(), parts)
    talk.code_note(NOTE, ResultContext(), "n")
    talk.send("left")
    said = [(message.type, message.text) for message in talk.messages]
    assert [kind for kind, _ in said] == ["human", "ai", "human", "ai"]
    assert said[2] == ("human", "left")
    assert "M25.559 becomes M25.552" in said[3][1]


def test_the_graph_runs_without_a_conversation(parts):
    graph = build_chat_graph(parts)
    note = {"action": "note", "note_id": "n", "text": "ASSESSMENT: Lobar pneumonia."}
    state = graph.invoke({"turn": note})
    assert [code["code"] for code in state["work"]["codes"]] == ["J18.1"]
    assert state["reply"]["kind"] == "codes"


def test_a_new_note_in_a_thread_takes_the_place_of_the_old(parts):
    talk = talk_in(ChatStore.in_memory(), parts)
    talk.code_note(NOTE, ResultContext(), "n")
    talk.send("/accept all")
    talk.code_note("ASSESSMENT: Lobar pneumonia.", ResultContext(), "m")
    assert [line.code for line in talk.codes().codes] == ["J18.1"]
    assert talk.decisions == ()
    assert talk.send("/undo").kind == "error"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"release": "2020-01-01"}, "coded in release 2020-01-01"),
        ({"unheard_of": 1}, "stored by another version"),
    ],
)
def test_a_thread_that_cannot_be_gone_on_with_says_why(parts, changed, said):
    store = ChatStore.in_memory()
    talk = talk_in(store, parts)
    talk.code_note("ASSESSMENT: Lobar pneumonia.", ResultContext(), "n")
    graph, config = (
        build_chat_graph(parts, store.checkpointer),
        {"configurable": {"thread_id": "ward"}},
    )
    result = graph.get_state(config).values["result"]
    graph.update_state(config, {"result": {**result, **changed}})
    with pytest.raises(UserError, match=said):
        talk_in(store, parts).codes()


def test_a_file_that_is_no_database_names_the_repair(tmp_path):
    files = ChatFiles(tmp_path)
    files.threads.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(UserError, match="icd-agent data purge"):
        ChatStore.open(files)


def test_a_folder_that_cannot_be_made_names_the_way_out(tmp_path):
    (tmp_path / "chat").write_text("a file", encoding="utf-8")
    with pytest.raises(UserError, match="--no-store"):
        ChatStore.open(ChatFiles(tmp_path / "chat"))
