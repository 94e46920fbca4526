"""The commands of ``icd-agent data synthesise``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_MOST_ADMISSIONS = 1_000_000


def _common(command: F) -> F:
    for option in reversed(
        (
            click.argument("dst", type=click.Path(path_type=Path)),
            click.option(
                "--admissions",
                type=click.IntRange(1, _MOST_ADMISSIONS),
                default=100,
                show_default=True,
                help="Number of admissions.",
            ),
            click.option("--seed", type=int, default=13, show_default=True, help="Seed."),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        )
    ):
        command = option(command)
    return command


_notes_option = click.option(
    "--notes",
    type=click.IntRange(min=0),
    help="Rows of NOTEEVENTS; by default as many to an admission as in MIMIC-III.",
)


@click.group(name="synthesise")
def synthesise_group() -> None:
    """Write made-up releases in the form of real ones, to try the readers on.

    They hold nothing of MIMIC, and nothing about medicine can be learned from them.
    """


@synthesise_group.command(name="mimic3")
@_common
@_notes_option
def mimic3(dst: Path, admissions: int, notes: int | None, seed: int, as_json: bool) -> None:
    """Write the tables of a made-up MIMIC-III v1.4 to DST."""
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.synthetic.mimic3 import write_release

    with steps_on_terminal() as steps:
        paths = write_release(
            dst, admissions=admissions, notes=_notes(notes, admissions), seed=seed, steps=steps
        )
    _print("mimic3", paths, as_json)


@synthesise_group.command(name="mimic4")
@_common
@click.option(
    "--release",
    type=click.Choice(("2.2", "3.1")),
    default="2.2",
    show_default=True,
    help="Release of the tables; 3.1 has later patients, who have no notes.",
)
def mimic4(dst: Path, admissions: int, release: str, seed: int, as_json: bool) -> None:
    """Write the tables of a made-up MIMIC-IV to DST/mimiciv and its notes to DST/mimic-iv-note."""
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.synthetic.mimic4 import write_release

    with steps_on_terminal() as steps:
        paths = write_release(dst, admissions=admissions, seed=seed, release=release, steps=steps)
    _print("mimic4", paths, as_json)


@synthesise_group.command(name="mdace")
@_common
@_notes_option
def mdace(dst: Path, admissions: int, notes: int | None, seed: int, as_json: bool) -> None:
    """Write a made-up MDACE to DST/mdace and the MIMIC-III that it annotates to DST/mimiciii."""
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.synthetic.mdace import write_release

    with steps_on_terminal() as steps:
        paths = write_release(
            dst, admissions=admissions, notes=_notes(notes, admissions), seed=seed, steps=steps
        )
    _print("mdace", paths, as_json)


def _notes(notes: int | None, admissions: int) -> int:
    from eval.datasets.synthetic.mimic3 import REAL_ADMISSIONS, REAL_NOTES

    return admissions * REAL_NOTES // REAL_ADMISSIONS if notes is None else notes


def _print(data_set: str, paths: list[Path], as_json: bool) -> None:
    files = [{"path": str(path), "bytes": path.stat().st_size} for path in paths]
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps({"data_set": data_set, "synthetic": True, "files": files}))
        return
    for file in files:
        click.echo("{path}: {bytes} bytes".format(**file))
