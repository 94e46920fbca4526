"""reason: form an opinion on each candidate from its evidence, its assertion and the LLM."""

from collections.abc import Sequence
from typing import NamedTuple

from agent.confidence import (
    ASSERTION_VOICE,
    evidence_odds,
    log_odds,
    probability,
    section_voice,
)
from agent.evidence import evidence_at, last_word
from agent.hearing import hear_llm, is_doubtful, is_worth_asking, most_doubtful, settle
from agent.result import Evidence
from agent.state import MAX_EVIDENCE, CoderContext, Proposal, State
from indexes.candidates import Candidate, Mention
from indexes.ranker.features import EXACT
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
_EXACT_SOURCES = frozenset(EXACT)
_EQUAL_EVIDENCE = 0.5  # share of the best mention's score from which another one counts


def reason(state: State, context: CoderContext) -> State:
    """Judge the candidates: evidence first, then the LLM where that leaves doubt."""
    note = state["note"]
    proposals = _with_llm(note, propose(note, state["candidates"], context), context)
    return {"proposals": settle(proposals, note, context)}


def propose(note: Note, candidates: Sequence[Candidate], context: CoderContext) -> list[Proposal]:
    """Return an opinion on each candidate that is at all believable, nothing decided yet."""
    annotator = AssertionAnnotator(note)
    proposals = (_propose(c, note, annotator, context) for c in candidates if c.mentions)
    widest = max(context.settings.doubt, context.settings.second_look_doubt)
    least = probability(log_odds(context.threshold) - widest)
    return [p for p in proposals if p.confidence >= least]


class _Support(NamedTuple):
    """What the note says of a candidate, and the mentions that say so, best first."""

    assertion: Assertion
    mentions: Sequence[Mention]


def _propose(
    candidate: Candidate, note: Note, annotator: AssertionAnnotator, context: CoderContext
) -> Proposal:
    assertion, mentions = _support(candidate, note, annotator)
    evidence = tuple(evidence_at(note, m.span) for m in mentions)
    return Proposal(
        code=candidate.code,
        confidence=_confidence(candidate, assertion, mentions, note, context),
        assertion=assertion,
        evidence=evidence,
        accepted=False,
        reason=_matched(evidence[0], mentions[0]),
        sources=candidate.sources,
    )


def _confidence(
    candidate: Candidate,
    assertion: Assertion,
    mentions: Sequence[Mention],
    note: Note,
    context: CoderContext,
) -> float:
    """Return the ranker's confidence where it decides, else what the evidence gives."""
    if context.ranker:
        return candidate.score
    sections = frozenset(note.section_at(m.span.start).kind for m in mentions)
    odds = evidence_odds(candidate.sources, sections)
    if context.policy == "mentions":
        odds += ASSERTION_VOICE[assertion]
    return probability(odds)


def _matched(evidence: Evidence, mention: Mention) -> str:
    """Say in a coder's words why a mention speaks for a code."""
    words = f"{' '.join(evidence.text.split())!r}"
    if mention.source == "plm_icd":
        return f"PLM-ICD attends to {words}"
    if mention.source == "lines":
        return f"{words} reads like sentences that coders gave this code for"
    return f"{words} matches {mention.term!r}"


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
    return last_word(note, mention.span)


def open_questions(proposals: Sequence[Proposal], context: CoderContext) -> list[Proposal]:
    """Return the proposals that the LLM is to be asked about, most doubtful first."""
    doubtful = [
        p
        for p in proposals
        if is_doubtful(p, context.settings.doubt, context)
        and is_worth_asking(p, proposals, context)
    ]
    return most_doubtful(doubtful, context.settings.llm_questions, context)


def _with_llm(note: Note, proposals: Sequence[Proposal], context: CoderContext) -> list[Proposal]:
    """Add the LLM's voice to the most doubtful proposals, within the budget."""
    if context.llm is None:
        return list(proposals)
    asked = open_questions(proposals, context)
    heard = {p.code: p for p in hear_llm(note, asked, context)}
    return [heard.get(p.code, p) for p in proposals]
