"""finalise: the accepted proposals become the result of the contract."""

from collections.abc import Mapping

from agent.agreement import PLMReading, plm_reading
from agent.nodes.ordering import coding_order
from agent.result import AssignedCode, RankedCandidate, RejectedCode, Result, Usage
from agent.state import CoderContext, Proposal, State
from indexes.plm_icd.predict import NAME as PLM_ICD


def finalise(state: State, context: CoderContext) -> State:
    """Order the codes, name the principal diagnosis and write the result."""
    request, findings = state["request"], list(state["findings"])
    ordered = coding_order(state["proposals"], state["note"], context, state.get("mends", ()))
    reading = plm_reading(state, context)
    codes = [
        _assigned(proposal, position == 0, reading, state, context)
        for position, proposal in enumerate(ordered)
    ]
    result = Result(
        id=request.id,
        status="ok" if codes else "empty",
        context=request.context,
        code_system=context.system.name,
        release=context.system.release,
        policy=context.policy,
        codes=codes,
        rejected=_rejected(state),
        findings=findings,
        candidates=_ranking(state, context),
        plm_icd=reading.opinion(c.code for c in codes) if reading else None,
        usage=Usage(llm=context.llm_identity.spec),
    )
    return {"result": result}


def _assigned(
    proposal: Proposal,
    principal: bool,
    reading: PLMReading | None,
    state: State,
    context: CoderContext,
) -> AssignedCode:
    return AssignedCode(
        code=proposal.code,
        description=context.system.get(proposal.code).title,
        confidence=round(proposal.confidence, 4),
        role="principal" if principal else "secondary",
        evidence=list(proposal.evidence),
        assertion=proposal.assertion,
        reason=proposal.reason,
        guidelines=list(proposal.guidelines),
        sources=_sources(proposal, reading),
        findings=[n for n, f in enumerate(state["findings"]) if proposal.code in f.codes],
    )


def _sources(proposal: Proposal, reading: PLMReading | None) -> dict[str, float]:
    """Return the score by voice; PLM-ICD's is that of the code as reported."""
    sources = {name: score for name, score in proposal.sources.items() if name != PLM_ICD}
    # The policy may have replaced the code that PLM-ICD was first heard on.
    probability = reading.probability(proposal.code) if reading else None
    if probability is not None:
        sources[PLM_ICD] = probability
    return {name: round(score, 4) for name, score in sources.items()}


def _rejected(state: State) -> list[RejectedCode]:
    """List each code that was considered and is not assigned, in order of confidence."""
    assigned = {p.code for p in state["proposals"] if p.accepted}
    rejected: dict[str, RejectedCode] = {}
    for p in sorted(state["proposals"], key=lambda p: -p.confidence):
        if not p.accepted and p.code not in assigned:
            rejected.setdefault(p.code, RejectedCode(code=p.code, reason=p.reason, stage=p.stage))
    return list(rejected.values())


def _ranking(state: State, context: CoderContext) -> list[RankedCandidate]:
    """Rank all candidates: those the agent judged by its confidence, then the rest as retrieved."""
    ranking: dict[str, float] = {}
    for p in state["proposals"]:
        ranking[p.code] = max(p.confidence, ranking.get(p.code, 0.0))
    rest = [c for c in state["candidates"] if c.code not in ranking]
    if context.ranker:
        ranking.update({c.code: c.score for c in rest})
        return _in_order(ranking)
    floor = min(ranking.values(), default=1.0)
    best = max((c.score for c in rest), default=1.0)
    # Fusion scores keep their order below the least confidence.
    ranking.update({c.code: floor * 0.99 * c.score / best for c in rest})
    return _in_order(ranking)


def _in_order(ranking: Mapping[str, float]) -> list[RankedCandidate]:
    ordered = sorted(ranking.items(), key=lambda item: (-item[1], item[0]))
    return [RankedCandidate(code=code, score=round(score, 6)) for code, score in ordered]
