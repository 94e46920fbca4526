"""How the commands of ``icd-agent eval`` print what they measured."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_figures(
    figures: dict[str, Any], table: "Callable[[], RenderableType]", as_json: bool
) -> None:
    """Print a report as one JSON object, or as a table where a person reads it."""
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(figures))
        return
    from rich.console import Console

    Console().print(table())
