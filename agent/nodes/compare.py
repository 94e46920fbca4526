"""compare: where PLM-ICD disagrees and the agent is unsure, the LLM takes a second look.

Two kinds of disagreement are worth a question: a code that the agent accepted and PLM-ICD knows but
would not assign, and a code that PLM-ICD assigns and the agent did not accept. It comes before the
policy, so that what it changes passes policy and rules. The comparison that a result reports is
made of its final codes, by `agent.nodes.finalise`.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.agreement import PLMReading, plm_reading
from agent.evidence import evidence_at, last_word
from agent.hearing import (
    hear_llm,
    is_doubtful,
    is_reportable,
    is_worth_asking,
    most_doubtful,
    reopen,
    settle,
)
from agent.state import CoderContext, Proposal, SecondLook, State
from indexes.plm_icd.predict import NAME, Prediction
from knowledge.assertion import assertion_of


class _Disagreement(NamedTuple):
    """A proposal that PLM-ICD sees otherwise, and how."""

    proposal: Proposal
    why: str


def compare(state: State, context: CoderContext) -> State:
    """Ask the LLM about the most doubtful disagreements and decide on these codes again."""
    reading = plm_reading(state, context)
    asked = _questions(reading, state, context) if reading and context.llm else []
    if not reading or not asked:
        return {"second_look": []}
    note = state["note"]
    settled = settle(hear_llm(note, asked, context), note, context)
    changed = {p.code: p for p in settled}
    kept = [changed.pop(p.code, p) for p in state["proposals"]]
    return {
        "proposals": [*kept, *changed.values()],
        "second_look": _looks(asked, settled, reading, state),
    }


def _questions(reading: PLMReading, state: State, context: CoderContext) -> list[Proposal]:
    """Return what the LLM is asked about, reopened, most doubtful first."""
    reopened: dict[str, Proposal] = {}
    for proposal, why in _disagreements(reading, state):
        if _is_open(proposal, state, context):
            reopened.setdefault(proposal.code, reopen(proposal, why))
    return most_doubtful(reopened.values(), context.settings.second_look_questions, context)


def _looks(
    asked: Sequence[Proposal], settled: Sequence[Proposal], reading: PLMReading, state: State
) -> list[SecondLook]:
    accepted = {p.code for p in state["proposals"] if p.accepted}
    # An LLM that gave no usable answer about a code leaves it as it was.
    answered = {p.code: p for p in settled}
    looks = [(before, answered[before.code]) for before in asked if before.code in answered]
    return [
        SecondLook(
            code=after.code,
            plm_icd=reading.probability(after.code),
            confidence_before=before.confidence,
            confidence_after=after.confidence,
            accepted_before=after.code in accepted,
            accepted_after=after.accepted,
        )
        for before, after in looks
    ]


def _disagreements(reading: PLMReading, state: State) -> Iterator[_Disagreement]:
    accepted = [p for p in state["proposals"] if p.accepted]
    for proposal in accepted:
        if reading.knows(proposal.code) and not reading.assigns(proposal.code):
            given = reading.probability(proposal.code)
            least = f"not among its {len(state['plm_icd'])} likeliest"
            figure = least if given is None else f"{given:.2f}"
            yield _Disagreement(proposal, f"PLM-ICD disagrees and does not assign it ({figure})")
    for prediction in reading.assigned_beside(p.code for p in accepted):
        proposal = _rejected(prediction, reading, state) or _proposed(prediction, reading, state)
        why = f"PLM-ICD disagrees and assigns it ({prediction.probability:.2f})"
        yield _Disagreement(proposal, why)


def _rejected(prediction: Prediction, reading: PLMReading, state: State) -> Proposal | None:
    """Return the most believable proposal that says what PLM-ICD assigns; none is accepted."""
    same = [p for p in state["proposals"] if reading.says(prediction, p.code)]
    return max(same, key=lambda p: (p.confidence, p.code), default=None)


def _proposed(prediction: Prediction, reading: PLMReading, state: State) -> Proposal:
    """Make a proposal of a prediction; as a candidate it may have a score already."""
    note, code = state["note"], reading.completed(prediction)
    candidate = next((c for c in state["candidates"] if c.code == code), None)
    evidence = evidence_at(note, prediction.evidence)
    return Proposal(
        code=code,
        confidence=candidate.score if candidate else prediction.probability,
        assertion=assertion_of(note, last_word(note, prediction.evidence)).assertion,
        evidence=(evidence,),
        accepted=False,
        reason=f"PLM-ICD attends to {' '.join(evidence.text.split())!r}",
        sources=candidate.sources if candidate else {NAME: prediction.probability},
    )


def _is_open(proposal: Proposal, state: State, context: CoderContext) -> bool:
    """Tell whether the LLM may be asked: the agent is unsure, and it has not been asked yet."""
    return (
        is_doubtful(proposal, context.settings.second_look_doubt, context)
        and "llm" not in proposal.sources
        and is_reportable(proposal.code, context)
        and is_worth_asking(proposal, state["proposals"], context)
    )
