"""``icd-agent serve`` as a process on a free port, seen by clients over TCP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="no client is installed")

import httpx2

COMMAND = (sys.executable, "-m", "agent.cli.main", "serve")
DEMO = Path(__file__).parent.parent / "data" / "notes" / "emergency_visit.txt"
NOTE = {"text": DEMO.read_text(encoding="utf-8"), "setting": "outpatient", "sex": "F", "age": 46}
TOKEN = "a-token-of-the-tests"


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "ICD_AGENT_TOKEN"}


class Server:
    """A running command; its log is read at its end."""

    def __init__(self, log, *arguments, **environment):
        self._log = log
        with log.open("w") as stderr:
            self._process = subprocess.Popen(
                [*COMMAND, "--port", "0", *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**ENVIRONMENT, **environment},
            )
        self.announced = json.loads(self._process.stdout.readline())
        self.client = httpx2.Client(base_url=self.announced["address"], timeout=60)

    def end(self, by):
        self.client.close()
        self._process.send_signal(by)
        output, _ = self._process.communicate(timeout=30)
        return self._process.returncode, output, self._log.read_text()


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a server; whatever happens, none is left behind."""
    servers = []

    def run(*arguments, **environment):
        environment["ICD_AGENT_DATA"] = str(tmp_path)
        servers.append(Server(tmp_path / "log", *arguments, **environment))
        return servers[-1]

    yield run
    for server in servers:
        server.client.close()
        server._process.kill()
        server._process.wait()
        server._process.stdout.close()


def test_a_note_is_coded_checked_and_streamed_until_sigterm(start):
    server = start()
    client = server.client
    assert server.announced["address"].startswith("http://127.0.0.1:")
    result = client.post("/v1/code", json=NOTE).json()
    codes = [code["code"] for code in result["codes"]]
    assert codes[0] == "S82.65XA"
    report = client.post("/v1/check", json={"codes": codes, "setting": "outpatient"}).json()
    assert (report["codes"], report["errors"]) == (codes, 0)
    with client.stream("POST", "/v1/code/stream", json=NOTE) as answer:
        events = [line.removeprefix("event: ") for line in answer.iter_lines() if "event: " in line]
    assert events == ["stage"] * (len(events) - 1) + ["result"]
    assert len(events) > 8
    status, output, log = server.end(signal.SIGTERM)
    assert (status, output) == (0, "")
    assert len(log.splitlines()) == 3
    assert "ankle" not in log


def test_with_a_token_it_serves_while_clients_go_until_sigint(start):
    server = start("--host", "0.0.0.0", ICD_AGENT_TOKEN=TOKEN)
    port = server.announced["address"].rpartition(":")[2]
    client = server.client
    client.base_url = f"http://127.0.0.1:{port}"
    assert client.get("/v1/version").status_code == 401
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    assert client.get("/v1/version").status_code == 200
    long = {**NOTE, "text": NOTE["text"] * 20}
    with client.stream("POST", "/v1/code/stream", json=long) as answer:
        assert next(answer.iter_lines()) == "event: stage"
    with pytest.raises(httpx2.ReadTimeout):
        client.post("/v1/code", json=long, timeout=0.2)
    began = time.monotonic()
    checked = client.post("/v1/check", json={"codes": ["I10"]})
    assert (checked.status_code, time.monotonic() - began < 1) == (200, True)
    status, output, log = server.end(signal.SIGINT)
    assert (status, output) == (0, "")
    lines = [line.split(" ", 1)[1].rsplit(" ", 2)[0] for line in log.splitlines()]
    assert sorted(lines) == [
        "GET - 401",
        "GET /v1/version 200",
        "POST /v1/check 200",
        "POST /v1/code 499",
        "POST /v1/code/stream 200",
    ]


def test_a_server_that_is_killed_while_it_codes_loses_nothing_that_was_decided(start):
    server = start()
    threads = server.client
    done = threads.post("/v1/threads", json={**NOTE, "id": "done"}).json()["thread"]
    _until(threads, done, "coded")
    rejected = {"action": "reject", "code": "E03.9"}
    threads.post(f"/v1/threads/{done}/decisions", json=rejected)
    long = {**NOTE, "id": "long", "text": NOTE["text"] * 40}
    cut = threads.post("/v1/threads", json=long).json()["thread"]
    waiting = threads.post("/v1/threads", json={**NOTE, "id": "waiting", "age": 3}).json()["thread"]
    _until(threads, cut, "coding")
    server.end(signal.SIGKILL)
    again = start().client
    queue = again.get("/v1/threads").json()["threads"]
    assert [line["note_id"] for line in queue] == ["done", "long", "waiting"]
    state = _until(again, done, "coded")
    assert "E03.9" not in [code["code"] for code in state["coded"]["codes"]]
    assert state["coded"]["undoable"] == 1
    assert again.get(f"/v1/threads/{cut}").json()["status"] in ("waiting", "coding")
    assert again.delete(f"/v1/threads/{cut}").status_code == 204
    assert _until(again, waiting, "coded")["coded"]["codes"]


def test_without_a_store_nothing_is_left_of_a_thread(start, tmp_path):
    server = start("--no-store")
    thread = server.client.post("/v1/threads", json=NOTE).json()["thread"]
    _until(server.client, thread, "coded")
    with server.client.stream("GET", "/v1/events") as events:
        lines = events.iter_lines()
        assert next(lines) == "event: listening"
        began = time.monotonic()
        server._process.send_signal(signal.SIGTERM)
        list(lines)
        assert time.monotonic() - began < 4  # an open stream does not use up the grace
    status, _, _ = server.end(signal.SIGTERM)
    assert (status, [path.name for path in tmp_path.iterdir()]) == (0, ["log"])


def _until(client, thread, status):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        state = client.get(f"/v1/threads/{thread}").json()
        if state["status"] == status:
            return state
        time.sleep(0.02)
    raise AssertionError(f"the thread is {state['status']}, not {status}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "0.0.0.0 can be reached from other machines"),
        (("--host", "no-such-host.invalid"), "can be reached from other machines"),
        (("--llm", "bulitin"), "unknown LLM 'bulitin'"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(arguments, message):
    assert message in _refusal("--port", "0", *arguments)


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1 port {port}: Address already in use" in _refusal("--port", port)


def test_a_missing_extra_is_one_line():
    program = "import sys; sys.modules['uvicorn'] = None; from agent.cli.main import main; main()"
    line = _refusal(command=(sys.executable, "-c", program, "serve"))
    assert "needs the package uvicorn. Fix: pip install 'icd-agent[serve]'" in line


def _refusal(*arguments, command=COMMAND):
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line
