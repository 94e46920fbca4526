"""retrieve: every generator proposes candidates; the ranker or rank fusion puts them in order."""

from collections.abc import Sequence

from agent.state import CoderContext, State
from indexes.candidates import Candidate
from indexes.fusion import reciprocal_rank_fusion
from indexes.ranker.pool import pool
from indexes.specificity import complete
from knowledge.note_text import Note


def retrieve(state: State, context: CoderContext) -> State:
    """Rank the candidate codes of the note and hear PLM-ICD."""
    note = state["note"]
    candidates = _ranked(note, context) if context.ranker else _fused(note, context)
    opinion = context.plm.opinion(note) if context.plm else ()
    return {"candidates": candidates, "plm_icd": opinion}


def _ranked(note: Note, context: CoderContext) -> Sequence[Candidate]:
    """Return the candidates with calibrated confidences as scores."""
    assert context.ranker is not None
    rankings = pool(note, [*context.generators, *context.learned_generators], context.system)
    return context.ranker.rank(note, rankings)


def _fused(note: Note, context: CoderContext) -> Sequence[Candidate]:
    """Return the candidates of the untrained generators with fusion scores."""
    depth = context.settings.generator_depth
    rankings = {
        g.name: complete(g.candidates(note, depth), note, context.system)
        for g in context.generators
    }
    return reciprocal_rank_fusion(rankings)
