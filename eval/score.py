"""Score a file of predictions against a file of reference codes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.calibration import expected_calibration_error
from eval.code_tree import CodeTree, Validity
from eval.hierarchy import hierarchical_scores
from eval.metrics import (
    DEFAULT_RESAMPLES,
    Metrics,
    MicroScores,
    evaluate,
)
from eval.predictions import match_ids, read_gold, read_predictions
from eval.ranking import RankingMetrics, ranking_metrics
from eval.slices import Slice, by_chapter, by_train_frequency
from knowledge.code_systems import CodeSystem, get_code_system


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The metrics and how well the two files fit together.

    Attributes:
        metrics: The figures over all notes of the reference.
        ranking: Areas under curves and precision of the ranked candidates.
        hierarchical: Scores that count a near miss in part.
        chapters: Scores of each chapter of the code system.
        frequencies: Scores by how often the training notes have the code; None without these.
        validity: Assigned codes that the release lacks or does not take, errors in every figure.
        notes_predicted: Notes of the reference that have a prediction.
        unknown_ids: Ids of predictions for notes the reference lacks, sorted; not scored.
        failed: Predictions with status "failed" among `notes_predicted`.
        calibration_error: Expected calibration error of the assigned codes; None where they have no
            confidence.
    """

    metrics: Metrics
    ranking: RankingMetrics
    hierarchical: MicroScores
    chapters: Mapping[str, Slice]
    frequencies: Mapping[str, Slice] | None
    validity: Validity
    notes_predicted: int
    unknown_ids: tuple[str, ...]
    failed: int
    calibration_error: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        metrics, ranking = self.metrics, self.ranking
        interval = metrics.micro_f1_ci95
        return {
            "notes": metrics.notes,
            "notes_predicted": self.notes_predicted,
            "unknown_ids": len(self.unknown_ids),
            "failed": self.failed,
            "micro_precision": metrics.micro.precision,
            "micro_recall": metrics.micro.recall,
            "micro_f1": metrics.micro.f1,
            "micro_f1_ci95": list(interval) if interval else None,
            "macro_f1_gold_codes": metrics.macro.gold_codes,
            "macro_f1_any_codes": metrics.macro.any_codes,
            "macro_f1_of_means": metrics.macro.of_means,
            "exact_match": metrics.exact_match,
            "category_micro_f1": metrics.category_micro_f1,
            "chapter_letter_micro_f1": metrics.chapter_letter_micro_f1,
            "hierarchical_precision": self.hierarchical.precision,
            "hierarchical_recall": self.hierarchical.recall,
            "hierarchical_f1": self.hierarchical.f1,
            "map": metrics.mean_average_precision,
            **{f"recall@{depth}": recall for depth, recall in metrics.recall_at.items()},
            **{f"precision@{depth}": value for depth, value in ranking.precision_at.items()},
            "r_precision": ranking.r_precision,
            "auprc_micro": ranking.auprc_micro,
            "auprc_macro": ranking.auprc_macro,
            "roc_auc_micro": ranking.roc_auc_micro,
            "roc_auc_macro": ranking.roc_auc_macro,
            "codes_per_note": metrics.codes_per_note,
            "expected_calibration_error": self.calibration_error,
            **asdict(self.validity),
            "by_chapter": _slices(self.chapters),
            "by_train_frequency": _slices(self.frequencies) if self.frequencies else None,
        }


def score_files(
    gold_path: Path,
    predictions_path: Path,
    *,
    system: CodeSystem | None = None,
    train_path: Path | None = None,
    resamples: int = DEFAULT_RESAMPLES,
) -> ScoreReport:
    """Compare predictions with reference codes, after upper-casing and removing dots.

    Args:
        gold_path: JSONL of ``{"id", "codes": [str, ...]}``.
        predictions_path: JSONL of ``{"id", "codes", "candidates"?, "status"?}``; an entry of
            ``codes`` and ``candidates`` is a code or ``{"code", "confidence" | "score"}``.
        system: The code system of both, for chapters, hierarchy and validity; by default the
            ICD-10-CM release at hand.
        train_path: JSONL of the training notes, for the scores by frequency.
        resamples: Bootstrap samples for the interval of micro-F1; 0 leaves it out.

    Raises:
        UserError: A file or line cannot be used, or the files share no id.
    """
    gold = read_gold(gold_path)
    predictions = read_predictions(predictions_path)
    shared = match_ids(gold_path, gold, predictions_path, predictions)
    assigned = {note: frozenset(predictions[note].codes) for note in shared}
    rankings = {note: predictions[note].ranking for note in shared}
    tree = CodeTree(system or get_code_system())
    training = read_gold(train_path).values() if train_path else None
    return ScoreReport(
        metrics=evaluate(gold, assigned, rankings, resamples=resamples),
        ranking=ranking_metrics(
            gold, {note: predictions[note].scores for note in shared}, rankings
        ),
        hierarchical=hierarchical_scores(gold, assigned, tree.ancestors),
        chapters=by_chapter(gold, assigned, tree.chapter),
        frequencies=by_train_frequency(gold, assigned, training) if training else None,
        validity=tree.validity(assigned.values()),
        notes_predicted=len(shared),
        unknown_ids=tuple(sorted(predictions.keys() - gold.keys())),
        failed=sum(predictions[note].failed for note in shared),
        calibration_error=expected_calibration_error(
            gold, {note: predictions[note].confidences for note in shared}
        ),
    )


def _slices(slices: Mapping[str, Slice]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "gold_codes": part.codes,
            "micro_precision": part.scores.precision,
            "micro_recall": part.scores.recall,
            "micro_f1": part.scores.f1,
        }
        for name, part in slices.items()
    }
