"""``icd-agent trace stats``: what many runs have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import json_option, machine_readable

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 15  # rows of a long table on a terminal


@click.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
@json_option
def stats(paths: tuple[Path, ...], as_json: bool) -> None:
    """Count over many traces: tools, revisions, where codes entered, turned decisions, cost.

    PATHS are trace files or folders of them. A file that is no trace is listed and passed over.
    """
    from agent.trace.reader import trace_files
    from agent.trace.stats import TraceStats

    report = TraceStats().read(trace_files(paths)).report()
    if machine_readable(as_json):
        import orjson

        click.echo(orjson.dumps(report).decode())
    else:
        print_report(report)


def print_report(report: dict[str, Any]) -> None:
    """Print the report of `agent.trace.stats` for a reader."""
    from rich.console import Console

    console = Console()
    console.print(f"{report['traces']} traces, {report['finished']} of finished runs")
    for key in ("status", "policy", "llm", "releases", "versions"):
        console.print(f"{key}: {_listed(report[key])}", highlight=False)
    for bad in report["unreadable"]:
        console.print(f"passed over: {bad['problem']}", markup=False, highlight=False, style="red")
    for title, rows in (
        ("cost and codes of a finished run", report["per_run"]),
        ("nodes", report["nodes"]),
        ("questions to the LLM", report["questions"]),
        ("tools with findings", {k: v for k, v in report["tools"].items() if v["findings"]}),
        ("decisions", report["decisions"]),
        ("decisions that turn an earlier one", report["decisions_turned"]),
    ):
        if rows:
            _print_table(console, title, rows)
    for title, what, key in (
        ("rounds of revision", "runs", "revisions"),
        ("where the final codes entered", "codes", "codes_entered"),
        ("their place in the ranking", "codes", "codes_by_rank"),
        ("voices that speak for them", "codes", "codes_by_voice"),
    ):
        _print_table(console, title, {name: {what: n} for name, n in report[key].items()})
    rules = [(f"{r['node']}: {r['action']} {r['rule']}", r["decisions"]) for r in report["rules"]]
    _print_table(console, "rules and steps", {name: {"decisions": n} for name, n in rules[:_SHOWN]})
    if len(rules) > _SHOWN:
        console.print(f"{len(rules) - _SHOWN} more, see --json")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _print_table(console: "Console", title: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print rows of figures under a title; a row may lack a column of another."""
    from rich.table import Column, Table

    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    headers = (Column(name.replace("_", " "), justify="right") for name in columns)
    table = Table(Column("", no_wrap=True), *headers)
    for name, row in rows.items():
        table.add_row(name, *(f"{row.get(column, 0):,}" for column in columns))
    console.print(f"\n[bold]{title}[/]")
    console.print(table)
