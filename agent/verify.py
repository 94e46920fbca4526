"""The question whether a note documents a candidate that the evidence leaves open."""

from collections.abc import Iterator, Sequence

from agent.asking import Question, ask, quoted
from agent.state import CoderContext, Proposal
from knowledge.note_text import Note, Span

_PROMPT = "verify_code"


def verify(
    note: Note, proposals: Sequence[Proposal], context: CoderContext
) -> Iterator[tuple[Proposal, float]]:
    """Yield each proposal with the log-odds of Yes, in nats; the context has an LLM.

    A proposal that the LLM gave no usable answer about is left out.
    """
    assert context.llm is not None
    for proposal in proposals:
        answer = ask(_question(proposal, context), note, context.llm, context)
        if answer is not None:
            yield proposal, answer


def _question(proposal: Proposal, context: CoderContext) -> Question:
    best = proposal.evidence[0]
    return Question(
        prompt=_PROMPT,
        codes=(proposal.code,),
        passage=Span(best.start, best.end),
        variables={
            "evidence": quoted(best.text),
            "description": context.system.get(proposal.code).title,
        },
    )
