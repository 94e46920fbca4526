"""reason: form an opinion on each candidate from its evidence, its assertion and the LLM."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from agent.confidence import (
    ASSERTION_VOICE,
    evidence_odds,
    log_odds,
    probability,
    section_voice,
)
from agent.overlap import is_fragment
from agent.result import Evidence
from agent.state import MAX_EVIDENCE, CoderContext, Proposal, State
from agent.verify import verify
from indexes.candidates import Candidate, Mention
from knowledge.assertion import Assertion, AssertionAnnotator
from knowledge.note_text import Note, Span

# Where a finding stands in several places, the first of these holds: what is present somewhere is
# present, what was ruled out is no longer possible.
_PRECEDENCE: Sequence[Assertion] = (
    "present",
    "historical",
    "family",
    "absent",
    "possible",
    "hypothetical",
)
# Generators whose mentions are the words of the finding itself; others name a clause around it.
_EXACT_SOURCES = frozenset({"terms", "figures"})
_EQUAL_EVIDENCE = 0.5  # share of the best mention's score from which another one counts
_LEAST_CONFIDENCE = 0.25  # below it a candidate stays in the ranking and is not judged
# Under "guidelines" no question is spent on what is ruled out or a relative's, nor on fragments.
_OPEN_ASSERTIONS: frozenset[Assertion] = frozenset({"present", "possible", "historical"})
_REJECTED_BY_ASSERTION: dict[Assertion, str] = {
    "absent": "ruled out in",
    "hypothetical": "only a possibility ahead in",
}


def reason(state: State, context: CoderContext) -> State:
    """Judge the candidates: evidence first, then the LLM where that leaves doubt."""
    note = state["note"]
    annotator = AssertionAnnotator(note)
    proposals = [
        proposal
        for candidate in state["candidates"]
        if candidate.mentions
        and (proposal := _propose(candidate, note, annotator, context)).confidence
        >= _LEAST_CONFIDENCE
    ]
    proposals = _with_llm(note, proposals, context)
    decided = [_decide(p, note, context) for p in proposals]
    for p in decided:
        context.recorder.decision(p.code, "accept" if p.accepted else "reject", "reason", p.reason)
    return {"proposals": decided}


class _Support(NamedTuple):
    """What the note says of a candidate, and the mentions that say so, best first."""

    assertion: Assertion
    mentions: Sequence[Mention]


def _propose(
    candidate: Candidate, note: Note, annotator: AssertionAnnotator, context: CoderContext
) -> Proposal:
    assertion, mentions = _support(candidate, note, annotator)
    sections = frozenset(note.section_at(m.span.start).kind for m in mentions)
    odds = evidence_odds(candidate.sources, sections)
    if context.policy == "mentions":
        odds += ASSERTION_VOICE[assertion]
    evidence = tuple(_evidence(note, m) for m in mentions)
    return Proposal(
        code=candidate.code,
        confidence=probability(odds),
        assertion=assertion,
        evidence=evidence,
        accepted=False,
        reason=f"{_quote(evidence[0])} matches {mentions[0].term!r}",
        sources=candidate.sources,
    )


def _support(candidate: Candidate, note: Note, annotator: AssertionAnnotator) -> _Support:
    # The words of a term are better evidence than a clause of similar meaning.
    exact = [m for m in candidate.mentions if m.source in _EXACT_SOURCES]
    mentions = exact or candidate.mentions
    # Fragments of other wordings do not outvote the words that name the finding.
    least = _EQUAL_EVIDENCE * max(m.score for m in mentions)
    judged = [(m, annotator.of(_asserted(note, m)).assertion) for m in mentions if m.score >= least]
    assertion = min((a for _, a in judged), key=_PRECEDENCE.index)
    agreeing = [m for m, a in judged if a == assertion]
    # A coder looks first where the diagnosis is made.
    agreeing.sort(key=lambda m: -section_voice(note.section_at(m.span.start).kind))
    return _Support(assertion, agreeing[:MAX_EVIDENCE])


def _asserted(note: Note, mention: Mention) -> Span:
    """Return the words whose assertion decides: of a clause its last word, behind its cues."""
    if mention.source in _EXACT_SOURCES:
        return mention.span
    words = note.slice(mention.span).rstrip()
    end = mention.span.start + len(words)
    return Span(end - len(words.split()[-1]), end) if words else mention.span


def _evidence(note: Note, mention: Mention) -> Evidence:
    start, end = mention.span.start, mention.span.end
    section = note.section_at(start).title
    return Evidence(start=start, end=end, text=note.text[start:end], section=section)


def _quote(evidence: Evidence) -> str:
    return f"{' '.join(evidence.text.split())!r}"


def _with_llm(note: Note, proposals: Sequence[Proposal], context: CoderContext) -> list[Proposal]:
    """Add the LLM's voice to the most doubtful proposals, within the budget."""
    if context.llm is None:
        return list(proposals)
    settings = context.settings
    open_questions = [p for p in proposals if _is_open(p, proposals, context)]
    middle = log_odds(settings.threshold)
    open_questions.sort(key=lambda p: (abs(log_odds(p.confidence) - middle), p.code))
    asked = open_questions[: settings.llm_questions]
    answers = {p.code: odds for p, odds in verify(note, asked, context)}
    return [_hear(p, answers[p.code], context) if p.code in answers else p for p in proposals]


def _is_open(proposal: Proposal, proposals: Sequence[Proposal], context: CoderContext) -> bool:
    """Tell whether a question about a proposal may change the result."""
    settings = context.settings
    if not settings.uncertain_low <= proposal.confidence <= settings.uncertain_high:
        return False
    if context.policy == "mentions":
        return True
    if proposal.assertion not in _OPEN_ASSERTIONS:
        return False
    return not any(
        other is not proposal
        and other.confidence >= settings.threshold
        and is_fragment(proposal, other)
        for other in proposals
    )


def _hear(proposal: Proposal, answer: float, context: CoderContext) -> Proposal:
    settings = context.settings
    odds = log_odds(proposal.confidence) + settings.llm_weight * (answer - settings.llm_bias)
    verdict = "supports" if answer > settings.llm_bias else "doubts"
    return replace(
        proposal,
        confidence=probability(odds),
        sources={**proposal.sources, "llm": answer},
        reason=f"{proposal.reason}; the LLM {verdict} it (log-odds {answer:+.1f}, "
        f"undecided at {settings.llm_bias:+.1f})",
    )


def _decide(proposal: Proposal, note: Note, context: CoderContext) -> Proposal:
    ruled_out = _REJECTED_BY_ASSERTION.get(proposal.assertion)
    if context.policy == "guidelines" and ruled_out:
        return replace(proposal, reason=f"{ruled_out} {_sentence(note, proposal)!r}")
    if proposal.confidence < context.settings.threshold:
        return replace(proposal, reason=f"{proposal.reason}; confidence below the threshold")
    if not context.system.get(proposal.code).billable:
        return replace(proposal, reason=f"{proposal.reason}; the note does not say which child")
    return replace(proposal, accepted=True)


def _sentence(note: Note, proposal: Proposal) -> str:
    """Return the sentence of the best evidence on one line, shortened around the evidence."""
    start = proposal.evidence[0].start
    sentence = note.sentence_at(start)
    text = " ".join(note.slice(sentence.span).split()) if sentence else proposal.evidence[0].text
    return text if len(text) <= 120 else f"{text[:117]}..."
