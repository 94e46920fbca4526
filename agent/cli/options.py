"""Options that several commands share."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def encounter_options(function: F) -> F:
    """Add ``--setting``, ``--sex``, ``--age`` and ``--date``."""
    for option in (
        click.option("--date", metavar="YYYY-MM-DD", help="Date of the encounter."),
        click.option("--age", type=float, help="Age in years."),
        click.option("--sex", type=click.Choice(["M", "F"], case_sensitive=False)),
        click.option(
            "--setting",
            type=click.Choice(["inpatient", "outpatient"]),
            default="inpatient",
            show_default=True,
            help="Decides how uncertain diagnoses are coded.",
        ),
    ):
        function = option(function)
    return function


def policy_option(
    text: str = "guidelines: as a US coder; mentions: every documented finding.",
) -> Callable[[F], F]:
    """Return the decorator that adds ``--policy``, with its help text."""
    return click.option(
        "--policy",
        type=click.Choice(["guidelines", "mentions"]),
        default="guidelines",
        show_default=True,
        help=text,
    )


def coder_options(function: F) -> F:
    """Add ``--llm`` and ``--policy``."""
    for option in (
        policy_option(),
        click.option(
            "--llm",
            default="builtin",
            show_default=True,
            metavar="SPEC",
            help="builtin, none, gguf:FILE, openai:MODEL@URL or replay:TRACE.",
        ),
    ):
        function = option(function)
    return function


def machine_readable(as_json: bool) -> bool:
    """Tell whether to print JSON: asked for, or the output is no terminal."""
    return as_json or not sys.stdout.isatty()


def report_written(report: dict[str, Any], as_json: bool) -> None:
    """Print what a command has written: as JSON, else as one line on stderr."""
    if machine_readable(as_json):
        import orjson

        click.echo(orjson.dumps(report).decode())
    else:
        click.echo(", ".join(f"{name} {value}" for name, value in report.items()), err=True)
