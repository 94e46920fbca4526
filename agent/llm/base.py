"""The interface of every LLM backend: a LangChain chat model that can also score closed answers."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import ConfigDict, Field

DEFAULT_CONTEXT = 8192  # tokens; longer than nearly every note, 235 MB of cache for a 1.5B model
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class ContextOverflow(Exception):  # noqa: N818 - a condition callers handle, not a failure
    """The prompt is longer than the context; the caller asks again with less of the note.

    Attributes:
        needed: Tokens of the prompt.
        available: Tokens of the context.
    """

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"the prompt has {needed} tokens, the context {available}")
        self.needed = needed
        self.available = available


class LLMUnavailable(Exception):  # noqa: N818 - as above: the agent decides without it
    """The LLM gave no usable answer; the message says why, and holds nothing of the note."""


@dataclass(frozen=True, slots=True)
class ChoiceScores:
    """How likely the LLM holds each of some closed answers.

    Attributes:
        logprobs: Natural log-probability of each choice's first token as the first token of the
            answer, over the whole vocabulary: not renormalised over the choices.
        floored: Choices outside the returned tokens; theirs is the lowest returned value, an
            upper bound.
        prompt_tokens: Length of the prompt.
        cached_tokens: How many of them were still in the prefix cache.
        seconds: Wall-clock time of the call.
    """

    logprobs: dict[str, float]
    floored: frozenset[str]
    prompt_tokens: int
    cached_tokens: int
    seconds: float

    def log_odds(self, a: str, b: str) -> float:
        """Return log p(a) - log p(b), in nats."""
        return self.logprobs[a] - self.logprobs[b]


class CodingLLM(BaseChatModel):
    """A chat model that also scores closed answers, knows its context and names itself exactly."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    context_tokens: int = Field(
        default=DEFAULT_CONTEXT, gt=0, description="Prompt and answer together, in tokens."
    )

    @property
    @abstractmethod
    def model_id(self) -> str:
        """Name and hash of the weights, such as ``name@sha256:cc324af070c2``, for traces."""

    @abstractmethod
    def score_choices(self, messages: list[BaseMessage], choices: Sequence[str]) -> ChoiceScores:
        """Score each choice as the first token of the answer.

        Args:
            messages: The prompt; start it with what successive questions share, so that the
                prefix cache is reused.
            choices: Answers that differ in their first token, such as Yes and No.

        Raises:
            ContextOverflow: The prompt is longer than the context.
            ValueError: Fewer than two choices, or two share their first token.
        """

    @abstractmethod
    def count_tokens(self, text: str) -> int:
        """Return the length of a text in tokens of this model."""

    def get_num_tokens(self, text: str) -> int:
        """Return `count_tokens`; LangChain's name for it."""
        return self.count_tokens(text)


def as_chat(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """Return messages as role and content, the form of chat APIs and of `prompt_key`.

    Raises:
        ValueError: A message is neither system, human nor AI, or holds more than text.
    """
    chat = []
    for message in messages:
        if message.type not in _ROLES or not isinstance(message.content, str):
            raise ValueError(
                f"only system, human and AI messages of plain text, not {message.type}"
            )
        chat.append({"role": _ROLES[message.type], "content": message.content})
    return chat


def prompt_key(messages: Sequence[BaseMessage], choices: Sequence[str] | None) -> str:
    """Return the sha256 of a prompt and its choices; it finds a recorded answer in a trace."""
    prompt = {"messages": as_chat(messages), "choices": None if choices is None else list(choices)}
    text = json.dumps(prompt, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
