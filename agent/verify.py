"""Closed questions to the LLM about candidates that the evidence leaves open.

The LLM sees the note as a prefix shared by all questions and is asked Yes or No; the log-odds of
the two answers are one more voice. It never writes a code, so nothing in a note can make it
invent one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from agent.llm.base import ChoiceScores, CodingLLM, ContextOverflow, as_chat, prompt_key
from agent.prompting import load_prompt
from agent.state import CoderContext, Proposal
from knowledge.note_text import Note

_PROMPT = "verify_code"
_YES, _NO = "Yes", "No"
_UNANSWERED = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "seconds": 0.0}
_EVIDENCE_LENGTH = 200  # characters; a longer quotation says no more than its sentence does


def verify(
    note: Note, proposals: Sequence[Proposal], context: CoderContext
) -> Iterator[tuple[Proposal, float]]:
    """Yield each proposal with the log-odds of Yes, in nats; the context has an LLM."""
    assert context.llm is not None
    for proposal in proposals:
        yield proposal, _ask(context.llm, note, proposal, context)


def _ask(llm: CodingLLM, note: Note, proposal: Proposal, context: CoderContext) -> float:
    prompt = load_prompt(_PROMPT)
    for text in _contexts(note, proposal):
        messages = prompt.render(
            note=text,
            evidence=_as_data(proposal.evidence[0].text[:_EVIDENCE_LENGTH]),
            description=context.system.get(proposal.code).title,
        )
        scores = _scores(llm, messages, prompt.choices)
        call = {
            "call": "score_choices",
            "purpose": f"{_PROMPT} {proposal.code}",
            "prompt_sha256": prompt_key(messages, prompt.choices),
            "messages": as_chat(messages),
            "choices": list(prompt.choices),
            "model": context.llm_identity.model,
        }
        context.recorder.llm_call(**call, **_outcome(scores, llm.context_tokens))
        if not isinstance(scores, ContextOverflow):
            return scores.log_odds(_YES, _NO)
    raise AssertionError("one sentence always fits into the context")


def _scores(
    llm: CodingLLM, messages: list[BaseMessage], choices: Sequence[str]
) -> ChoiceScores | ContextOverflow:
    try:
        return llm.score_choices(messages, choices)
    except ContextOverflow as overflow:
        return overflow  # ask again with less of the note; the trace shows both


def _outcome(scores: ChoiceScores | ContextOverflow, context_tokens: int) -> dict[str, Any]:
    """Return the fields of an `LLMCall` that tell what came of it."""
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


def _contexts(note: Note, proposal: Proposal) -> Iterator[str]:
    """Yield what the LLM is to read: the whole note, else its part around the evidence."""
    yield _as_data(note.text)
    start, end = proposal.evidence[0].start, proposal.evidence[0].end
    for margin in (6000, 1500, 200):
        yield _as_data(note.text[max(0, start - margin) : min(end, start + margin) + margin])


def _as_data(text: str) -> str:
    """Break up what a chat template would read as the end of a turn, such as ``<|im_end|>``."""
    return text.replace("<|", "< |")
