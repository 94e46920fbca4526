"""``icd-agent trace``: read reasoning traces. Here is the group with what reads one trace."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import json_option, machine_readable, report_written
from agent.cli.trace_diff import diff
from agent.cli.trace_export import export
from agent.cli.trace_replay import replay
from agent.cli.trace_stats import stats

if TYPE_CHECKING:
    from rich.table import Table

    from agent.trace.events import Decision, Event
    from agent.trace.policy import PolicyRow


@click.group("trace")
def trace_group() -> None:
    """Read, compare, replay, count and export reasoning traces."""


for command in (diff, replay, stats, export):
    trace_group.add_command(command)


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


@trace_group.command("policy")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def policy(path: Path, as_json: bool) -> None:
    """Show what the policy and the rules changed in one run, and why."""
    from agent.trace.events import RunEnd, RunStart
    from agent.trace.policy import policy_rows
    from agent.trace.reader import read_trace

    events = read_trace(path)
    rows = policy_rows(events)
    of_policy = next((e.settings["policy"] for e in events if isinstance(e, RunStart)), None)
    codes = next(([c.code for c in e.result.codes] for e in events if isinstance(e, RunEnd)), None)
    if machine_readable(as_json):
        import orjson

        report = {"policy": of_policy, "codes": codes, "changes": [r._asdict() for r in rows]}
        click.echo(orjson.dumps(report).decode())
        return
    from rich.console import Console

    console = Console()
    if rows:
        console.print(_policy_table(rows))
    console.print(f"policy {of_policy}: {len(rows)} decisions; codes: {', '.join(codes or [])}")


@trace_group.command("view")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The HTML file to write."
)
@json_option
def view(path: Path, out: Path, as_json: bool) -> None:
    """Write one trace as a web page of its own: no script, nothing loaded from elsewhere.

    The page holds the note and every prompt, so it is health data as the trace is.
    """
    from agent.trace.reader import read_trace
    from agent.trace.view import write_page

    write_page(read_trace(path), path, out)
    report_written({"out": str(out)}, as_json)


@trace_group.command("schema")
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of one line of a trace."""
    import orjson

    from agent.trace.schema import shipped_schema

    layout = 0 if as_json else orjson.OPT_INDENT_2
    click.echo(orjson.dumps(shipped_schema(), option=layout).decode())


def _policy_table(rows: "Sequence[PolicyRow]") -> "Table":
    from rich.table import Table

    table = Table("code", "action", "becomes", "why", "rule or entry", "card")
    for row in rows:
        where = row.card or row.citation or ""
        table.add_row(row.code, row.action, row.becomes or "", row.why, row.rule or "", where)
    return table


def _concerns(event: "Event", code: str) -> bool:
    if event.event == "decision":
        return code in (event.code, event.replacement)
    if event.event == "judgement":
        return code in event.codes
    if event.event == "llm_call":
        return code in event.purpose.split()
    if event.event == "tool_call":
        return any(code in finding.get("codes", ()) for finding in event.result)
    return False


def _line(event: "Event") -> str:
    return _LINES[event.event](event)


def _scores(event: "Decision") -> str:
    """Say what the decision was made from, as far as it was scored."""
    scored = [f"{o.action} {o.score:.2f}" for o in event.options if o.score is not None]
    return f" ({', '.join(scored)})" if scored else ""


_LINES: dict[str, Callable[[Any], str]] = {
    "run_start": lambda e: f"{e.note_id}, policy {e.settings['policy']}, LLM {e.llm['spec']}",
    "node_start": lambda e: e.node,
    "node_end": lambda e: f"{e.node} after {e.seconds:.3f} s",
    "tool_call": lambda e: f"{e.tool}({', '.join(e.arguments['codes'])}) -> {len(e.result)} found",
    "llm_call": lambda e: f"{e.purpose}: {e.logprobs or e.response} in {e.seconds:.2f} s",
    "decision": lambda e: (
        f"{e.action} {e.code}"
        + (f" -> {e.replacement}" if e.replacement else "")
        + _scores(e)
        + f": {e.reason}"
        + (f" [{e.citation}]" if e.citation else "")
    ),
    "judgement": lambda e: (
        f"{e.kind} {' '.join(e.codes)}: {e.answer}"
        + (" (nobody was asked)" if e.log_odds is None else f" (log-odds {e.log_odds:+.2f})")
        + f" [{e.citation}]"
    ),
    "run_end": lambda e: f"{e.result.status}: {', '.join(c.code for c in e.result.codes)}",
}
