"""revise: mend what the rules found, one round at a time.

A mend comes from its finding: the edit of the codes that the rule proposes or, for a few rules,
what the words of the note give. What has no sound mend stays in the result for the coder.
"""

from agent.policy.ledger import Ledger
from agent.policy.mending import make, sound_mend
from agent.state import CoderContext, State


def needs_revision(state: State, context: CoderContext) -> bool:
    """Tell whether a finding can be mended and rounds are left.

    Under "mentions" nothing is mended: annotators of research data code every finding, rules or no
    rules, and the findings say what a US coder would have to change.
    """
    if context.policy == "mentions":
        return False
    if state.get("revisions", 0) >= context.settings.max_revisions:
        return False
    ledger, made = Ledger(state, context, "check"), state.get("mends", ())
    return any(sound_mend(finding, ledger, made) for finding in state["findings"])


def revise(state: State, context: CoderContext) -> State:
    """Make the sound mends of the findings, each on what the ones before have left."""
    ledger = Ledger(state, context, "check")
    made = list(state.get("mends", ()))
    for finding in state["findings"]:
        mend = sound_mend(finding, ledger, made)
        if mend:
            make(mend, finding, ledger)
            made.append(mend)
    revisions = state.get("revisions", 0) + 1
    return {"proposals": ledger.proposals, "mends": made, "revisions": revisions}
