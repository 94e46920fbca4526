"""Files of reference codes and of predictions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from eval.metrics import normalise
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
        scores: Score of each code of the ranking, in its order; 0 where none was given.
        confidences: Confidence of the assigned codes that have one between 0 and 1.
        failed: Whether the coder reported that it failed on this note.
    """

    codes: tuple[str, ...]
    ranking: tuple[str, ...]
    scores: Mapping[str, float]
    confidences: Mapping[str, float]
    failed: bool


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
    candidates = (
        _ranked(_entries(path, line, "candidates")) if line.value.get("candidates") else codes
    )
    confidences = {
        normalise(entry["code"]): entry["confidence"]
        for entry in line.value["codes"]
        if isinstance(entry, dict) and _is_probability(entry.get("confidence"))
    }
    return Prediction(
        codes=tuple(codes),
        ranking=tuple(candidates),
        scores=candidates,
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


def _ranked(entries: Iterator[tuple[str, float]]) -> dict[str, float]:
    """Return distinct codes with scores that fall; equal scores keep the order they came in."""
    ranked: dict[str, float] = {}
    for code, score in sorted(entries, key=lambda entry: -entry[1]):
        ranked.setdefault(code, score)
    return ranked
