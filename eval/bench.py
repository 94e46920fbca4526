"""Speed and memory beside their targets: ``make bench``.

Each figure is measured on this machine, on whole processes where a user would wait for one. The
notes are the three samples of the repository, or any data set: ``python -m eval.bench --notes F``.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from eval.plm_icd import Scores
    from knowledge.note_text import Note

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "notes"
_CHECKED_CODES = 30
_CHECKED_SETS = 1000
_MEGABYTE = 1e6


class Row(NamedTuple):
    """One measured figure; ``value`` and ``target`` in ``unit``, smaller is better unless said.

    Without a target it stands there to be compared with.
    """

    what: str
    value: float
    target: float | None
    unit: str
    at_least: bool = False

    def verdict(self) -> str:
        """Return value over target and whether the target is missed."""
        if self.target is None:
            return ""
        ratio = self.value / self.target
        missed = ratio < 1 if self.at_least else ratio > 1
        return f"{ratio:8.2f}{'  missed' if missed else ''}"


class ProcessCost(NamedTuple):
    """Wall time of a whole process in seconds and its peak memory in bytes."""

    seconds: float
    peak_bytes: float


# The child starts the command and reports its own children's peak, so that one measurement does
# not see the peak of an earlier one.
_MEASURE = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([time.perf_counter() - began, peak]))
"""


def run_command(*arguments: str) -> ProcessCost:
    """Run ``icd-agent`` with these arguments and return what the process cost."""
    command = [str(Path(sys.executable).with_name("icd-agent")), *arguments]
    output = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command], check=True, capture_output=True, text=True
    ).stdout
    return ProcessCost(*json.loads(output))


def _start_up() -> Iterator[Row]:
    times = [run_command("--help").seconds for _ in range(5)]
    yield Row("icd-agent --help", statistics.median(times), 0.5, "s")


def _without_llm(notes: Path) -> Iterator[Row]:
    run_command("show", "I10", "--json")  # a first run on a fresh machine parses the tabular list
    first = run_command("code", str(SAMPLES / "clinic_letter.txt"), "--llm", "none", "--json")
    yield Row("--llm none: command to first result", first.seconds, 6.0, "s")
    times = _seconds_per_note(notes, "none")
    yield Row(f"--llm none: median of {len(times)} notes", statistics.median(times), 0.5, "s")
    peak = run_command("code", str(notes), "--llm", "none", "--json").peak_bytes
    yield Row("--llm none: peak memory", peak / _MEGABYTE, 2000, "MB")


def _with_llm(notes: Path) -> Iterator[Row]:
    times = _seconds_per_note(notes, "builtin")
    yield Row(f"built-in LLM: median of {len(times)} notes", statistics.median(times), 20.0, "s")
    peak = run_command("code", str(SAMPLES / "clinic_letter.txt"), "--json").peak_bytes
    yield Row("built-in LLM: peak memory", peak / _MEGABYTE, 4000, "MB")


def _seconds_per_note(notes: Path, llm: str) -> list[float]:
    from agent.coder import Coder, CoderOptions
    from agent.inputs import read_requests
    from agent.result import ResultContext

    coder = Coder(CoderOptions(llm=llm))
    requests = list(read_requests([str(notes)], ResultContext()))
    coder.code(requests[0])  # warm: models and caches are loaded
    return [coder.code(request).usage.seconds for request in requests]


def _rules() -> Iterator[Row]:
    from knowledge.code_systems import get_code_system
    from knowledge.rules import CodedItem, EncounterContext, check

    system = get_code_system()
    billable = list(system.codes(billable_only=True))
    step = len(billable) // _CHECKED_CODES
    items = [CodedItem(code, "secondary") for code in billable[::step][:_CHECKED_CODES]]
    encounter = EncounterContext()
    check(items, encounter, system)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        check(items, encounter, system)
        times.append(time.perf_counter() - began)
    yield Row(f"check of {_CHECKED_CODES} codes, warm", 1000 * statistics.median(times), 50, "ms")
    draw = random.Random(0)
    sets = [
        [CodedItem(code) for code in draw.sample(billable, draw.randint(1, _CHECKED_CODES))]
        for _ in range(_CHECKED_SETS)
    ]
    began = time.perf_counter()
    for some in sets:
        check(some, encounter, system)
    yield Row(f"check of {_CHECKED_SETS} random code sets", time.perf_counter() - began, 10, "s")


def _web() -> Iterator[Row]:
    from eval.bench_web import web_times

    times = web_times(SAMPLES / "discharge_summary.txt")
    yield Row("page: note sent to first stage", times.first_stage, 1, "s")
    yield Row("page: decision with rule check", 1000 * times.decision, 150, "ms")


def _plm_icd(notes: Path, checkpoint: Path | None, data: Path | None) -> Iterator[Row]:
    """Compare the exported model with the float32 model in torch that it was made from."""
    from agent.inputs import read_requests
    from agent.result import ResultContext
    from eval.plm_icd import eager_scores, exported_scores, shipped_folder
    from indexes.plm_icd.files import PLMFiles
    from knowledge.note_text import Note

    folder = shipped_folder()
    card = PLMFiles(folder).read_card()
    models = {"eager float32": eager_scores(card, checkpoint), "export": exported_scores(folder)}
    parsed = [Note.parse(r.text) for r in read_requests([str(notes)], ResultContext())]
    rates = {name: _notes_per_second(scores, parsed) for name, scores in models.items()}
    for name, rate in rates.items():
        yield Row(f"PLM-ICD, {name}", rate, None, "notes/s")
    yield Row("PLM-ICD, export over eager", rates["export"] / rates["eager float32"], 3, "x", True)
    if checkpoint and data:
        f1 = {name: _micro_f1(scores, card.threshold, data) for name, scores in models.items()}
        for name, value in f1.items():
            yield Row(f"PLM-ICD, {name}: micro-F1", 100 * value, None, "%")
        loss = 100 * (f1["eager float32"] - f1["export"])
        yield Row("PLM-ICD, F1 lost by the export", loss, 0.5, "points")


def _notes_per_second(scores: "Callable[[Note], object]", notes: "Sequence[Note]") -> float:
    scores(notes[0])  # warm
    times = []
    for _ in range(5):
        began = time.perf_counter()
        for note in notes:
            scores(note)
        times.append(time.perf_counter() - began)
    return len(notes) / statistics.median(times)


def _micro_f1(scores: "Callable[[Note], Scores]", threshold: float, data: Path) -> float:
    from eval.jsonl import write_jsonl
    from eval.plm_icd import predictions
    from eval.score import score_files
    from knowledge.dataset_row import read_rows

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.jsonl"
        write_jsonl(path, predictions(read_rows(data), scores, threshold))
        return score_files(data, path, resamples=0).metrics.micro.f1


def _sizes() -> Iterator[Row]:
    from indexes.artefacts import Artefacts

    folder = Artefacts.bundled().directory
    sizes = {p.name: p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    faiss = sum(size for name, size in sizes.items() if name.endswith(".faiss"))
    yield Row("FAISS index", faiss / _MEGABYTE, 20, "MB")
    yield Row("shipped artefacts in all", sum(sizes.values()) / _MEGABYTE, 80, "MB")


@click.command()
@click.option("--notes", type=click.Path(path_type=Path, exists=True), default=SAMPLES)
@click.option("--llm/--no-llm", default=True, help="Measure the built-in LLM too.")
@click.option(
    "--plm-checkpoint",
    type=click.Path(path_type=Path, exists=True),
    help="Training checkpoint of the shipped PLM-ICD: with --data, what the export lost.",
)
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Notes with codes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(
    notes: Path, llm: bool, plm_checkpoint: Path | None, data: Path | None, as_json: bool
) -> None:
    """Measure speed, memory and size beside their targets."""
    parts: Sequence[Callable[[], Iterator[Row]]] = [
        _start_up,
        lambda: _without_llm(notes),
        *([lambda: _with_llm(notes)] if llm else []),
        lambda: _plm_icd(notes, plm_checkpoint, data),
        _rules,
        _web,
        _sizes,
    ]
    rows = [row for part in parts for row in part()]
    if as_json:
        click.echo(json.dumps({"rows": [row._asdict() for row in rows]}))
        return
    click.echo(f"{'figure':44} {'measured':>10} {'target':>10}            ratio")
    for row in rows:
        target = "" if row.target is None else f"{row.target:.2f}"
        click.echo(f"{row.what:44} {row.value:10.2f} {target:>10} {row.unit:7} {row.verdict()}")


if __name__ == "__main__":
    bench()
