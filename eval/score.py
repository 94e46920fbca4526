"""Score a file of predictions against a file of reference codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from eval.metrics import (
    DEFAULT_RESAMPLES,
    Metrics,
    evaluate,
    expected_calibration_error,
    normalise,
)
from knowledge.errors import UserError
from knowledge.jsonl import JsonLine, line_error
from knowledge.records import read_records

_GOLD_FIX = 'each line needs "codes": ["N17.9", ...].'
_PREDICTION_FIX = 'each line needs "codes": [{"code": "N17.9", "confidence": 0.93}, ...].'


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted for one note, in normalised codes.

    Attributes:
        codes: Distinct assigned codes, most confident first.
        ranking: Distinct candidates, best first; the assigned codes where none were given.
        confidences: Confidence of the assigned codes that have one between 0 and 1.
        failed: Whether the coder reported that it failed on this note.
    """

    codes: tuple[str, ...]
    ranking: tuple[str, ...]
    confidences: Mapping[str, float]
    failed: bool


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The metrics and how well the two files fit together.

    Attributes:
        metrics: The figures over all notes of the reference.
        notes_predicted: Notes of the reference that have a prediction.
        unknown_ids: Ids of predictions for notes the reference lacks, sorted; not scored.
        failed: Predictions with status "failed" among `notes_predicted`.
        calibration_error: Expected calibration error of the assigned codes; None where they have no
            confidence.
    """

    metrics: Metrics
    notes_predicted: int
    unknown_ids: tuple[str, ...]
    failed: int
    calibration_error: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        metrics = self.metrics
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
            "macro_f1_gold_codes": metrics.macro_f1_gold_codes,
            "category_micro_f1": metrics.category_micro_f1,
            "chapter_letter_micro_f1": metrics.chapter_letter_micro_f1,
            "map": metrics.mean_average_precision,
            **{f"recall@{depth}": recall for depth, recall in metrics.recall_at.items()},
            "codes_per_note": metrics.codes_per_note,
            "expected_calibration_error": self.calibration_error,
        }


def score_files(
    gold_path: Path, predictions_path: Path, *, resamples: int = DEFAULT_RESAMPLES
) -> ScoreReport:
    """Compare predictions with reference codes, after upper-casing and removing dots.

    Args:
        gold_path: JSONL of ``{"id", "codes": [str, ...]}``.
        predictions_path: JSONL of ``{"id", "codes", "candidates"?, "status"?}``; an entry of
            ``codes`` and ``candidates`` is a code or ``{"code", "confidence" | "score"}``.
        resamples: Bootstrap samples for the interval of micro-F1; 0 leaves it out.

    Raises:
        UserError: A file or line cannot be used, or the files share no id.
    """
    gold = read_gold(gold_path)
    predictions = read_predictions(predictions_path)
    shared = match_ids(gold_path, gold, predictions_path, predictions)
    return ScoreReport(
        metrics=evaluate(
            gold,
            {note: frozenset(predictions[note].codes) for note in shared},
            {note: predictions[note].ranking for note in shared},
            resamples=resamples,
        ),
        notes_predicted=len(shared),
        unknown_ids=tuple(sorted(predictions.keys() - gold.keys())),
        failed=sum(predictions[note].failed for note in shared),
        calibration_error=expected_calibration_error(
            gold, {note: predictions[note].confidences for note in shared}
        ),
    )


def match_ids(
    gold_path: Path,
    gold: Mapping[str, object],
    predictions_path: Path,
    predictions: Mapping[str, object],
) -> frozenset[str]:
    """Return the ids of the reference that have a prediction.

    Raises:
        UserError: There is none; the message shows an id of either file.
    """
    shared = gold.keys() & predictions.keys()
    if not shared:
        raise UserError(
            f"no id in {predictions_path} occurs in {gold_path} "
            f'(for example "{min(predictions)}" against "{min(gold)}").',
            fix="score predictions made for the notes of that reference.",
        )
    return frozenset(shared)


def read_gold(path: Path) -> dict[str, frozenset[str]]:
    """Read the normalised reference codes of a JSONL file by note id."""
    return {line.value["id"]: _gold_codes(path, line) for line in read_records(path)}


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Read the predictions of a JSONL file by note id."""
    return {line.value["id"]: _prediction(path, line) for line in read_records(path)}


def _gold_codes(path: Path, line: JsonLine) -> frozenset[str]:
    codes = set()
    for entry in _list(path, line, "codes", _GOLD_FIX):
        code = normalise(entry) if isinstance(entry, str) else ""
        if not code:
            raise line_error(
                path, line.line_number, f"{shortened(entry)} is not a code.", fix=_GOLD_FIX
            )
        codes.add(code)
    return frozenset(codes)


def _prediction(path: Path, line: JsonLine) -> Prediction:
    codes = _ranked(_entries(path, line, "codes"))
    confidences = {
        normalise(entry["code"]): entry["confidence"]
        for entry in line.value["codes"]
        if isinstance(entry, dict) and _is_probability(entry.get("confidence"))
    }
    has_candidates = bool(line.value.get("candidates"))
    return Prediction(
        codes=codes,
        ranking=_ranked(_entries(path, line, "candidates")) if has_candidates else codes,
        confidences=confidences,
        failed=line.value.get("status") == "failed",
    )


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _list(path: Path, line: JsonLine, key: str, fix: str) -> list[Any]:
    value = line.value.get(key)
    if not isinstance(value, list):
        found = "is missing" if key not in line.value else "is not a list"
        raise line_error(path, line.line_number, f'"{key}" {found}.', fix=fix)
    return value


def _entries(path: Path, line: JsonLine, key: str) -> Iterator[tuple[str, float]]:
    """Yield (normalised code, score) of a list of codes; a bare code scores 0."""
    for entry in _list(path, line, key, _PREDICTION_FIX):
        fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {"code": entry}
        raw = fields.get("code")
        code = normalise(raw) if isinstance(raw, str) else ""
        if not code:
            problem = f'{shortened(entry)} in "{key}" has no code.'
            raise line_error(path, line.line_number, problem, fix=_PREDICTION_FIX)
        score = fields.get("confidence") or fields.get("score") or 0
        if not isinstance(score, int | float):
            problem = f'{shortened(score)}, the score of {raw} in "{key}", is not a number.'
            raise line_error(path, line.line_number, problem, fix=_PREDICTION_FIX)
        yield code, float(score)


def _ranked(entries: Iterator[tuple[str, float]]) -> tuple[str, ...]:
    """Return distinct codes by falling score; equal scores keep the order they came in."""
    by_score = sorted(entries, key=lambda entry: -entry[1])
    return tuple(dict.fromkeys(code for code, _ in by_score))
