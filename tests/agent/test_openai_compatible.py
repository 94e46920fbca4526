"""OpenAI-compatible servers: the real one of llama.cpp, and servers that misbehave."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from agent.coder import Coder, CoderOptions
from agent.llm.base import ContextOverflow, LLMUnavailable
from agent.llm.openai_compatible import OpenAICompatibleChat
from agent.llm.registry import load_llm, parse_spec
from agent.request import CodingRequest
from agent.trace.events import LLMCall
from knowledge.errors import UserError

PROMPT = [SystemMessage("Answer only Yes or No."), HumanMessage("Is asthma a disease?")]
NOTE = CodingRequest("n1", "Man with asthma, cough, chest pain, obesity, dizziness and back pain.")

# From the body of a request to status and answer.
Behaviour = Callable[[dict[str, Any]], tuple[int, bytes]]


class Server:
    """An HTTP server on loopback that answers as a test tells it to."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(body)
                outer.headers.append({k.lower(): v for k, v in self.headers.items()})
                status, answer = behaviour(body)
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the client did not wait

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Behaviour], Server]]:
    servers: list[Server] = []

    def start(behaviour: Behaviour) -> Server:
        servers.append(Server(behaviour))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def chat(server: Server, **options: Any) -> OpenAICompatibleChat:
    return OpenAICompatibleChat(model="m", base_url=server.url, **options)


def answer(tokens: dict[str, float], text: str = "Yes") -> bytes:
    top = [{"token": t, "logprob": p, "bytes": None} for t, p in tokens.items()]
    content = [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": top}]
    return json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                    "logprobs": {"content": content},
                }
            ],
            "usage": {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21},
        }
    ).encode()


def failing(status: int, message: str = "busy", **fields: Any) -> tuple[int, bytes]:
    return status, json.dumps({"error": {"message": message, **fields}}).encode()


def test_choices_are_matched_by_their_text(serve):
    server = serve(lambda body: (200, answer({" Yes": -0.5, "No": -1.5, "Maybe": -3.0})))
    scores = chat(server).score_choices(PROMPT, ["Yes", "No", "Other"])
    assert scores.logprobs == {"Yes": -0.5, "No": -1.5, "Other": -3.0}
    assert scores.floored == {"Other"}
    assert scores.log_odds("Yes", "No") == 1.0
    assert scores.prompt_tokens == 20
    (body,) = server.requests
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0, 0, 1)
    with pytest.raises(ValueError, match="first letter"):
        chat(server).score_choices(PROMPT, ["Yes", "Yesterday"])


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(serve, monkeypatch):
    monkeypatch.setenv("ICD_AGENT_API_KEY", "secret-key")
    server = serve(lambda body: (200, answer({"Yes": -0.1, "No": -2.0})))
    llm = chat(server)
    llm.score_choices(PROMPT, ["Yes", "No"])
    assert server.headers[0]["authorization"] == "Bearer secret-key"
    assert "secret-key" not in repr(llm) + llm.model_id + llm.model_dump_json()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(serve, status):
    server = serve(
        lambda body: (
            failing(status)
            if len(server.requests) < 2
            else (200, answer({"Yes": -0.1, "No": -2.0}))
        )
    )
    assert chat(server).score_choices(PROMPT, ["Yes", "No"]).log_odds("Yes", "No") > 0
    assert len(server.requests) == 2


def test_a_server_that_keeps_failing_is_left_alone(serve):
    server = serve(lambda body: failing(500, "out of memory"))
    llm = chat(server, retries=1)
    with pytest.raises(LLMUnavailable, match="status 500, out of memory"):
        llm.score_choices(PROMPT, ["Yes", "No"])
    assert len(server.requests) == 2
    with pytest.raises(LLMUnavailable, match="a moment ago"):
        llm.score_choices(PROMPT, ["Yes", "No"])
    assert len(server.requests) == 2


def test_a_slow_server_is_not_waited_for(serve):
    server = serve(lambda body: (time.sleep(2), failing(200))[1])
    began = time.monotonic()
    with pytest.raises(LLMUnavailable, match=r"APITimeoutError|timed out"):
        chat(server, timeout=0.2, retries=0).score_choices(PROMPT, ["Yes", "No"])
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "rubbish",
    [b"not json", b"{}", b'{"choices": []}', b'{"choices": [{"message": null}]}', b"[]", b""],
)
def test_rubbish_is_no_answer(serve, rubbish):
    llm = chat(serve(lambda body: (200, rubbish)), retries=0)
    with pytest.raises(LLMUnavailable):
        llm.score_choices(PROMPT, ["Yes", "No"])


@pytest.mark.parametrize(
    ("fields", "needed", "available"),
    [
        ({"message": "too long", "n_prompt_tokens": 900, "n_ctx": 512}, 900, 512),
        (
            {"message": "This model's maximum context length is 4096 tokens, you asked for 5000."},
            5000,
            4096,
        ),
    ],
)
def test_an_overflow_is_told_with_its_numbers(serve, fields, needed, available):
    server = serve(lambda body: failing(400, **fields))
    with pytest.raises(ContextOverflow) as caught:
        chat(server).score_choices(PROMPT, ["Yes", "No"])
    assert (caught.value.needed, caught.value.available) == (needed, available)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_the_users_to_mend(serve, status):
    server = serve(lambda body: failing(status, "no such model"))
    with pytest.raises(UserError, match=r"no such model.*ICD_AGENT_API_KEY"):
        chat(server).score_choices(PROMPT, ["Yes", "No"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai:model", "names no model and server"),
        ("openai:@http://localhost", "names no model and server"),
        ("openai:m@localhost:8000", "names no model and server"),
        ("openai:m@http://user:key@localhost/v1", "a key in the address"),
    ],
)
def test_a_wrong_spec_is_named(spec, message):
    with pytest.raises(UserError, match=message):
        parse_spec(spec)


def test_a_model_name_may_hold_an_at():
    spec = parse_spec("openai:org/m@v2@http://localhost:8000/v1/")
    assert (spec.model, spec.url) == ("org/m@v2", "http://localhost:8000/v1")
    assert str(spec) == "openai:org/m@v2@http://localhost:8000/v1"


def test_a_note_is_coded_to_its_end_without_the_server(serve, tmp_path):
    """The server dies after its first answer: the result is that of the evidence from there on."""
    server = serve(
        lambda body: (
            (200, answer({"Yes": -0.1, "No": -2.0}))
            if len(server.requests) == 1
            else failing(500, "gone")
        )
    )
    options = CoderOptions(llm=f"openai:m@{server.url}", trace_dir=tmp_path)
    coder = Coder(options)
    coder.context.llm.retries = 0
    traced = coder.code_traced(NOTE)
    calls = [event for event in traced.events if isinstance(event, LLMCall)]
    assert traced.result.status == "ok"
    assert calls[0].logprobs == {"Yes": -0.1, "No": -2.0}
    failures = [call.settings["failed"] for call in calls[1:]]
    assert failures, "the note leaves more than one question open"
    assert "status 500, gone" in failures[0]
    assert all("a moment ago" in failure for failure in failures[1:])
    assert len(server.requests) == 2
    heard = [code for code in traced.result.codes if "llm" in code.sources]
    assert len(heard) <= 1
    replayed = Coder(CoderOptions(llm=f"replay:{traced.result.trace}")).code(NOTE)
    assert replayed.codes == traced.result.codes


@pytest.mark.llm
def test_the_server_of_llama_cpp_answers_as_the_model_in_the_process(monkeypatch, tmp_path):
    builtin: Any = load_llm("builtin")
    served = builtin._loaded().listening_address
    monkeypatch.setenv("ICD_AGENT_API_KEY", builtin._key)
    remote = load_llm(f"openai:qwen@{served}/v1")
    own = builtin.score_choices(PROMPT, ["Yes", "No"])
    theirs = remote.score_choices(PROMPT, ["Yes", "No"])
    assert theirs.log_odds("Yes", "No") == pytest.approx(own.log_odds("Yes", "No"), abs=0.3)
    schema = {
        "type": "object",
        "properties": {"disease": {"type": "string", "enum": ["asthma", "gout"]}},
        "required": ["disease"],
    }
    message = remote.invoke([HumanMessage("The patient wheezes.")], schema=schema, max_tokens=20)
    assert json.loads(str(message.content))["disease"] in ("asthma", "gout")
    assert message.usage_metadata["output_tokens"] > 0
    coder = Coder(CoderOptions(llm=f"openai:qwen@{served}/v1", trace_dir=tmp_path))
    result = coder.code(NOTE)
    assert result.usage.llm_calls > 0
    assert builtin._key not in Path(str(result.trace)).read_text(encoding="utf-8")
