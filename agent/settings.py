"""The agent's own numbers, in one place, each with its meaning and where it comes from."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Numbers that steer one run; recorded in every trace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator_depth: int = Field(
        default=300, ge=1, description="Candidates taken from each generator."
    )
    threshold: float = Field(
        default=0.5, ge=0, le=1, description="Confidence from which a candidate is accepted."
    )
    uncertain_low: float = Field(
        default=0.3, ge=0, le=1, description="Below it the LLM is not asked about a candidate."
    )
    uncertain_high: float = Field(
        default=0.75, ge=0, le=1, description="Above it the LLM is not asked either."
    )
    llm_questions: int = Field(
        default=8, ge=0, description="Closed questions to the LLM for one note, at most."
    )
    llm_weight: float = Field(
        default=0.4,
        description="Weight of the built-in LLM's log-odds beside the evidence's own; chosen on "
        "118 questions about CodiEsp train notes, as is the bias.",
    )
    llm_bias: float = Field(
        default=1.0, description="Log-odds at which the LLM is undecided: it says yes too readily."
    )
    max_revisions: int = Field(default=3, ge=0, description="Rounds of check and revise, at most.")
