"""revise: mend what the rule tools found, one round at a time.

Each mend follows from its finding alone: of two codes that exclude each other the less believable
one goes, a code that needs more characters is completed, a duplicate is dropped. What has no safe
mend stays in the result as a finding for the coder.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.state import CoderContext, Proposal, State
from indexes.specificity import sentence_stems, specify
from knowledge.rules import Finding


def needs_revision(state: State, context: CoderContext) -> bool:
    """Tell whether an error-level finding can be mended and rounds are left.

    Under "mentions" nothing is mended: annotators of research data code every finding, rules or no
    rules, and the findings say what a US coder would have to change.
    """
    if context.policy == "mentions":
        return False
    rounds_left = state.get("revisions", 0) < context.settings.max_revisions
    return rounds_left and any(_mendable(f) for f in state["findings"])


def revise(state: State, context: CoderContext) -> State:
    """Mend the error-level findings that have a safe mend."""
    proposals = list(state["proposals"])
    for finding in filter(_mendable, state["findings"]):
        proposals = _MENDS[finding.rule](proposals, finding, state, context)
    return {"proposals": proposals, "revisions": state.get("revisions", 0) + 1}


def _mendable(finding: Finding) -> bool:
    return finding.severity == "error" and finding.rule in _MENDS


def _drop_weaker(
    proposals: list[Proposal], finding: Finding, state: State, context: CoderContext
) -> list[Proposal]:
    involved = [p for p in proposals if p.accepted and p.code in finding.codes]
    if len(involved) < 2:
        return proposals
    weakest = min(involved, key=lambda p: (p.confidence, p.code))
    return _change(
        proposals,
        weakest,
        replace(weakest, accepted=False, stage="check", reason=finding.message),
        finding,
        context,
    )


def _complete(
    proposals: list[Proposal], finding: Finding, state: State, context: CoderContext
) -> list[Proposal]:
    for proposal in [p for p in proposals if p.accepted and p.code in finding.codes]:
        words = sentence_stems(state["note"], proposal.evidence[0].start)
        code = specify(context.system, proposal.code, words)
        if code is None:
            continue
        completed = replace(
            proposal,
            code=code,
            stage="check",
            reason=f"{proposal.reason}; {proposal.code} completed to {code}",
        )
        proposals = _change(proposals, proposal, completed, finding, context)
    return proposals


def _change(
    proposals: Sequence[Proposal],
    old: Proposal,
    new: Proposal,
    finding: Finding,
    context: CoderContext,
) -> list[Proposal]:
    context.recorder.decision(
        old.code,
        "replace" if new.accepted else "reject",
        "check",
        new.reason,
        citation=finding.citation,
        replacement=new.code if new.code != old.code else None,
    )
    return [new if p is old else p for p in proposals]


_Mend = Callable[[list[Proposal], Finding, State, CoderContext], list[Proposal]]
_MENDS: dict[str, _Mend] = {
    "excludes1": _drop_weaker,
    "billable": _complete,
    "seventh_character": _complete,
}
