"""How the LLM is heard on open proposals and how a proposal is decided: one place for all nodes.

`agent.verify` asks the question; here is whether a question is worth its time, what an answer does
to a proposal's confidence, and when a proposal is accepted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent.confidence import log_odds, probability
from agent.overlap import is_fragment
from agent.state import CoderContext, Proposal
from agent.trace.events import Option
from agent.verify import verify
from indexes.ranker.model import LLMVoice
from knowledge.assertion import Assertion
from knowledge.note_text import Note

# Under "guidelines" no question is spent on what is ruled out or a relative's, nor on fragments.
_OPEN_ASSERTIONS: frozenset[Assertion] = frozenset({"present", "possible", "historical"})
_REJECTED_BY_ASSERTION: dict[Assertion, str] = {
    "absent": "ruled out in",
    "hypothetical": "only a possibility ahead in",
}
BELOW = "; confidence below the threshold"


def is_reportable(code: str, context: CoderContext) -> bool:
    """Tell whether a code may stand in a result.

    Annotators of research data use codes that need more characters (R51, M54.5). The ranker learned
    when; the check names such codes all the same.
    """
    in_release = code in context.system
    return in_release and (context.ranker is not None or context.system.get(code).billable)


def is_doubtful(proposal: Proposal, margin: float, context: CoderContext) -> bool:
    """Tell whether a confidence is within a margin of the threshold, in log-odds."""
    return _distance(proposal, context) <= margin


def is_worth_asking(
    proposal: Proposal, proposals: Sequence[Proposal], context: CoderContext
) -> bool:
    """Tell whether an answer about a proposal may change the result.

    Args:
        proposal: One that the evidence leaves in doubt.
        proposals: All proposals of the note.
        context: Policy and settings.
    """
    if context.policy == "mentions":
        return True
    if proposal.assertion not in _OPEN_ASSERTIONS:
        return False
    return not any(
        other is not proposal
        and other.confidence >= context.threshold
        and is_fragment(proposal, other)
        for other in proposals
    )


def most_doubtful(
    proposals: Iterable[Proposal], count: int, context: CoderContext
) -> list[Proposal]:
    """Return at most ``count`` proposals, those nearest to the threshold first."""
    return sorted(proposals, key=lambda p: (_distance(p, context), p.code))[:count]


def _distance(proposal: Proposal, context: CoderContext) -> float:
    return abs(log_odds(proposal.confidence) - log_odds(context.threshold))


def hear_llm(note: Note, proposals: Sequence[Proposal], context: CoderContext) -> list[Proposal]:
    """Ask the LLM about each proposal and add its voice; the context has an LLM."""
    return [_hear(p, answer, context) for p, answer in verify(note, proposals, context)]


def settle(proposals: Sequence[Proposal], note: Note, context: CoderContext) -> list[Proposal]:
    """Decide on each proposal and record the decisions."""
    settled = [_decide(p, note, context) for p in proposals]
    for p in settled:
        _record(p, context)
    return settled


def _record(proposal: Proposal, context: CoderContext) -> None:
    """Record whether a proposal was accepted, with the scores of both options."""
    for_it = round(proposal.confidence, 4)
    accept = Option(action="accept", code=proposal.code, score=for_it)
    reject = Option(action="reject", code=proposal.code, score=round(1 - for_it, 4))
    taken, other = (accept, reject) if proposal.accepted else (reject, accept)
    context.recorder.decision(
        proposal.code,
        taken.action,
        "reason",
        proposal.reason,
        options=(taken, other),
        threshold=context.threshold,
        voices=proposal.sources,
    )


def reopen(proposal: Proposal, why: str) -> Proposal:
    """Take the decision on a proposal back, and say why."""
    reason = f"{proposal.reason.removesuffix(BELOW)}; {why}"
    return replace(proposal, accepted=False, reason=reason)


def _hear(proposal: Proposal, answer: float, context: CoderContext) -> Proposal:
    before = log_odds(proposal.confidence)
    voice = _voice(context)
    after = voice.confidence_weight * before + voice.llm_weight * answer + voice.bias
    # What the LLM would have to say to leave the confidence as it is.
    neutral = (before - voice.confidence_weight * before - voice.bias) / voice.llm_weight
    verdict = "supports" if after > before else "doubts"
    return replace(
        proposal,
        confidence=probability(after),
        sources={**proposal.sources, "llm": answer},
        reason=f"{proposal.reason}; the LLM {verdict} it (log-odds {answer:+.1f}, "
        f"undecided at {neutral:+.1f})",
    )


def _voice(context: CoderContext) -> LLMVoice:
    """Return how the LLM of the run is heard: as fitted for it, else as the settings say."""
    fitted = context.ranker.llm_voice(context.llm_identity.model) if context.ranker else None
    if fitted:
        return fitted
    settings = context.settings
    return LLMVoice(
        model=context.llm_identity.model,
        confidence_weight=1.0,
        llm_weight=settings.llm_weight,
        bias=-settings.llm_weight * settings.llm_bias,
        questions=0,
    )


def _decide(proposal: Proposal, note: Note, context: CoderContext) -> Proposal:
    ruled_out = _REJECTED_BY_ASSERTION.get(proposal.assertion)
    if context.policy == "guidelines" and ruled_out:
        return replace(proposal, reason=f"{ruled_out} {_sentence(note, proposal)!r}")
    if proposal.confidence < context.threshold:
        return replace(proposal, reason=f"{proposal.reason}{BELOW}")
    if not is_reportable(proposal.code, context):
        return replace(proposal, reason=f"{proposal.reason}; the note does not say which child")
    return replace(proposal, accepted=True)


def _sentence(note: Note, proposal: Proposal) -> str:
    """Return the sentence of the best evidence on one line, shortened around the evidence."""
    start = proposal.evidence[0].start
    sentence = note.sentence_at(start)
    text = " ".join(note.slice(sentence.span).split()) if sentence else proposal.evidence[0].text
    return text if len(text) <= 120 else f"{text[:117]}..."
