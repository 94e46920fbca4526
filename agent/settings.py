"""The agent's own numbers, in one place, each with its meaning and where it comes from."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Band(BaseModel):
    """Log-odds between which an LLM's answer decides nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    yes_from: float = Field(description="Log-odds of Yes from which the answer is taken as yes.")
    no_to: float = Field(description="Log-odds of Yes up to which the answer is taken as no.")

    def answer(self, log_odds: float) -> Literal["yes", "no", "undecided"]:
        """Return what an answer with these log-odds of Yes is taken as."""
        if log_odds >= self.yes_from:
            return "yes"
        return "no" if log_odds <= self.no_to else "undecided"


class Settings(BaseModel):
    """Numbers that steer one run; recorded in every trace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    withheld: tuple[str, ...] = Field(
        default=(),
        description="Candidate generators that are not asked, by name: for ablations. The ranker "
        "was trained with all of them and sees the others as silent.",
    )
    generator_depth: int = Field(
        default=300, ge=1, description="Candidates taken from each generator."
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Confidence from which a candidate is accepted; none given: that of the "
        "ranker, tuned out-of-fold, or 0.5 where the evidence alone decides.",
    )
    doubt: float = Field(
        default=1.1,
        ge=0,
        description="Distance from the threshold in log-odds within which the LLM is asked about a "
        "candidate; around 0.5 that is from 0.25 to 0.75.",
    )
    llm_questions: int = Field(
        default=8, ge=0, description="Closed questions to the LLM for one note, at most."
    )
    llm_weight: float = Field(
        default=0.4,
        description="Weight of the LLM's log-odds beside the evidence's own, where no voice was "
        "fitted for it; chosen on 118 questions about CodiEsp train notes, as is the bias.",
    )
    llm_bias: float = Field(
        default=1.0, description="Log-odds at which the LLM is undecided: it says yes too readily."
    )
    second_look_doubt: float = Field(
        default=1.5,
        ge=0,
        description="The same for the second look where PLM-ICD disagrees; wider, since a "
        "disagreement is a reason for doubt.",
    )
    second_look_questions: int = Field(
        default=3, ge=0, description="Questions of the second look for one note, at most."
    )
    max_revisions: int = Field(default=3, ge=0, description="Rounds of check and revise, at most.")
    max_judgements: int = Field(
        default=4, ge=0, description="Questions of judgement to the LLM for one note, at most."
    )
    integral_symptom: Band | None = Field(
        default=None,
        description="Where the LLM decides whether a symptom is integral to a disease; none: it is "
        "not asked, and the question goes to the coder. None, since the threshold of the built-in "
        "LLM does not hold in longer notes (24 argued questions: .96 right on their own, .50 "
        "behind a longer note).",
    )
    same_condition: Band | None = Field(
        default=None,
        description="Where it decides whether two passages speak of one condition; none, since the "
        "built-in LLM was no better than chance (24 argued questions: .67 right, .45-.84).",
    )
