"""retrieve: every generator proposes candidates; reciprocal rank fusion joins them."""

from agent.state import CoderContext, State
from indexes.fusion import reciprocal_rank_fusion


def retrieve(state: State, context: CoderContext) -> State:
    """Rank the candidate codes of the note."""
    depth = context.settings.generator_depth
    rankings = {g.name: g.candidates(state["note"], depth) for g in context.generators}
    return {"candidates": reciprocal_rank_fusion(rankings)}
