"""The command as a coder runs it: on a terminal, through a pipe, and again on the next day."""

import codecs
import io
import json
import os
import pty
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.chat.conversation import Conversation
from agent.chat.screen import JsonScreen
from agent.chat.store import ChatStore
from agent.chat.terminal import Terminal
from agent.request import CodingRequest
from agent.result import ResultContext
from knowledge.errors import UserError

NOTE = Path(__file__).parents[2] / "data" / "notes" / "emergency_visit.txt"
COMMAND = (sys.executable, "-m", "agent.cli.main")
OPTIONS = ("--llm", "none", "--setting", "outpatient", "--sex", "F", "--age", "46")
PROMPT = "icd> "
PATIENCE = 90.0  # seconds


class TerminalSession:
    """A command on a pseudo-terminal."""

    def __init__(self, *arguments, **environment):
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment},
            close_fds=True,
        )
        os.close(slave)
        self._unread = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def until(self, awaited):
        """Return what is printed up to the awaited text; the rest stays for the next call."""
        ends = time.monotonic() + PATIENCE
        while awaited not in self._unread:
            ready, _, _ = select.select([self._master], [], [], ends - time.monotonic())
            assert ready, f"no {awaited!r} in {self._unread!r}"
            self._unread += self._decoder.decode(os.read(self._master, 65536))
        seen, found, self._unread = self._unread.partition(awaited)
        return seen + found

    def say(self, line):
        """Type a line and return what is printed up to the next prompt."""
        os.write(self._master, line.encode("utf-8") + b"\n")
        self.until("\n")  # the echo
        return self.until(PROMPT)

    def leave(self):
        """End the command and return its status."""
        os.write(self._master, b"/quit\n")
        status = self._process.wait(PATIENCE)
        os.close(self._master)
        return status


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def piped(lines, *arguments, **environment):
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input="\n".join(lines),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=PATIENCE,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_session_on_a_terminal_goes_on_in_a_pipe(data_folder, tmp_path):
    where = {"ICD_AGENT_DATA": str(data_folder)}
    session = TerminalSession("chat", NOTE, *OPTIONS, **where)
    assert "S82.65XA" in session.until(PROMPT)
    assert "matches" in session.say("why S82.65XA?")
    assert "unknown command /nonsense" in session.say("/nonsense")
    assert "Z91.040 rejected" in session.say("/reject Z91.040 not relevant")
    exported = tmp_path / "codes.csv"
    assert "8 codes, 8 not accepted" in session.say(f"/export csv {exported}")
    assert "exists already" in session.say(f"/export csv {exported}").replace("\r\n", " ")
    assert "/principal CODE" in session.say("/help")
    pasted = session.say("\x1b[200~ASSESSMENT: Hip pain.\nPlan: rest.\x1b[201~")
    assert "Which side is affected?" in pasted
    assert session.leave() == 0
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert "Z91.040" not in exported.read_text("utf-8")
    history = data_folder / "chat" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "Z91.040" in history.read_text("utf-8")
    assert "pain" not in history.read_text("utf-8").lower()

    lines = ["/codes", "/undo", "/quit"]
    status, (shown, codes, undone), told = piped(lines, "chat", NOTE, *OPTIONS, **where)
    assert status == 0
    assert "decisions so far: 1" in told
    assert shown["codes"] == codes["codes"]
    assert "Z91.040" not in {line["code"] for line in codes["codes"]}
    assert "Z91.040" in {line["code"] for line in undone["codes"]}
    assert undone["kind"] == "decision"


def test_purge_asks_and_removes(data_folder):
    where = {"ICD_AGENT_DATA": str(data_folder)}
    status, _, told = piped(["n"], "data", "purge", **where)
    assert status == 130
    assert "Remove all conversations" in told
    assert (data_folder / "chat" / "threads.sqlite").exists()
    status, (report,), _ = piped([], "data", "purge", "--yes", "--json", **where)
    assert status == 0
    assert {Path(name).name for name in report["removed"]} >= {"threads.sqlite", "decisions.jsonl"}
    assert not list((data_folder / "chat").iterdir())


def test_a_note_comes_through_a_pipe(parts, monkeypatch, capsys):
    lines = ["ASSESSMENT: Hip pain.", "Plan: rest.", ".", "left", "/accept all", "/note", "."]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join([*lines, "/codes"])))
    terminal = Terminal(parts, ChatStore.in_memory(), JsonScreen(), ResultContext(), None)
    terminal.run(None, None)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    coded, answered, accepted, kept = printed
    assert coded["question"]["axis"] == "laterality"
    assert [line["code"] for line in answered["codes"]] == ["M25.552"]
    assert {line["status"] for line in accepted["codes"]} == {"accepted"}
    assert kept["codes"] == accepted["codes"]


def test_a_thread_holds_one_note(parts):
    store = ChatStore.in_memory()
    talk = Conversation.open("ward", parts, store)
    talk.code_note("ASSESSMENT: Hip pain.", ResultContext())
    terminal = Terminal(parts, store, JsonScreen(), ResultContext(), None)
    with pytest.raises(UserError, match="'ward' holds another note"):
        terminal.run(CodingRequest("n", "ASSESSMENT: Lobar pneumonia."), "ward")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.txt",), "no such file: nothing.txt"),
        ((NOTE, "--age", "200"), "age is 200"),
    ],
)
def test_a_mistake_of_the_command_line_is_one_line_and_status_2(arguments, message):
    status, replies, told = piped([], "chat", *arguments, "--llm", "none")
    assert status == 2
    assert replies == []
    assert message in told
    assert "Traceback" not in told
