"""reason: form an opinion on each candidate from its evidence, its assertion and the LLM."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.confidence import ASSERTION_VOICE, evidence_odds, log_odds, probability, section_voice
from agent.evidence import evidence_at, last_word
from agent.hearing import hear_llm, is_doubtful, is_worth_asking, most_doubtful, settle
from agent.result import Evidence
from agent.state import MAX_EVIDENCE, CoderContext, Proposal, State
from agent.voice.features import SIMILARITY, EvidenceView, Supported, is_worded
from agent.voice.roles import place_of
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
_CIRCUMSTANCES = "circumstances"  # the generator that judges assertions itself
_EQUAL_EVIDENCE = 0.5  # share of the best mention's score from which another one counts


def reason(state: State, context: CoderContext) -> State:
    """Judge the candidates: evidence first, then the LLM where that leaves doubt."""
    note = state["note"]
    proposals = _with_llm(note, propose(note, state["candidates"], context), context)
    return {"proposals": settle(proposals, note, context)}


def propose(note: Note, candidates: Sequence[Candidate], context: CoderContext) -> list[Proposal]:
    """Return an opinion on each candidate that is at all believable, nothing decided yet."""
    supported = supported_candidates(note, candidates, context)
    confidence = _confidence(note, supported, context)
    widest = max(context.settings.doubt, context.settings.second_look_doubt)
    least = probability(log_odds(context.threshold) - widest)
    proposals = (_proposal(s, confidence(s), note) for s in supported)
    return [p for p in proposals if p.confidence >= least]


def supported_candidates(
    note: Note, candidates: Sequence[Candidate], context: CoderContext
) -> list[Supported]:
    """Return the candidates that rest on words of the note, with what the note asserts of them."""
    annotator = AssertionAnnotator(note)
    decide = _where_diagnosed if context.voice else _anywhere
    return [_supported(c, note, annotator, decide) for c in candidates if c.mentions]


def _proposal(supported: Supported, confidence: float, note: Note) -> Proposal:
    mentions = supported.mentions[:MAX_EVIDENCE]
    evidence = tuple(evidence_at(note, m.span) for m in mentions)
    return Proposal(
        code=supported.candidate.code,
        confidence=confidence,
        assertion=supported.assertion,
        evidence=evidence,
        accepted=False,
        reason=_matched(evidence[0], mentions[0]),
        sources=supported.candidate.sources,
    )


def _confidence(
    note: Note, supported: Sequence[Supported], context: CoderContext
) -> Callable[[Supported], float]:
    """Return who judges: the ranker where it decides, else the voice of the policy."""
    if context.ranker:
        return lambda s: s.candidate.score
    if context.voice:
        voice = context.voice
        worded = [s for s in supported if is_worded(s.candidate)]
        view = EvidenceView(note, worded, context.system, context.policy_data)
        return lambda s: (
            voice.confidence(view.features(s))
            if is_worded(s.candidate)
            else _alike(s.candidate, voice.threshold)
        )
    return lambda s: _untrained(s, note)


def _alike(candidate: Candidate, threshold: float) -> float:
    """Return the confidence in what only resembles the note: never enough, in order of likeness.

    The LLM may still speak for it.
    """
    likeness = max(candidate.sources.values(), default=0.0)
    return threshold / 2 * min(max(likeness, 0.0), 1.0)


def _untrained(supported: Supported, note: Note) -> float:
    mentions = supported.mentions[:MAX_EVIDENCE]
    sections = frozenset(note.section_at(m.span.start).kind for m in mentions)
    odds = evidence_odds(supported.candidate.sources, sections)
    return probability(odds + ASSERTION_VOICE[supported.assertion])


def _matched(evidence: Evidence, mention: Mention) -> str:
    """Say in a coder's words why a mention speaks for a code."""
    words = f"{' '.join(evidence.text.split())!r}"
    if mention.source == "plm_icd":
        return f"PLM-ICD attends to {words}"
    if mention.source == "lines":
        return f"{words} reads like sentences that coders gave this code for"
    return f"{words} matches {mention.term!r}"


class _Judged(NamedTuple):
    """A mention and what is asserted of it."""

    mention: Mention
    assertion: Assertion


def _supported(
    candidate: Candidate,
    note: Note,
    annotator: AssertionAnnotator,
    decide: Callable[[Note, Sequence[_Judged]], Assertion],
) -> Supported:
    # The words of a term are better evidence than a clause of similar meaning.
    exact = [m for m in candidate.mentions if m.source not in SIMILARITY]
    mentions = exact or candidate.mentions
    # Fragments of other wordings do not outvote the words that name the finding.
    least = _EQUAL_EVIDENCE * max(m.score for m in mentions)
    judged = [
        _Judged(m, annotator.of(_asserted(note, m)).assertion) for m in mentions if m.score >= least
    ]
    assertion = decide(note, judged)
    agreeing = [m for m, a in judged if a == assertion]
    # A coder looks first where the diagnosis is made.
    agreeing.sort(key=lambda m: -section_voice(note.section_at(m.span.start).kind))
    return Supported(candidate, assertion, agreeing)


def _anywhere(note: Note, judged: Sequence[_Judged]) -> Assertion:
    return min((j.assertion for j in judged), key=_PRECEDENCE.index)


def _where_diagnosed(note: Note, judged: Sequence[_Judged]) -> Assertion:
    """Let the diagnoses decide where they name the finding: they were made after study.

    A plan names what may come ("call for fever"); that says nothing of what was there before.
    """
    diagnosed = [
        j
        for j in judged
        if j.assertion != "hypothetical" and place_of(note, j.mention.span).role == "diagnosis"
    ]
    return _anywhere(note, diagnosed or judged)


def _assertion(note: Note, mention: Mention, annotator: AssertionAnnotator) -> Assertion:
    found = annotator.of(_asserted(note, mention)).assertion
    # "Not taking her insulin" is there: who looks for circumstances has read what is denied.
    denied = found in ("absent", "hypothetical", "possible")
    return "present" if denied and mention.source == _CIRCUMSTANCES else found


def _asserted(note: Note, mention: Mention) -> Span:
    """Return the words whose assertion decides: of a clause its last word, behind its cues."""
    if mention.source not in SIMILARITY:
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
