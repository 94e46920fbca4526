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
                env={**os.environ, **environment},
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
        servers.append(Server(tmp_path / "log", *arguments, **environment))
        return servers[-1]

    yield run
    for server in servers:
        server._process.kill()
        server._process.wait()


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
    environment = {k: v for k, v in os.environ.items() if k != "ICD_AGENT_TOKEN"}
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line
