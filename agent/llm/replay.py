"""An LLM that answers from a recorded trace, so that a run can be repeated without the model."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agent.llm.base import (
    DEFAULT_CONTEXT,
    ChoiceScores,
    CodingLLM,
    ContextOverflow,
    LLMUnavailable,
    as_chat,
    prompt_key,
)
from agent.trace.events import LLMCall
from agent.trace.reader import read_trace
from knowledge.errors import UserError

_QUOTED = 60  # characters of a changed prompt that an error message shows
_FAILED = "failed"  # key in an LLMCall's settings: why there was no usable answer
_OVERFLOW = "overflow"  # key in an LLMCall's settings: {"needed": tokens, "available": tokens}


class ReplayLLM(CodingLLM):
    """Answers each prompt as the trace has it; a prompt asked twice gets its answers in order.

    A recorded call whose settings hold ``overflow`` raises `ContextOverflow` again, so that a
    caller shortens its prompt just as it did in the recorded run; one with ``failed`` fails again.
    """

    recorded_model: str

    _answers: dict[str, deque[LLMCall]] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_trace(cls, path: Path) -> "ReplayLLM":
        """Read the LLM calls of a trace file.

        Raises:
            UserError: The file cannot be read, is no trace or holds no LLM call.
        """
        calls = [event for event in read_trace(path) if isinstance(event, LLMCall)]
        if not calls:
            raise UserError(
                f"{path} holds no LLM call to replay",
                fix="name the trace of a run with an LLM, or use --llm none",
            )
        return cls.from_calls(calls)

    @classmethod
    def from_calls(cls, calls: Sequence[LLMCall]) -> "ReplayLLM":
        """Answer from these calls, of which there is at least one."""
        context = calls[0].settings.get("context_tokens", DEFAULT_CONTEXT)
        llm = cls(recorded_model=calls[0].model, context_tokens=context)
        llm._record(calls)
        return llm

    @property
    def model_id(self) -> str:
        """Return the model that gave the recorded answers."""
        return self.recorded_model

    @property
    def _llm_type(self) -> str:
        return "replay"

    def score_choices(self, messages: list[BaseMessage], choices: Sequence[str]) -> ChoiceScores:
        """Return the recorded scores; see `CodingLLM.score_choices`.

        Raises:
            UserError: The trace has no such question.
        """
        call = self._recorded(messages, choices)
        if call.logprobs is None:
            raise _differs("a question with choices was recorded without scores")
        return ChoiceScores(
            logprobs=dict(call.logprobs),
            floored=frozenset(call.settings.get("floored", ())),
            prompt_tokens=call.prompt_tokens,
            cached_tokens=call.cached_tokens,
            seconds=call.seconds,
        )

    def count_tokens(self, text: str) -> int:
        """Refuse: a trace has no tokeniser, and a guess would change what the caller asks.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "a replayed trace cannot count tokens", fix="replay with --llm builtin instead"
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: object,
    ) -> ChatResult:
        call = self._recorded(messages, None)
        if call.response is None:
            raise _differs("a free answer was recorded without text")
        message = AIMessage(
            content=call.response,
            usage_metadata={
                "input_tokens": call.prompt_tokens,
                "output_tokens": call.completion_tokens,
                "total_tokens": call.prompt_tokens + call.completion_tokens,
                "input_token_details": {"cache_read": call.cached_tokens},
            },
            response_metadata={"model_name": call.model, "seconds": call.seconds},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _record(self, calls: Iterable[LLMCall]) -> None:
        for call in calls:
            self._answers.setdefault(call.prompt_sha256, deque()).append(call)

    def _recorded(self, messages: Sequence[BaseMessage], choices: Sequence[str] | None) -> LLMCall:
        answers = self._answers.get(prompt_key(messages, choices))
        if not answers:
            raise _differs(self._what_changed(messages, choices))
        call = answers.popleft() if len(answers) > 1 else answers[0]
        if overflow := call.settings.get(_OVERFLOW):
            raise ContextOverflow(overflow["needed"], overflow["available"])
        if failed := call.settings.get(_FAILED):
            raise LLMUnavailable(failed)
        return call

    def _what_changed(self, messages: Sequence[BaseMessage], choices: Sequence[str] | None) -> str:
        """Say where a prompt that is not recorded parts from the recorded one most like it."""
        calls = [calls[0] for calls in self._answers.values()]
        prompt = "\n".join(turn["content"] for turn in as_chat(messages))
        like = max(calls, key=lambda call: _likeness(_text(call), prompt))
        if like.choices != (None if choices is None else list(choices)):
            return f"no answer is recorded with the choices {choices}, but with {like.choices}"
        here, there = _parting(prompt, _text(like))
        return (
            f"a prompt has changed; the recorded one most like it ({like.purpose}) "
            f"has {there!r} where this one has {here!r}"
        )


def _text(call: LLMCall) -> str:
    return "\n".join(turn["content"] for turn in call.messages)


def _likeness(a: str, b: str) -> int:
    """Return how many characters two texts share at their beginning and their end."""
    shared = _shared(a, b)
    return shared + _shared(a[shared:][::-1], b[shared:][::-1])


def _shared(a: str, b: str) -> int:
    """Return how many characters two texts share at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _parting(a: str, b: str) -> tuple[str, str]:
    """Return the words of each text from where they part, at most `_QUOTED` characters."""
    shared = _shared(a, b)
    start = max(a.rfind(space, 0, shared) for space in " \n") + 1  # whole words
    return a[start : start + _QUOTED], b[start : start + _QUOTED]


def _differs(what: str) -> UserError:
    return UserError(
        f"this run differs from the trace: {what}",
        fix="replay with the note, settings and version the trace was recorded with, "
        "or ask the model anew with --llm builtin",
    )
