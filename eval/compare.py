"""Compare files of predictions for the same reference: how far from a baseline, and how surely."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval.metrics import PAIRED_RESAMPLES, CodeSets
from eval.predictions import match_ids, read_gold, read_predictions
from eval.significance import (
    Difference,
    McNemar,
    System,
    difference,
    holm,
    mcnemar,
    metrics_of,
)
from knowledge.errors import UserError

_LEAST_NOTES = 2


class SystemComparison(NamedTuple):
    """One system beside the baseline.

    Attributes:
        path: Its predictions.
        notes_predicted: Notes of the reference that it has a prediction for.
        differences: By metric.
        p_holm: p-values of the metrics and of "mcnemar", adjusted for the number of systems.
        mcnemar: The test on single decisions.
    """

    path: Path
    notes_predicted: int
    differences: dict[str, Difference]
    p_holm: dict[str, float]
    mcnemar: McNemar

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        return {
            "predictions": str(self.path),
            "notes_predicted": self.notes_predicted,
            "metrics": {
                name: {
                    **found._asdict(),
                    "ci95": list(found.ci95),
                    "p_holm": self.p_holm[name],
                }
                for name, found in self.differences.items()
            },
            "mcnemar": {**self.mcnemar._asdict(), "p_holm": self.p_holm["mcnemar"]},
        }


class Comparison(NamedTuple):
    """Systems beside one baseline.

    Attributes:
        notes: Notes of the reference.
        baseline: The predictions that all others are compared with.
        resamples: Draws behind each interval and p-value.
        systems: The others, in the order given.
    """

    notes: int
    baseline: Path
    resamples: int
    systems: tuple[SystemComparison, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        return {
            "notes": self.notes,
            "baseline": str(self.baseline),
            "resamples": self.resamples,
            "systems": [system.to_json() for system in self.systems],
        }


def compare_files(
    gold_path: Path,
    baseline_path: Path,
    system_paths: Sequence[Path],
    *,
    resamples: int = PAIRED_RESAMPLES,
) -> Comparison:
    """Compare predictions with those of a baseline, over all notes of the reference.

    Args:
        gold_path: Reference, as for `eval.score.score_files`.
        baseline_path: Predictions of the baseline, as there.
        system_paths: Predictions of the other systems; p-values are adjusted for their number.
        resamples: Draws behind each interval and p-value.

    Raises:
        UserError: A file or line cannot be used, a file shares no id with the reference, or the
            reference has fewer than two notes.
    """
    gold = read_gold(gold_path)
    if len(gold) < _LEAST_NOTES:
        raise UserError(
            f"{gold_path} holds {len(gold)} note; a comparison draws notes and needs several.",
            fix="compare on the whole data set.",
        )
    baseline = _read_system(gold_path, gold, baseline_path)
    systems = {path: _read_system(gold_path, gold, path) for path in system_paths}
    metrics = metrics_of(gold)
    found = {
        path: {
            name: difference(metric, baseline, system, resamples=resamples)
            for name, metric in metrics.items()
        }
        for path, system in systems.items()
    }
    decisions = {
        path: mcnemar(gold, baseline.predicted, system.predicted)
        for path, system in systems.items()
    }
    raw = {
        **{
            name: {path: by_metric[name].p for path, by_metric in found.items()} for name in metrics
        },
        "mcnemar": {path: test.p for path, test in decisions.items()},
    }
    adjusted = {name: holm(p_values) for name, p_values in raw.items()}
    return Comparison(
        notes=len(gold),
        baseline=baseline_path,
        resamples=resamples,
        systems=tuple(
            SystemComparison(
                path=path,
                notes_predicted=len(system.predicted),
                differences=found[path],
                p_holm={name: p_values[path] for name, p_values in adjusted.items()},
                mcnemar=decisions[path],
            )
            for path, system in systems.items()
        ),
    )


def _read_system(gold_path: Path, gold: CodeSets, path: Path) -> System:
    predictions = read_predictions(path)
    shared = match_ids(gold_path, gold, path, predictions)
    return System(
        {note: frozenset(predictions[note].codes) for note in shared},
        {note: predictions[note].ranking for note in shared},
    )
