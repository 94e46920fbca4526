"""retrieve: every generator proposes candidates; reciprocal rank fusion joins them."""

from agent.state import CoderContext, State
from indexes.fusion import reciprocal_rank_fusion
from indexes.specificity import complete


def retrieve(state: State, context: CoderContext) -> State:
    """Rank the candidate codes of the note."""
    note, depth = state["note"], context.settings.generator_depth
    rankings = {
        g.name: complete(g.candidates(note, depth), note, context.system)
        for g in context.generators
    }
    return {"candidates": reciprocal_rank_fusion(rankings)}
