"""The weights of the voice: a logistic regression as data, with the card of how it was fitted."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.confidence import probability
from knowledge.errors import UserError
from knowledge.strict_yaml import read_yaml

WEIGHTS = Path(__file__).parent / "guideline_voice.yaml"


class GuidelineVoice(BaseModel):
    """How believable a candidate's evidence is under ``guidelines``.

    Attributes:
        bias: Log-odds of a candidate without any feature.
        weights: What one unit of a feature adds to the log-odds; others add nothing.
        threshold: Confidence from which a code is accepted.
        notes: Training notes.
        candidates: Candidates in them that the weights were fitted on.
        micro_f1: Of whole results on notes that the weights had not seen (cross-validation).
        calibration_error: Expected calibration error of candidates, out-of-fold.
        data_sha256: Identifies the training notes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bias: float
    weights: dict[str, float]
    threshold: float = Field(gt=0, lt=1)
    notes: int
    candidates: int
    micro_f1: float
    calibration_error: float
    data_sha256: str

    def confidence(self, features: Mapping[str, float]) -> float:
        """Return the belief in [0, 1] that a candidate with these features is to be coded."""
        return probability(self.bias + sum(self.weights.get(n, 0.0) * v for n, v in features.items()))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a voice.

        Raises:
            UserError: It is missing or has another form.
        """
        try:
            return cls.model_validate(read_yaml(path))
        except (OSError, ValidationError) as error:
            raise UserError(
                f"The voice in {path} cannot be used ({type(error).__name__}).",
                fix=f"icd-agent train guideline-voice NOTES --out {path}",
            ) from error


@cache
def bundled_voice() -> GuidelineVoice:
    """Return the voice that ships with the package."""
    return GuidelineVoice.read(WEIGHTS)
