"""``icd-agent model``: which language models there are, and getting them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import json_option, machine_readable

if TYPE_CHECKING:
    from agent.llm.catalogue import ModelEntry


@click.group()
def model() -> None:
    """List and fetch language models."""


@model.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List the models that can be fetched, and whether they are here."""
    from agent.llm.catalogue import catalogue

    rows = [_row(entry) for entry in catalogue().models]
    if machine_readable(as_json):
        _print_json({"builtin": catalogue().builtin, "models": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "licence", "size", "present", "memory needed", "what it is")
    for row in rows:
        table.add_row(
            row["id"],
            row["licence"],
            f"{row['size'] / 1e9:.2f} GB",
            "yes" if row["present"] else "no",
            f"{row['memory_mb'] / 1000:.1f} GB",
            row["description"],
        )
    Console().print(table)


@model.command()
@click.argument("name", default="builtin")
@click.option("--force", is_flag=True, help="Fetch anew even if it is here.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Copy this file instead of downloading, for machines without a network.",
)
@json_option
def fetch(name: str, force: bool, source: Path | None, as_json: bool) -> None:
    """Get a model into the cache and verify its hash; a fetch that was stopped goes on.

    NAME is an id of `icd-agent model list`; default: the built-in one.
    """
    from agent.llm.catalogue import model_entry
    from agent.llm.fetch import is_present

    entry = model_entry(name)
    present = not force and is_present(entry)
    path = entry.path if present else _fetch_with_bar(entry, force, source)
    if machine_readable(as_json):
        status = "already present" if present else "fetched"
        _print_json({**_row(entry), "status": status, "path": str(path), "sha256": entry.sha256})
    else:
        click.echo(f"{entry.id} is {'already ' if present else ''}here, verified: {path}")


def _fetch_with_bar(entry: "ModelEntry", force: bool, source: Path | None) -> Path:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from agent.llm.fetch import fetch_model

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=entry.size)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        return fetch_model(entry, show, force=force, source=source)


def _row(entry: "ModelEntry") -> dict[str, Any]:
    from agent.llm.fetch import is_present

    shown = {"id", "title", "description", "licence", "size", "memory_mb", "context_tokens"}
    return {**entry.model_dump(include=shown), "present": is_present(entry)}


def _print_json(report: dict[str, Any]) -> None:
    import orjson

    click.echo(orjson.dumps(report).decode())
