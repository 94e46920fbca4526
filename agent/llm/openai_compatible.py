"""An LLM behind an OpenAI-compatible server: vLLM, llama.cpp's server, Ollama, a hosted one.

The only backend through which a note leaves the process, and it does so only because the user named
the server. The key comes from the environment, never from a flag or a file.
"""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import openai
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

from agent.llm.base import (
    ChoiceScores,
    CodingLLM,
    ContextOverflow,
    LLMUnavailable,
    as_chat,
)
from knowledge.errors import UserError

KEY_VARIABLES = ("ICD_AGENT_API_KEY", "OPENAI_API_KEY")
_TOP_TOKENS = 20  # the most that servers give
_CHARACTERS_PER_TOKEN = 3.5  # of English clinical text, on the low side; servers count exactly
_PAUSE = 30.0  # seconds without questions after a server failed all its retries
_NUMBER = re.compile(r"\d+")
_REFUSED = (
    openai.AuthenticationError,
    openai.PermissionDeniedError,
    openai.NotFoundError,
)

T = TypeVar("T")


class OpenAICompatibleChat(CodingLLM):
    """A model of an OpenAI-compatible server.

    A request that fails for a reason that may pass (no connection, too slow, 429, 5xx) is sent
    again with growing pauses. A server that fails all of them is left alone for half a minute:
    questions are then refused at once, so that a dead server does not hold up every note.
    """

    model: str
    base_url: str
    timeout: float = Field(default=120.0, gt=0, description="Seconds for one request.")
    retries: int = Field(default=4, ge=0, description="Of a request that failed.")
    max_tokens: int = Field(default=512, gt=0, description="Of an answer.")

    _client: Any = PrivateAttr(default=None)
    _left_alone_until: float = PrivateAttr(default=0.0)

    @property
    def model_id(self) -> str:
        """Return the model with its server."""
        return f"{self.model}@{self.base_url}"

    @property
    def _llm_type(self) -> str:
        return "openai-compatible"

    def score_choices(self, messages: list[BaseMessage], choices: Sequence[str]) -> ChoiceScores:
        """Score each choice as the first token of the answer; see `CodingLLM.score_choices`.

        The server's tokens are matched by their text: the likeliest one that a choice begins with
        stands for it.

        Raises:
            ContextOverflow: The prompt is longer than the context.
            LLMUnavailable: There was no answer, or one without log-probabilities.
            ValueError: Fewer than two choices, or two begin with the same letter.
        """
        if len({choice[:1] for choice in choices}) < max(2, len(choices)):
            raise ValueError(f"choices must differ in their first letter: {list(choices)}")
        began = time.perf_counter()
        settings = {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP_TOKENS}
        reply = self._ask(messages, settings)
        try:
            top = reply.choices[0].logprobs.content[0].top_logprobs
            found = [(entry.token.strip(), float(entry.logprob)) for entry in top]
            floor = min(logprob for _, logprob in found)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise LLMUnavailable(f"{self.model_id} gave no log-probabilities") from error
        scores = {
            choice: max(
                (p for token, p in found if token and choice.startswith(token)), default=None
            )
            for choice in choices
        }
        usage = _usage(reply)
        return ChoiceScores(
            logprobs={c: floor if p is None else p for c, p in scores.items()},
            floored=frozenset(c for c, p in scores.items() if p is None),
            prompt_tokens=usage["input_tokens"],
            cached_tokens=usage["cached_tokens"],
            seconds=time.perf_counter() - began,
        )

    def count_tokens(self, text: str) -> int:
        """Return an estimate: the protocol cannot ask for the exact number."""
        return int(len(text) / _CHARACTERS_PER_TOKEN) + 1

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        max_tokens: int | None = None,
        schema: dict[str, Any] | None = None,
        **unknown: object,
    ) -> ChatResult:
        """Answer freely, or as JSON under ``schema``."""
        if unknown:
            raise TypeError(f"unknown settings of the server: {', '.join(sorted(unknown))}")
        settings: dict[str, Any] = {"max_tokens": max_tokens or self.max_tokens}
        if stop:
            settings["stop"] = stop
        if schema is not None:
            named = {"name": "answer", "schema": schema, "strict": True}
            settings["response_format"] = {"type": "json_schema", "json_schema": named}
        began = time.perf_counter()
        reply = self._ask(messages, settings)
        try:
            choice = reply.choices[0]
            text, finished = str(choice.message.content or ""), choice.finish_reason
        except (AttributeError, IndexError, TypeError) as error:
            raise LLMUnavailable(f"{self.model_id} gave no answer") from error
        usage = _usage(reply)
        message = AIMessage(
            content=text,
            usage_metadata={
                "input_tokens": usage["input_tokens"],
                "output_tokens": usage["output_tokens"],
                "total_tokens": usage["input_tokens"] + usage["output_tokens"],
                "input_token_details": {"cache_read": usage["cached_tokens"]},
            },
            response_metadata={
                "model_name": self.model_id,
                "finish_reason": finished,
                "seconds": time.perf_counter() - began,
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _ask(self, messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 (the client's reply, read with care)
        chat: Any = as_chat(messages)
        return self._guarded(
            lambda client: client.chat.completions.create(
                model=self.model, messages=chat, temperature=0, seed=0, **settings
            )
        )

    def _guarded(self, request: Callable[[openai.OpenAI], T]) -> T:
        """Send a request; turn what can go wrong into what the agent acts on."""
        if time.monotonic() < self._left_alone_until:
            raise LLMUnavailable(f"{self.model_id} failed a moment ago")
        try:
            return request(self._connected())
        except _REFUSED as error:
            raise UserError(
                f"{self.base_url} refuses {self.model}: {_told(error)}",
                fix=f"check model, address and the key in {' or '.join(KEY_VARIABLES)}",
            ) from error
        except openai.BadRequestError as error:
            raise _overflow(error) or LLMUnavailable(f"{self.model_id}: {_told(error)}") from error
        except openai.OpenAIError as error:
            self._left_alone_until = time.monotonic() + _PAUSE
            raise LLMUnavailable(f"{self.model_id}: {_told(error)}") from error
        except ValueError as error:  # the body is no JSON
            raise LLMUnavailable(f"{self.model_id} gave an unreadable answer") from error

    def _connected(self) -> openai.OpenAI:
        if self._client is None:
            key = next((os.environ[v] for v in KEY_VARIABLES if os.environ.get(v)), "none")
            self._client = openai.OpenAI(
                base_url=self.base_url,
                api_key=key,
                timeout=self.timeout,
                max_retries=self.retries,
            )
        client: openai.OpenAI = self._client
        return client


def _usage(reply: Any) -> dict[str, int]:  # noqa: ANN401 (the client's reply)
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return {
        "input_tokens": int(getattr(usage, "prompt_tokens", None) or 0),
        "output_tokens": int(getattr(usage, "completion_tokens", None) or 0),
        "cached_tokens": int(getattr(details, "cached_tokens", None) or 0),
    }


def _told(error: openai.OpenAIError) -> str:
    """Return what an error says, on one line and without the request, which holds the note."""
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, Mapping) else None
    words = " ".join(str(message or type(error).__name__).split())[:200]
    return f"status {status}, {words}" if status else words


def _overflow(error: openai.BadRequestError) -> ContextOverflow | None:
    """Return the overflow that a refusal speaks of, if it does.

    llama.cpp gives the numbers as fields, vLLM and OpenAI in a sentence that names the context
    first and what was asked for after it.
    """
    body = error.body if isinstance(error.body, Mapping) else {}
    if {"n_prompt_tokens", "n_ctx"} <= body.keys():
        return ContextOverflow(int(body["n_prompt_tokens"]), int(body["n_ctx"]))
    message = str(body.get("message", ""))
    if "context length" in message or body.get("code") == "context_length_exceeded":
        numbers = [int(number) for number in _NUMBER.findall(message)]
        if len(numbers) >= 2:
            return ContextOverflow(numbers[1], numbers[0])
        return ContextOverflow(0, 0)
    return None
