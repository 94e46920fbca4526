"""``icd-agent eval accuracy``."""

from pathlib import Path

import click

from eval.printing import print_figures
from indexes.cli_output import json_option


@click.command(name="accuracy")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the predictions; what it holds is not made again, so take a new one after any "
    "change of the system.",
)
@click.option(
    "--llm-notes",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Notes coded with the built-in LLM too, for its gain; 0 leaves it out.",
)
@json_option
def accuracy(data: Path, out: Path, llm_notes: int, as_json: bool) -> None:
    """Measure every accuracy that the project has a target for, with 95 % intervals.

    DATA is a folder with train.jsonl and dev.jsonl of CodiEsp, both languages in each row. Nothing
    is chosen here: dev and the report half of the US-style notes only report.
    """
    from eval.accuracy import Bench, measure_accuracy
    from eval.datasets.us_notes import read_half
    from eval.tables import accuracy_table
    from indexes.cli_output import progress_bar

    train, reference = data / "train.jsonl", data / "dev.jsonl"
    us_notes = [note.row() for note in read_half("report")]
    bench = Bench(train, reference, us_notes, out, llm_notes, progress_bar)
    figures = list(measure_accuracy(bench))
    report = {"figures": [figure.to_json() for figure in figures]}
    print_figures(report, lambda: accuracy_table(figures), as_json)
