"""The systems whose faithfulness is measured: what they cite, what they believe of a text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from eval.faithfulness import Belief, Cited
from knowledge.dataset_row import DatasetRow
from knowledge.note_text import Note, Span

if TYPE_CHECKING:
    from agent.result import Policy, Result

SystemName: TypeAlias = Literal["agent", "plm-icd"]
_EVERY_LABEL = 1_000_000


class FaithfulSystem(NamedTuple):
    """A system that cites evidence.

    Attributes:
        cited: The codes that it assigns to notes, with their evidence, note by note.
        belief: What it believes of a text.
    """

    cited: Iterator[Cited]
    belief: Belief


def agent_system(rows: Sequence[DatasetRow], policy: "Policy") -> FaithfulSystem:
    """Return the agent without LLM; its belief is the confidence of every candidate.

    Args:
        rows: The notes to judge by.
        policy: The coding policy.
    """
    from agent.coder import Coder, CoderOptions
    from agent.request import CodingRequest

    coder = Coder(CoderOptions(llm="none", policy=policy))

    def code(text: str) -> "Result":
        return coder.code(CodingRequest("note", text))

    def belief(text: str) -> Mapping[str, float]:
        return {c.code: c.score for c in code(text).candidates} if text.strip() else {}

    cited = (
        Cited(row.id, row.text, code_.code, tuple(Span(e.start, e.end) for e in code_.evidence))
        for row in rows
        for code_ in code(row.text).codes
    )
    return FaithfulSystem(cited, belief)


def plm_system(rows: Sequence[DatasetRow]) -> FaithfulSystem:
    """Return PLM-ICD alone; its belief is the probability of every label.

    Args:
        rows: The notes to judge by.
    """
    from eval.plm_icd import shipped_folder
    from indexes.plm_icd.predict import PLMPredictor

    predictor = PLMPredictor(shipped_folder())

    def belief(text: str) -> Mapping[str, float]:
        return predictor.scores(Note.parse(text), _EVERY_LABEL)

    cited = (
        Cited(row.id, row.text, code, (span,))
        for row in rows
        for code, probability, span in predictor.opinion(Note.parse(row.text))
        if probability >= predictor.threshold
    )
    return FaithfulSystem(cited, belief)
