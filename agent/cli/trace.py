"""``icd-agent trace``: read reasoning traces."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import json_option, machine_readable

if TYPE_CHECKING:
    from agent.trace.events import Event


@click.group("trace")
def trace_group() -> None:
    """Read reasoning traces."""


@trace_group.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--code", help="Only what concerns this code.")
@json_option
def show(path: Path, code: str | None, as_json: bool) -> None:
    """Show the events of one trace in order."""
    from agent.trace.reader import read_trace

    events = [e for e in read_trace(path) if code is None or _concerns(e, code.upper())]
    if machine_readable(as_json):
        import orjson

        click.echo(orjson.dumps({"events": [e.model_dump() for e in events]}).decode())
        return
    from rich.console import Console

    console = Console()
    for event in events:
        console.print(f"[dim]{event.at:8.3f}[/] [cyan]{event.event}[/]", end=" ")
        console.print(_line(event), markup=False)


def _concerns(event: "Event", code: str) -> bool:
    if event.event == "decision":
        return code in (event.code, event.replacement)
    if event.event == "llm_call":
        return event.purpose.endswith(f" {code}")
    if event.event == "tool_call":
        return any(code in finding.get("codes", ()) for finding in event.result)
    return False


def _line(event: "Event") -> str:
    return _LINES[event.event](event)


_LINES: dict[str, Callable[[Any], str]] = {
    "run_start": lambda e: f"{e.note_id}, policy {e.settings['policy']}, LLM {e.llm['spec']}",
    "node_start": lambda e: e.node,
    "node_end": lambda e: f"{e.node} after {e.seconds:.3f} s",
    "tool_call": lambda e: f"{e.tool}({', '.join(e.arguments['codes'])}) -> {len(e.result)} found",
    "llm_call": lambda e: f"{e.purpose}: {e.logprobs or e.response} in {e.seconds:.2f} s",
    "decision": lambda e: (
        f"{e.action} {e.code}" + (f" -> {e.replacement}" if e.replacement else "") + f": {e.reason}"
    ),
    "run_end": lambda e: f"{e.result.status}: {', '.join(c.code for c in e.result.codes)}",
}
