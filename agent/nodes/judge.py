"""judge: what the rules leave open goes to the LLM, where it may decide, else to the coder."""

from agent.judgement import judge, voice
from agent.policy.ledger import Ledger
from agent.policy.open_pairs import OpenPair, open_pairs
from agent.state import CoderContext, Judged, State


def judge_open_pairs(state: State, context: CoderContext) -> State:
    """Judge the open pairs of the note and drop what an answer makes redundant.

    Under "mentions" nothing is open: every documented finding keeps its code.
    """
    if context.policy == "mentions":
        return {"judged": []}
    ledger = Ledger(state, context)
    pairs = open_pairs(ledger)
    judged = judge(pairs, state["note"], context)
    for pair, judgement in zip(pairs, judged, strict=True):
        if judgement.answer == "yes":
            ledger.reject(pair.first, _reason(pair, judgement), pair.authority)
    return {"proposals": ledger.proposals, "judged": judged}


def _reason(pair: OpenPair, judgement: Judged) -> str:
    if pair.kind == "integral_symptom":
        return f"integral to {pair.second.code}: {voice(judgement)} takes it as routine there"
    return f"the condition of {pair.second.code}: {voice(judgement)} takes both as one"
