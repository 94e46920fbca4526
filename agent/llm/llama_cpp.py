"""GGUF models in this process through llama.cpp (xllamacpp), loaded at the first question.

llama.cpp's server object listens on a loopback port besides answering in-process calls. We use the
port for tokenising only, which has no in-process call; a random key keeps other users out of it,
and the page and the endpoint that would show prompts are off.
"""

import http.client
import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

from agent.llm.base import ChoiceScores, CodingLLM, ContextOverflow, as_chat, prompt_key
from indexes.token_vectors import available_cores
from knowledge.errors import UserError

if TYPE_CHECKING:
    import xllamacpp

_MAGIC = b"GGUF"
_OVERFLOW = "exceed_context_size_error"
_TOP_TOKENS = 512  # closed answers lie among the first few; 512 cost no measurable time
_SILENT = -1
_TOKENISE_TIMEOUT = 30.0  # seconds


def default_threads() -> int:
    """Return cores - 1: llama.cpp's threads collapse when another job holds one of their cores."""
    return max(1, available_cores() - 1)


class _Scored(NamedTuple):
    key: str
    scores: ChoiceScores


class LlamaCppChat(CodingLLM):
    """A GGUF model on this machine: greedy, so the same calls in the same order answer the same.

    How much of a prompt is still cached changes the batches and so the rounding: log-odds of one
    prompt differ by about 0.01 between a cold and a warm cache.

    Raises (at the first question):
        UserError: The file is missing, no GGUF, damaged, or too big for the memory.
    """

    path: Path = Field(description="The GGUF file.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the file; part of model_id.")
    threads: int = Field(default_factory=default_threads, gt=0, description="For writing.")
    reading_threads: int = Field(
        default_factory=available_cores,
        gt=0,
        description="For the prompt. All cores read it twice as fast as one of two where the "
        "machine is quiet (10 s against 20 s for 800 tokens), and no slower beside another job.",
    )
    max_tokens: int = Field(default=256, gt=0, description="Longest generated answer.")

    _server: Any = PrivateAttr(default=None)
    _key: str = PrivateAttr(default_factory=lambda: secrets.token_hex(16))
    _lock: Any = PrivateAttr(default_factory=threading.RLock)
    _first_tokens: dict[str, int] = PrivateAttr(default_factory=dict)
    _last: _Scored | None = PrivateAttr(default=None)

    @property
    def model_id(self) -> str:
        """Return file name and hash."""
        return f"{self.path.stem}@sha256:{self.sha256[:12]}"

    @property
    def _llm_type(self) -> str:
        return "llama.cpp"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model_id, "context_tokens": self.context_tokens, "temperature": 0}

    def score_choices(self, messages: list[BaseMessage], choices: Sequence[str]) -> ChoiceScores:
        """Score each choice as the first token of the answer; see `CodingLLM.score_choices`."""
        tokens = self._distinct_first_tokens(choices)
        began = time.perf_counter()
        key = prompt_key(messages, choices)
        # Asked the same again, llama.cpp evaluates one token only, by other arithmetic than a
        # batch: the log-odds would move by up to 0.2. The first answer stands.
        if self._last and self._last.key == key:
            scores = self._last.scores
            seconds = time.perf_counter() - began
            return replace(scores, cached_tokens=scores.prompt_tokens, seconds=seconds)
        reply = self._ask(
            messages, {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP_TOKENS}
        )
        scores = _scores(reply, tokens, time.perf_counter() - began)
        self._last = _Scored(key, scores)
        return scores

    def count_tokens(self, text: str) -> int:
        """Return the length of a text in tokens, without template or special tokens."""
        return len(self._tokenise(text))

    def close(self) -> None:
        """Free the model's memory; the next question loads it again."""
        with self._lock:
            self._server = None

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        max_tokens: int | None = None,
        schema: dict[str, Any] | None = None,
        response_format: dict[str, Any] | None = None,
        **unknown: object,
    ) -> ChatResult:
        """Answer freely, or as JSON under ``schema`` (or OpenAI's ``response_format``).

        A last message from the AI is continued, and the answer holds it.
        """
        if unknown:
            raise TypeError(f"unknown settings of llama.cpp: {', '.join(sorted(unknown))}")
        body: dict[str, Any] = {"max_tokens": max_tokens or self.max_tokens, "stop": stop or []}
        if schema is not None:
            response_format = {"type": "json_schema", "json_schema": {"schema": schema}}
        if response_format is not None:
            body["response_format"] = response_format
        began = time.perf_counter()
        reply = self._ask(messages, body)
        return self._result(reply, time.perf_counter() - began)

    def _result(self, reply: dict[str, Any], seconds: float) -> ChatResult:
        choice, usage = reply["choices"][0], reply["usage"]
        message = AIMessage(
            content=choice["message"]["content"],
            usage_metadata={
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
                "input_token_details": {"cache_read": _cached(reply)},
            },
            response_metadata={
                "model_name": self.model_id,
                "finish_reason": choice["finish_reason"],
                "seconds": seconds,
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _ask(self, messages: Sequence[BaseMessage], settings: dict[str, Any]) -> dict[str, Any]:
        body = {"messages": as_chat(messages), "temperature": 0, "seed": 0, "cache_prompt": True}
        reply: dict[str, Any] = self._loaded().handle_chat_completions({**body, **settings})
        if error := reply.get("error"):
            if error.get("type") == _OVERFLOW:
                raise ContextOverflow(error["n_prompt_tokens"], error["n_ctx"])
            raise RuntimeError(f"llama.cpp: {error.get('message', error)}")
        return reply

    def _distinct_first_tokens(self, choices: Sequence[str]) -> dict[str, int]:
        tokens = {choice: self._first_token(choice) for choice in choices}
        if len(choices) < 2 or len(set(tokens.values())) < len(choices):
            raise ValueError(f"choices must differ in their first token: {list(choices)}")
        return tokens

    def _first_token(self, choice: str) -> int:
        if choice not in self._first_tokens:
            tokens = self._tokenise(choice)
            if not tokens:
                raise ValueError("a choice must not be empty")
            self._first_tokens[choice] = tokens[0]
        return self._first_tokens[choice]

    def _tokenise(self, text: str) -> list[int]:
        address = urlsplit(self._loaded().listening_address)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_TOKENISE_TIMEOUT
        )
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        body = json.dumps({"content": text, "add_special": False, "parse_special": False})
        try:
            connection.request("POST", "/tokenize", body, headers)
            reply = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return [int(token) for token in reply["tokens"]]

    def _loaded(self) -> "xllamacpp.Server":
        with self._lock:
            if self._server is None:
                self._server = self._load()
            return self._server

    def _load(self) -> "xllamacpp.Server":
        check_gguf(self.path)
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read once, when OpenMP is loaded
        import xllamacpp

        try:
            return xllamacpp.Server(self._params())
        except RuntimeError:
            raise UserError(
                f"{self.path} cannot be loaded: it is damaged, of a kind this llama.cpp does not "
                f"know, or too big for the memory with a context of {self.context_tokens} tokens.",
                fix="icd-agent model fetch --force for the built-in LLM, else copy the file anew",
            ) from None

    def _params(self) -> "xllamacpp.CommonParams":
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx = self.context_tokens
        params.cpuparams.n_threads = self.threads
        params.cpuparams_batch.n_threads = self.reading_threads
        params.n_parallel = 1
        # One prompt's cache is enough: questions about a note follow each other.
        params.cache_ram_mib = 0
        # Repacked weights answer a cached question 0.1 s sooner, but read the note a tenth slower,
        # load 1 s later, take 600 MB more and move log-odds by 0.14 between a cold and a warm
        # cache, against 0.01 (1.5B model, 2 AMD EPYC cores).
        params.no_extra_bufts = True
        params.warmup = False
        params.verbosity = _SILENT
        params.api_keys = [self._key]
        params.endpoint_slots = False
        params.ui = False
        return params


def _scores(reply: dict[str, Any], tokens: dict[str, int], seconds: float) -> ChoiceScores:
    answer = reply["choices"][0]["logprobs"]["content"][0]
    top = {entry["id"]: float(entry["logprob"]) for entry in answer["top_logprobs"]}
    floor = min(top.values())
    return ChoiceScores(
        logprobs={choice: top.get(token, floor) for choice, token in tokens.items()},
        floored=frozenset(choice for choice, token in tokens.items() if token not in top),
        prompt_tokens=reply["usage"]["prompt_tokens"],
        cached_tokens=_cached(reply),
        seconds=seconds,
    )


def _cached(reply: dict[str, Any]) -> int:
    return int(reply["usage"]["prompt_tokens_details"]["cached_tokens"])


def check_gguf(path: Path) -> None:
    """Check the first bytes of a model file.

    Raises:
        UserError: The file cannot be read or is no GGUF.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise UserError(
            f"cannot read the LLM {path}: {error.strerror}", fix="icd-agent model list"
        ) from None
    if magic != _MAGIC:
        raise UserError(
            f"{path} is no GGUF file", fix="name a .gguf file: --llm gguf:FILE, or --llm builtin"
        )
