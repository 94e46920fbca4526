"""What a coder waits for at the page of ``icd-agent serve``, measured over HTTP."""

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_DECISIONS = 20
_STAGE = b'"event":"stage"'


class WebTimes(NamedTuple):
    """Seconds that a coder waits.

    Attributes:
        first_stage: From a note's being sent to the first stage of its coding on the page.
        decision: From a decision to the list with what the rules say of it; the median.
    """

    first_stage: float
    decision: float


def web_times(note: Path) -> WebTimes:
    """Measure a server without LLM and without store, warm."""
    with _server() as address:
        asked = {"text": note.read_text(encoding="utf-8"), "setting": "inpatient"}
        _coded(address, {**asked, "age": 1})  # warm: another age is another thread
        thread, first_stage = _coded(address, {**asked, "age": 71})
        return WebTimes(first_stage, statistics.median(_decisions(address, thread)))


@contextmanager
def _server() -> Iterator[str]:
    command = [str(Path(sys.executable).with_name("icd-agent")), "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-store", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield urlsplit(json.loads(process.stdout.readline())["address"]).netloc
        finally:
            process.terminate()


def _coded(address: str, note: dict[str, Any]) -> tuple[str, float]:
    """Code a note; return its thread and the seconds to its first stage."""
    stream = http.client.HTTPConnection(address, timeout=120)
    stream.request("GET", "/v1/events")
    events = stream.getresponse()
    events.readline()  # from here on no event is missed
    began = time.perf_counter()
    thread: str = _ask(address, "POST", "/v1/threads", note)["thread"]
    while _STAGE not in events.readline():
        pass
    first_stage = time.perf_counter() - began
    stream.close()
    while _ask(address, "GET", f"/v1/threads/{thread}")["status"] != "coded":
        time.sleep(0.02)
    return thread, first_stage


def _decisions(address: str, thread: str) -> Iterator[float]:
    codes = _ask(address, "GET", f"/v1/threads/{thread}")["coded"]["codes"]
    moved = {"action": "move", "code": codes[0]["code"], "number": len(codes)}
    for decision in [moved, {"action": "undo"}] * (_DECISIONS // 2):
        began = time.perf_counter()
        answer = _ask(address, "POST", f"/v1/threads/{thread}/decisions", decision)
        yield time.perf_counter() - began
        assert answer["kind"] == "decision", answer["statements"]


def _ask(address: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        given = json.dumps(body) if body else None
        connection.request(method, path, given, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
