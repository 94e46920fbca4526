"""The commands of ``icd-agent eval``."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval.metrics import DEFAULT_RESAMPLES
from eval.score import ScoreReport, score_files

if TYPE_CHECKING:
    from rich.table import Table


@click.group(name="eval")
def eval_group() -> None:
    """Measure predictions."""


@eval_group.command(name="score")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("pred", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as when piped.")
@click.option(
    "--bootstrap",
    "resamples",
    type=click.IntRange(min=0),
    default=DEFAULT_RESAMPLES,
    show_default=True,
    help="Resamples behind the 95 % interval of micro-F1; 0 leaves it out.",
)
def score(gold: Path, pred: Path, as_json: bool, resamples: int) -> None:
    """Score the predictions PRED against the reference codes GOLD.

    Both are JSONL files with "id" and "codes" on each line. Codes are compared after upper-casing
    and removing dots; a note without a prediction counts as predicted empty. Recall@k and MAP are
    those of "candidates" where a prediction has them, else of "codes" by confidence.
    """
    report = score_files(gold, pred, resamples=resamples)
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(report.to_json()))
        return
    from rich.console import Console

    Console().print(score_table(report))


def score_table(report: ScoreReport) -> "Table":
    """Lay out a report for a reader at a terminal: one row a figure, to four decimals."""
    from rich.table import Table

    table = Table("metric", title="Score")
    table.add_column("value", justify="right")
    for name, value in report.to_json().items():
        table.add_row(name, _shown(value))
    return table


def _shown(value: float | list[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(map(_shown, value))
    return str(value) if isinstance(value, int) else f"{value:.4f}"
