"""Notes stay on the machine: no connection leaves, whatever the environment asks for."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.chat.conversation import Conversation
from agent.chat.session import Parts
from agent.chat.store import ChatStore
from agent.result import ResultContext

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
NOTE = str(DATA / "notes" / "emergency_visit.txt")
TRACE = str(DATA / "traces" / "emergency_visit.jsonl")

# Runs commands in a new process, from the first import on, in which every try to reach another
# machine, or to start a process that could, is refused and noted; a try that a library hides is
# noted as well.
BLOCKED = """
import json, sys
tries = [[]]
own = json.loads(sys.argv[2])
def refuse(event, arguments):
    if own and event.startswith(("socket.", "http.")) and own in str(arguments):
        return
    if event in (
        "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "http.client.connect",
        "urllib.Request", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
    ):
        tries[-1].append(f"{event} {arguments}")
        raise OSError("the network is blocked")
sys.addaudithook(refuse)
from agent.cli.main import cli
statuses = []
for command in json.loads(sys.argv[1]):
    tries.append([])
    try:
        statuses.append(cli.main(command, standalone_mode=False) or 0)
    except SystemExit as end:
        statuses.append(end.code)
print(json.dumps({"statuses": statuses, "imports": tries[0], "tries": tries[1:]}), file=sys.stderr)
"""


def run_blocked(*commands, own=None):
    """Run commands without a network; return their exit statuses, and what each tried to use.

    ``own`` is an address at which the process talks to a server of its own.
    """
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, json.dumps(commands), json.dumps(own)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        # As a user's machine may be set up: services that libraries report to when asked.
        env={
            **os.environ,
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "key",
            "LANGCHAIN_TRACING_V2": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stderr.splitlines()[-1])
    assert report["imports"] == []
    return report["statuses"], report["tries"]


@pytest.fixture
def listener():
    """A server that stands for a tracing service; counts who knocks."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    knocks, stop = [], threading.Event()

    def accept():
        while not stop.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            knocks.append(address)
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1], knocks
    stop.set()
    thread.join()
    server.close()


@pytest.fixture
def knocks(listener, monkeypatch):
    """Who knocks at a tracing service that the environment asks for."""
    port, knocks = listener
    for name, value in {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{port}",
        "LANGSMITH_API_KEY": "key",
    }.items():
        monkeypatch.setenv(name, value)
    return knocks


def test_no_note_goes_to_a_tracing_service(code, knocks):
    assert code("ASSESSMENT: Lobar pneumonia.").codes
    threading.Event().wait(1.0)  # tracing would send in the background
    assert not knocks


def test_no_conversation_goes_to_a_tracing_service(coders, knocks):
    talk = Conversation.open("t", Parts(coders["guidelines"]), ChatStore.in_memory())
    assert talk.code_note("ASSESSMENT: Hip pain.", ResultContext()).codes
    assert talk.send("left").kind == "decision"
    threading.Event().wait(1.0)
    assert not knocks


def test_no_socket_is_opened(code, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert code("ASSESSMENT: Lobar pneumonia.").codes


def test_no_command_reaches_for_the_network_unless_a_remote_llm_is_named(tmp_path):
    commands = [
        ["code", NOTE, "--llm", "none", "--trace", str(tmp_path / "traces")],
        ["trace", "replay", TRACE],
        ["trace", "stats", str(tmp_path / "traces")],
        ["trace", "view", TRACE, "--out", str(tmp_path / "t.html")],
        ["check", "I10", "E11.9"],
        ["search", "lobar pneumonia"],
        ["show", "J18.1"],
        ["map", "J18.1", "--from", "icd10cm", "--to", "icd9cm"],
    ]
    if importlib.util.find_spec("openai"):  # what shows that the block would be noticed
        commands.append(["code", NOTE, "--llm", "openai:model@http://127.0.0.1:9/v1"])
    statuses, tries = run_blocked(*commands)
    assert statuses == [0] * len(commands)
    assert tries[:8] == [[]] * 8
    assert all(any("127.0.0.1" in t for t in of_remote) for of_remote in tries[8:])


@pytest.mark.llm
@pytest.mark.usefixtures("builtin_model")
def test_the_built_in_llm_does_not_reach_for_the_network():
    # llama.cpp turns text into tokens at a loopback address inside the process.
    assert run_blocked(["code", NOTE, "--llm", "builtin"], own="127.0.0.1") == ([0], [[]])
