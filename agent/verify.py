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
    """Yield each proposal with the log-odds of Yes, in nats."""
    for proposal in proposals:
        yield proposal, _ask(note, proposal, context)


def _ask(note: Note, proposal: Proposal, context: CoderContext) -> float:
    assert context.llm is not None
    prompt = load_prompt(_PROMPT)
    for text in _contexts(note, proposal):
        messages = prompt.render(
            note=text,
            evidence=_as_data(proposal.evidence[0].text[:_EVIDENCE_LENGTH]),
            description=context.system.get(proposal.code).title,
        )
        scores = _scores(context.llm, messages, prompt.choices)
        _record(proposal.code, messages, prompt.choices, scores, context)
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


def _record(
    code: str,
    messages: list[BaseMessage],
    choices: Sequence[str],
    scores: ChoiceScores | ContextOverflow,
    context: CoderContext,
) -> None:
    if isinstance(scores, ContextOverflow):
        overflow = {"needed": scores.needed, "available": scores.available}
        outcome: dict[str, Any] = {**_UNANSWERED, "settings": {"overflow": overflow}}
    else:
        outcome = {
            "logprobs": scores.logprobs,
            "prompt_tokens": scores.prompt_tokens,
            "completion_tokens": 1,
            "cached_tokens": scores.cached_tokens,
            "seconds": scores.seconds,
            "settings": {
                "floored": sorted(scores.floored),
                "context_tokens": context.llm.context_tokens if context.llm else 0,
            },
        }
    context.recorder.llm_call(
        call="score_choices",
        purpose=f"{_PROMPT} {code}",
        prompt_sha256=prompt_key(messages, choices),
        messages=as_chat(messages),
        choices=list(choices),
        model=context.llm_identity.model,
        **outcome,
    )


def _contexts(note: Note, proposal: Proposal) -> Iterator[str]:
    """Yield what the LLM is to read: the whole note, else its part around the evidence."""
    yield _as_data(note.text)
    start, end = proposal.evidence[0].start, proposal.evidence[0].end
    for margin in (6000, 1500, 200):
        yield _as_data(note.text[max(0, start - margin) : min(end, start + margin) + margin])


def _as_data(text: str) -> str:
    """Break up what a chat template would read as the end of a turn, such as ``<|im_end|>``."""
    return text.replace("<|", "< |")
