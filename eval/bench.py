"""Speed and memory beside their targets: ``make bench``.

Each figure is measured on this machine, on whole processes where a user would wait for one. The
notes are the three samples of the repository, or any data set: ``python -m eval.bench --notes F``.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "notes"
_CHECKED_CODES = 30
_MEGABYTE = 1e6


class Row(NamedTuple):
    """One measured figure; ``value`` and ``target`` in ``unit``, smaller is better."""

    what: str
    value: float
    target: float
    unit: str


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(notes: Path, llm: bool, as_json: bool) -> None:
    """Measure speed, memory and size beside their targets."""
    parts: Sequence[Callable[[], Iterator[Row]]] = [
        _start_up,
        lambda: _without_llm(notes),
        *([lambda: _with_llm(notes)] if llm else []),
        _rules,
        _sizes,
    ]
    rows = [row for part in parts for row in part()]
    if as_json:
        click.echo(json.dumps({"rows": [row._asdict() for row in rows]}))
        return
    click.echo(f"{'figure':44} {'measured':>10} {'target':>10}        ratio")
    for row in rows:
        ratio = row.value / row.target
        verdict = "" if ratio <= 1 else "  missed"
        click.echo(
            f"{row.what:44} {row.value:10.2f} {row.target:10.2f} {row.unit:4} {ratio:8.2f}{verdict}"
        )


if __name__ == "__main__":
    bench()
