"""All figures of a run: what each system reached, how it differs from the baseline, its cost."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.compare import compare_files
from eval.errors import find_errors
from eval.evidence import NothingToJudgeError, score_evidence
from eval.jsonl import write_jsonl
from eval.run.config import PredictionsSystem, RunConfig
from eval.run.cost import cost_of, read_prices
from eval.run.files import RunFiles
from eval.score import score_files
from eval.significance import holm
from knowledge.code_systems import get_icd10cm
from knowledge.dataset_row import read_rows
from knowledge.records import read_records


def figures_of(config: RunConfig, files: RunFiles) -> dict[str, Any]:
    """Return the figures of a run whose systems have been coded, ready for JSON.

    A system that coded the first notes only is scored on them, and compared with the baseline on
    them. p-values are adjusted for the number of systems of the run.

    Raises:
        UserError: A file of predictions or the table of prices cannot be used.
    """
    prices = read_prices(config.prices) if config.prices else None
    codes = get_icd10cm("icd10cm")
    differences = _differences(config, files)
    systems = {}
    for name, system in config.systems.items():
        reference, results = judged_notes(name, config, files), results_path(name, config, files)
        cost = cost_of(files, name, prices)
        systems[name] = {
            "system": system.model_dump(mode="json"),
            "score": score_files(reference, results, train_path=config.data.train).to_json(),
            "evidence": _evidence(reference, results),
            "against_baseline": differences.get(name),
            "cost": cost._asdict() if cost else None,
            "errors": find_errors(reference, results, codes).to_json(),
        }
    return {
        "name": config.name,
        "notes": sum(1 for _ in read_rows(files.reference)),
        "baseline": config.baseline,
        "currency": prices.currency if prices else None,
        "systems": systems,
    }


def results_path(name: str, config: RunConfig, files: RunFiles) -> Path:
    """Return where the predictions of a system stand."""
    system = config.systems[name]
    return system.path if isinstance(system, PredictionsSystem) else files.results(name)


def judged_notes(name: str, config: RunConfig, files: RunFiles) -> Path:
    """Return the reference of the notes that a system was to code; it is written if need be."""
    notes = getattr(config.systems[name], "notes", None)
    if notes is None:
        return files.reference
    path = files.first(notes)
    if not path.exists():
        rows = list(read_rows(files.reference))[:notes]
        write_jsonl(path, (row.to_json() for row in rows))
    return path


def _differences(config: RunConfig, files: RunFiles) -> dict[str, dict[str, Any]]:
    """Return how each system differs from the baseline, p-values adjusted for their number."""
    baseline = results_path(config.baseline, config, files)
    found: dict[str, dict[str, Any]] = {}
    raw: dict[str, dict[str, float]] = defaultdict(dict)
    for name in config.systems:
        if name == config.baseline:
            continue
        reference = judged_notes(name, config, files)
        results = results_path(name, config, files)
        report = compare_files(reference, baseline, [results]).systems[0].to_json()
        found[name] = {**report["metrics"], "mcnemar": report["mcnemar"]}
        for metric, values in found[name].items():
            raw[metric][name] = values["p"]
    for metric, p_values in raw.items():
        for name, adjusted in holm(p_values).items():
            found[name][metric]["p_holm"] = adjusted
    return found


def _evidence(reference: Path, results: Path) -> dict[str, Any] | None:
    """Return the figures of the evidence; None where nothing can be judged."""
    marked = any(row.evidence for row in read_rows(reference))
    given = any(_has_evidence(line.value) for line in read_records(results))
    if not (marked and given):
        return None
    try:
        return score_evidence(reference, results).to_json()
    except NothingToJudgeError:
        return None


def _has_evidence(prediction: Mapping[str, Any]) -> bool:
    codes = prediction.get("codes") or ()
    return any(isinstance(code, dict) and code.get("evidence") for code in codes)
