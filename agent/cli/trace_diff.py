"""``icd-agent trace diff``: where two runs part."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import json_option, machine_readable

if TYPE_CHECKING:
    from agent.trace.diff import Difference, TraceDiff

_SHOWN = 12  # differences of one kind in a step; the others are counted


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@json_option
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Show where two runs part: setup, each step, result.

    Exit status 0: both took the same way to the same result; 1: they did not.
    """
    from agent.trace.diff import diff_traces
    from agent.trace.reader import read_trace

    found = diff_traces(read_trace(a), read_trace(b))
    if machine_readable(as_json):
        import orjson

        click.echo(orjson.dumps(_report(found, a, b)).decode())
    else:
        print_diff(found, str(a), str(b))
    sys.exit(0 if found.same else 1)


def _report(found: "TraceDiff", a: Path, b: Path) -> dict[str, Any]:
    first = found.steps[0] if found.steps else None
    return {
        "a": str(a),
        "b": str(b),
        "same": found.same,
        "parts_at": first and {"node": first.node, "visit": first.visit},
        "setup": [d._asdict() for d in found.setup],
        "steps": [
            {**step._asdict(), "differences": [d._asdict() for d in step.differences]}
            for step in found.steps
        ],
        "result": [d._asdict() for d in found.result],
    }


def print_diff(found: "TraceDiff", a: str, b: str, *, to_stderr: bool = False) -> None:
    """Print differences for a reader; ``a`` and ``b`` name the runs."""
    from rich.console import Console

    console = Console(stderr=to_stderr)

    def show(title: str, differences: "Sequence[Difference]") -> None:
        if differences:
            console.print(f"[bold]{title}[/]")
            for line in _lines(differences):
                console.print(f"  {line}", markup=False, highlight=False)

    console.print(f"- {a}\n+ {b}", markup=False, highlight=False)
    show("setup", found.setup)
    for number, step in enumerate(found.steps):
        again = f", visit {step.visit}" if step.visit > 1 else ""
        here = " (the runs part here)" if number == 0 else ""
        show(f"{step.node}{again}{here}", step.differences)
    show("result", found.result)
    if found.same:
        console.print("the same way to the same result")


def _lines(differences: "Sequence[Difference]") -> list[str]:
    lines = []
    for kind in dict.fromkeys(d.kind for d in differences):
        of_kind = [d for d in differences if d.kind == kind]
        lines += [f"{kind} {d.about}: {_said(d.a)} -> {_said(d.b)}" for d in of_kind[:_SHOWN]]
        if len(of_kind) > _SHOWN:
            lines.append(f"{kind}: {len(of_kind) - _SHOWN} more, see --json")
    return lines


def _said(value: Any) -> str:  # noqa: ANN401 (a JSON value)
    if value is None:
        return "not there"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return str(value)
