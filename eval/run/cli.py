"""``icd-agent eval run`` and ``eval report``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval.printing import print_figures
from indexes.cli_output import json_option

if TYPE_CHECKING:
    from rich.console import Group

PATH = click.Path(path_type=Path)


@click.command(name="run")
@click.argument("config", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the run; goes on with one there.")
@click.option("--only", multiple=True, metavar="SYSTEM", help="Code this system only; repeatable.")
@json_option
def run_command(config: Path, out: Path, only: tuple[str, ...], as_json: bool) -> None:
    """Code a data set with every system of CONFIG and work out all figures.

    CONFIG is a YAML file: docs/evaluation.md. Each system runs in a process of its own. A run that
    was stopped goes on with the notes that are left.
    """
    from eval.run.config import read_config
    from eval.run.runner import run

    figures = run(read_config(config), out, only)
    print_figures(figures, lambda: run_tables(figures), as_json)


@click.command(name="report")
@click.argument("run", type=PATH)
@click.option("--out", type=PATH, help="The HTML file; RUN/report.html if not given.")
@click.option(
    "--notes",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Notes shown with their evidence, those with the most errors first.",
)
@json_option
def report_command(run: Path, out: Path | None, notes: int, as_json: bool) -> None:
    """Write the report of a run as one HTML file that needs nothing else.

    It holds the texts of the notes that it shows: where the notes are confidential, so is it.
    """
    from eval.run.report import write_report

    path = write_report(run, out or run / "report.html", notes)
    click.echo(json.dumps({"report": str(path)}) if as_json else f"report in {path}")


def run_tables(figures: Mapping[str, Any]) -> "Group":
    """Lay out the figures of a run for a reader at a terminal."""
    from rich.console import Group
    from rich.table import Table

    from eval.run.columns import TABLES, rows_of

    tables = []
    for title, columns in TABLES.items():
        table = Table("system", title=f"{figures['name']}: {title.lower()}")
        for column in columns:
            table.add_column(column.title, justify="right")
        for name, cells in rows_of(figures, columns):
            table.add_row(name, *cells)
        tables.append(table)
    return Group(*tables)
