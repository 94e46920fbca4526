"""Trains the ranker on features that no note helped to make for itself.

A learned generator knows its own training notes by heart. So the notes are dealt into folds; for
each fold the generators learn from the other folds and their voices on this one become features.
Confidence, threshold and figures come from a second round over the same folds: trees that score a
note have not seen it (stacked generalisation, D. H. Wolpert 1992).

Some candidates stand among the rows a second time, with all that was learned of their codes hidden:
so the trees also learn how far titles and synonyms are to be trusted where nothing else is known.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexes.ranker.features import FeatureTable
from indexes.ranker.model import RankerCard, calibrate
from indexes.ranker.priors import CodePriors
from indexes.ranker.trees import lightgbm
from indexes.thresholds import Threshold, best_threshold

if TYPE_CHECKING:
    from lightgbm import Booster

_PACKAGES = ("lightgbm", "scikit-learn")
_ROUNDS = 350
_PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "lambda_l2": 5.0,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class NoteFeatures(NamedTuple):
    """The candidates of one training note.

    Attributes:
        fold: The fold of the note.
        codes: The candidates.
        values: Their features, shape (codes, features).
        gold: The reference codes of the note.
        hidden: Some of the candidates again, without what was learned of their codes; trees learn
            from them, calibration and threshold do not.
    """

    fold: int
    codes: Sequence[str]
    values: NDArray[np.float32]
    gold: frozenset[str]
    hidden: FeatureTable | None = None


class Stacked(NamedTuple):
    """A trained ranker and what it says of its training notes without having seen them.

    Attributes:
        booster: Trees fitted on all notes.
        card: Calibration and threshold.
        scores: For each note the calibrated confidence of each candidate, out-of-fold.
    """

    booster: "Booster"
    card: RankerCard
    scores: list[dict[str, float]]

    def predictions(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield what the ranker says of each training note as predictions that eval reads.

        Args:
            ids: Ids of the training notes.
        """
        for note, scores in zip(ids, self.scores, strict=True):
            ranked = sorted(scores, key=lambda code: (-scores[code], code))
            assigned = [code for code in ranked if scores[code] >= self.card.threshold]
            yield {
                "id": note,
                "codes": [{"code": code, "confidence": scores[code]} for code in assigned],
                "candidates": [{"code": code, "score": scores[code]} for code in ranked],
            }


def train_ranker(
    notes: Sequence[NoteFeatures],
    names: Sequence[str],
    priors: CodePriors,
    data_sha256: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    passed_over: Set[str] = frozenset(),
) -> Stacked:
    """Fit trees, calibration and threshold.

    Args:
        notes: The training notes, features built inside their fold.
        names: Names of the features.
        priors: Counts of codes in all training notes, for coding new ones.
        data_sha256: Identifies the training data.
        progress: Told fits done and fits in all.
        passed_over: Codes that are neither right nor wrong: nothing is fitted to them, though their
            candidates have a confidence.
    """
    fold_numbers = sorted({note.fold for note in notes})
    raw: list[NDArray[np.float64]] = [np.empty(0)] * len(notes)
    for done, fold in enumerate(fold_numbers):
        progress(done, len(fold_numbers) + 1)
        booster = _fit([note for note in notes if note.fold != fold], names, passed_over)
        for position, note in enumerate(notes):
            if note.fold == fold:
                raw[position] = _raw_scores(booster, note)
    progress(len(fold_numbers), len(fold_numbers) + 1)
    judged = np.array([code not in passed_over for note in notes for code in note.codes])
    slope, intercept = _fit_calibration(np.concatenate(raw)[judged], _targets(notes)[judged])
    scores = [
        dict(zip(note.codes, calibrate(found, slope, intercept).tolist(), strict=True))
        for note, found in zip(notes, raw, strict=True)
    ]
    threshold = best_threshold(
        [{c: s for c, s in found.items() if c not in passed_over} for found in scores],
        [note.gold - passed_over for note in notes],
    )
    card = _card(names, (slope, intercept), threshold, priors, data_sha256)
    return Stacked(_fit(notes, names, passed_over), card, scores)


def _fit(notes: Sequence[NoteFeatures], names: Sequence[str], passed_over: Set[str]) -> "Booster":
    library = lightgbm()
    hidden = [
        NoteFeatures(note.fold, *note.hidden, note.gold)
        for note in notes
        if note.hidden is not None
    ]
    rows = [*notes, *hidden]
    used = np.array([code not in passed_over for note in rows for code in note.codes])
    values = np.concatenate([note.values for note in rows])[used]
    data = library.Dataset(
        values, _targets(rows)[used], feature_name=list(names), params=_PARAMETERS
    )
    booster: Booster = library.train(_PARAMETERS, data, num_boost_round=_ROUNDS)
    return booster


def _raw_scores(booster: "Booster", note: NoteFeatures) -> NDArray[np.float64]:
    if not note.codes:
        return np.empty(0)
    return np.asarray(booster.predict(note.values, raw_score=True), dtype=np.float64)


def _targets(notes: Sequence[NoteFeatures]) -> NDArray[np.int8]:
    return np.array([code in note.gold for note in notes for code in note.codes], dtype=np.int8)


def _fit_calibration(raw: NDArray[np.float64], targets: NDArray[np.int8]) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of the truth on raw scores."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6).fit(raw[:, None], targets)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _card(
    names: Sequence[str],
    calibration: tuple[float, float],
    threshold: Threshold,
    priors: CodePriors,
    data_sha256: str,
) -> RankerCard:
    return RankerCard(
        features=tuple(names),
        slope=calibration[0],
        intercept=calibration[1],
        threshold=threshold.value,
        micro_f1=threshold.micro_f1,
        priors=priors.to_json(),
        data_sha256=data_sha256,
        packages={name: metadata.version(name) for name in _PACKAGES},
    )
