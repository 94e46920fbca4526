"""The trained ranker: LightGBM over the features of a candidate, calibrated, with a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from indexes.candidates import Candidate
from indexes.fusion import merge_candidates
from indexes.ranker.features import FeatureBuilder, Rankings
from indexes.ranker.priors import CodePriors
from indexes.ranker.trees import lightgbm
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError
from knowledge.note_text import Note

if TYPE_CHECKING:
    from lightgbm import Booster

Probabilities = NDArray[np.float64]


class LLMVoice(BaseModel):
    """How one LLM's answer changes a confidence: logistic regression on both log-odds.

    Attributes:
        model: The LLM whose answers this was fitted on.
        confidence_weight: Of the log-odds of the confidence.
        llm_weight: Of the log-odds of Yes.
        bias: Added to both.
        questions: Number of answers it was fitted on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    confidence_weight: float
    llm_weight: float
    bias: float
    questions: int


class RankerCard(BaseModel):
    """What a trained ranker is.

    Attributes:
        features: Names of its features, in order.
        slope: Of the logistic calibration of its log-odds, fitted out-of-fold.
        intercept: Of that calibration.
        threshold: Confidence from which a code is assigned, tuned out-of-fold.
        micro_f1: Micro-F1 at that threshold, out-of-fold.
        priors: Counts of codes in the training notes.
        llm: The voices of LLMs.
        data_sha256: Identifies the training data.
        packages: Versions of the packages that trained it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: tuple[str, ...]
    slope: float
    intercept: float
    threshold: float
    micro_f1: float
    priors: dict[str, object]
    llm: tuple[LLMVoice, ...] = ()
    data_sha256: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True)
class RankerFiles:
    """The files of a trained ranker in one folder."""

    folder: Path

    @property
    def trees(self) -> Path:
        """The trees in LightGBM's text format."""
        return self.folder / "ranker.txt"

    @property
    def card(self) -> Path:
        """Features, calibration, threshold."""
        return self.folder / "ranker.json"

    def read_card(self) -> RankerCard:
        """Read the card.

        Raises:
            UserError: It is missing or has another form.
        """
        try:
            return RankerCard.model_validate_json(self.card.read_bytes())
        except (OSError, ValidationError) as error:
            raise self.unusable(error) from error

    def write_card(self, card: RankerCard) -> None:
        """Write the card."""
        dumped = orjson.dumps(card.model_dump(), option=orjson.OPT_INDENT_2)
        self.card.write_bytes(dumped + b"\n")

    def unusable(self, error: Exception) -> UserError:
        """Return the error that says that the ranker cannot be read."""
        return UserError(
            f"The ranker in {self.folder} cannot be used ({type(error).__name__}).",
            fix=f"icd-agent train ranker DATA.jsonl --out {self.folder}",
        )


class Ranker:
    """Orders the candidates of a note by calibrated confidence.

    Args:
        booster: The trees.
        card: What belongs to them.
        system: The code system of the candidates.
    """

    def __init__(self, booster: "Booster", card: RankerCard, system: CodeSystem) -> None:
        self.card = card
        self._booster = booster
        priors = CodePriors.from_json(card.priors)
        self._builder = FeatureBuilder(system, priors, card.features)

    @classmethod
    def load(cls, folder: Path, system: CodeSystem) -> Self:
        """Load a ranker that `save` wrote.

        Raises:
            UserError: A file is missing or has another form.
        """
        files = RankerFiles(folder)
        card = files.read_card()
        try:
            booster = lightgbm().Booster(model_str=files.trees.read_text(encoding="utf-8"))
        except OSError as error:
            raise files.unusable(error) from error
        return cls(booster, card, system)

    def save(self, folder: Path) -> None:
        """Write the ranker into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        files = RankerFiles(folder)
        files.trees.write_text(self._booster.model_to_string(), encoding="utf-8")
        files.write_card(self.card)

    def rank(self, note: Note, rankings: Rankings) -> list[Candidate]:
        """Return the candidates of all generators, most believable first.

        The score of a candidate is the calibrated probability that a coder assigns the code.

        A generator that its training did not know is not heard: nothing tells what it is worth.

        Args:
            note: The note.
            rankings: What `indexes.ranker.pool.pool` returned for it.
        """
        table = self._builder.table(note, self._heard(rankings))
        if not table.codes:
            return []
        confidence = self.calibrated(self._booster.predict(table.values, raw_score=True))
        scores = dict(zip(table.codes, confidence.tolist(), strict=True))
        return merge_candidates(rankings, scores)

    def _heard(self, rankings: Rankings) -> Rankings:
        """Return the rankings of the generators that it was trained with."""
        known = {feature.partition(".")[0] for feature in self.card.features}
        return {name: ranking for name, ranking in rankings.items() if name in known}

    def calibrated(self, raw: Sequence[float] | Probabilities) -> Probabilities:
        """Return probabilities of raw scores (log-odds of the trees)."""
        return calibrate(np.asarray(raw), self.card.slope, self.card.intercept)

    def llm_voice(self, model: str) -> LLMVoice | None:
        """Return how to hear an LLM; None for one whose answers were never compared with codes."""
        return next((voice for voice in self.card.llm if voice.model == model), None)


def calibrate(raw: NDArray[np.float64], slope: float, intercept: float) -> Probabilities:
    """Return the logistic function of ``slope * raw + intercept`` (J. Platt 1999)."""
    probabilities: Probabilities = 1 / (1 + np.exp(-(slope * raw + intercept)))
    return probabilities
