"""The commands of ``icd-agent data``."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from agent.cli.purge import purge
from eval.datasets.codiesp import Split, find_splits, rows
from eval.datasets.mimic_cli import mdace, mimic3, mimic4
from eval.datasets.synthetic.cli import synthesise_group
from eval.datasets.us_notes_cli import us_notes
from eval.jsonl import write_jsonl


@click.group(name="data")
def data_group() -> None:
    """Build data sets; remove what conversations have stored."""


data_group.add_command(purge)


@data_group.group(name="prepare")
def prepare_group() -> None:
    """Turn a release, or the notes that come along, into JSONL files, one a split."""


for _command in (mimic3, mimic4, mdace, us_notes):
    prepare_group.add_command(_command)
data_group.add_command(synthesise_group)


@prepare_group.command(name="codiesp")
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("dst", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def codiesp(src: Path, dst: Path, as_json: bool) -> None:
    """Build DST/SPLIT.jsonl from the unpacked CodiEsp v4 release SRC, for every split in it.

    The evidence of each code is given as spans of the Spanish original and as the lines of the
    English translation that were aligned to them by sentence length.
    """
    summaries = _prepare(find_splits(src), dst)
    if as_json:
        click.echo(json.dumps({"data_set": "codiesp", "splits": summaries}))
        return
    for summary in summaries:
        click.echo(
            "{path}: {notes} notes, {codes} codes, {evidence} evidence spans".format(**summary)
        )


def _prepare(splits: list[Split], dst: Path) -> list[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    summaries = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for split in splits:
            task = progress.add_task(split.name, total=len(split.cases))
            summaries.append(_write_split(split, dst, partial(progress.advance, task)))
    return summaries


def _write_split(split: Split, dst: Path, advance: Callable[[], None]) -> dict[str, Any]:
    """Write one split and return what it holds."""
    path = dst / f"{split.name}.jsonl"

    def ticking() -> Iterator[dict[str, Any]]:
        for row in rows(split):
            yield row.to_json()
            advance()

    return {
        "split": split.name,
        "path": str(path),
        "notes": write_jsonl(path, ticking()),
        "codes": sum(map(len, split.diagnoses.values())),
        "procedure_codes": sum(map(len, split.procedures.values())),
        "evidence": sum(map(len, split.marks.values())),
    }
