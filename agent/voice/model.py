"""The weights of the voice: a logistic regression as data, with the card of how it was fitted."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.confidence import probability
from knowledge.errors import UserError
from knowledge.strict_yaml import read_yaml

_HEADER = """\
# The voice of the evidence under `guidelines`, written by `icd-agent train guideline-voice`. What
# the fields mean is in agent/voice/model.py, what the features mean in agent/voice/features.py.
"""
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
        gains = (self.weights.get(name, 0.0) * value for name, value in features.items())
        return probability(self.bias + sum(gains))

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
                fix=f"icd-agent train guideline-voice DATA.jsonl --out {path}",
            ) from error

    def write(self, path: Path) -> None:
        """Write the voice, strongest weights first."""
        card = self.model_dump()
        card["weights"] = dict(sorted(self.weights.items(), key=lambda item: -abs(item[1])))
        path.write_text(_HEADER + yaml.safe_dump(card, sort_keys=False), encoding="utf-8")


@cache
def bundled_voice() -> GuidelineVoice:
    """Return the voice that ships with the package."""
    return GuidelineVoice.read(WEIGHTS)
