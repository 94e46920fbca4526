"""Closed questions to the LLM about a note, asked and recorded in one way.

The LLM sees the note as a prefix that the questions about it share, and is asked Yes or No; the
log-odds of the two answers are its voice. It never writes a code, so nothing in a note can make it
invent one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from agent.llm.base import (
    ChoiceScores,
    CodingLLM,
    ContextOverflow,
    LLMUnavailable,
    as_chat,
    prompt_key,
)
from agent.prompting import load_prompt
from agent.state import CoderContext
from knowledge.note_text import Note, Span

_YES, _NO = "Yes", "No"
_UNANSWERED = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "seconds": 0.0}
_QUOTATION = 200  # characters; a longer quotation says no more than its sentence does
_MARGINS = (6000, 1500, 200)  # characters around the passage, where the whole note is too long

# Where a token of ChatML and Llama 3, of DeepSeek, Llama 2, Mistral or Gemma begins.
_TEMPLATE_TOKEN = re.compile(r"<(?=\||\uff5c|</?SYS>>|/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])")


@dataclass(frozen=True, slots=True)
class Question:
    """A closed question about a passage of a note.

    Attributes:
        prompt: Name of its prompt file.
        codes: What it is about, for the trace.
        passage: The part of the note that an answer needs.
        variables: What the prompt needs besides the note; text of the note as `quoted` gives it.
    """

    prompt: str
    codes: tuple[str, ...]
    passage: Span
    variables: Mapping[str, str]


def ask(question: Question, note: Note, llm: CodingLLM, context: CoderContext) -> float | None:
    """Ask the LLM and record the call; a note that is too long is read around the passage.

    Returns:
        The log-odds of Yes, in nats; None where the LLM gave no usable answer, which the trace
        tells: the agent then decides without it.
    """
    prompt = load_prompt(question.prompt)
    for text in _readings(note, question.passage):
        messages = prompt.render(note=text, **question.variables)
        scores = _scores(llm, messages, prompt.choices)
        call = {
            "call": "score_choices",
            "purpose": " ".join((question.prompt, *question.codes)),
            "prompt_sha256": prompt_key(messages, prompt.choices),
            "messages": as_chat(messages),
            "choices": list(prompt.choices),
            "model": context.llm_identity.model,
        }
        context.recorder.llm_call(**call, **_outcome(scores, llm.context_tokens))
        if isinstance(scores, LLMUnavailable):
            return None
        if not isinstance(scores, ContextOverflow):
            return scores.log_odds(_YES, _NO)
    raise AssertionError("one sentence always fits into the context")


def quoted(text: str) -> str:
    """Return words of a note as a prompt may hold them."""
    return _as_data(text[:_QUOTATION])


def _scores(
    llm: CodingLLM, messages: list[BaseMessage], choices: Sequence[str]
) -> ChoiceScores | ContextOverflow | LLMUnavailable:
    try:
        return llm.score_choices(messages, choices)
    except ContextOverflow as overflow:
        return overflow  # ask again with less of the note; the trace shows both
    except LLMUnavailable as failure:
        return failure


def _outcome(
    scores: ChoiceScores | ContextOverflow | LLMUnavailable, context_tokens: int
) -> dict[str, Any]:
    """Return the fields of an `LLMCall` that tell what came of it."""
    if isinstance(scores, LLMUnavailable):
        return {**_UNANSWERED, "settings": {"failed": str(scores)}}
    if isinstance(scores, ContextOverflow):
        overflow = {"needed": scores.needed, "available": scores.available}
        return {**_UNANSWERED, "settings": {"overflow": overflow}}
    return {
        "logprobs": scores.logprobs,
        "prompt_tokens": scores.prompt_tokens,
        "completion_tokens": 1,
        "cached_tokens": scores.cached_tokens,
        "seconds": scores.seconds,
        "settings": {"floored": sorted(scores.floored), "context_tokens": context_tokens},
    }


def _readings(note: Note, passage: Span) -> Iterator[str]:
    """Yield what the LLM is to read: the whole note, else its part around the passage."""
    yield _as_data(note.text)
    start, end = passage.start, passage.end
    for margin in _MARGINS:
        yield _as_data(note.text[max(0, start - margin) : min(end, start + margin) + margin])


def _as_data(text: str) -> str:
    """Break up what a chat template would read as the end of a turn, such as ``<|im_end|>``."""
    return _TEMPLATE_TOKEN.sub(r"\g<0> ", text)
