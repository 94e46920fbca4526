"""``icd-agent export``: results in the formats of other software."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from agent.cli.options import json_option
from knowledge.errors import UserError

if TYPE_CHECKING:
    from agent.result import Result

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def export() -> None:
    """Turn results of `icd-agent code` into other formats.

    Notes that failed are named on standard error and left out. Exit status: 0 all exported, 1 some
    notes had failed, 2 bad usage.
    """


def _file_options(function: F) -> F:
    """Add RESULTS, ``--out`` and ``--json``."""
    for option in (
        json_option,
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            help="Write to this new file; default: standard output.",
        ),
        click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS.jsonl"),
    ):
        function = option(function)
    return function


@export.command("fhir")
@_file_options
@click.option(
    "--patient",
    metavar="REFERENCE",
    help="Whose all notes of the file are: Patient/ID, VALUE or SYSTEM|VALUE of an identifier; "
    "default: an anonymous patient for each note.",
)
@click.option(
    "--extension-base",
    metavar="URL",
    help="Where your organisation defines the extensions; default: a placeholder.",
)
@click.option(
    "--validate", is_flag=True, help="Check each bundle against the models of fhir.resources."
)
def fhir(
    results: Path,
    out: Path | None,
    as_json: bool,
    patient: str | None,
    extension_base: str | None,
    validate: bool,
) -> None:
    """Write a FHIR R4 Bundle for each note, one a line."""
    from datetime import UTC, datetime

    import orjson

    from agent.export.fhir import FhirOptions, bundle, check_options
    from agent.export.fhir_validation import validate_bundle

    options = FhirOptions(patient)
    if extension_base is not None:
        options = options._replace(extension_base=extension_base)
    check_options(options)
    recorded = datetime.now(UTC)

    def line(result: "Result") -> str:
        made = bundle(result, recorded, options)
        if validate:
            validate_bundle(made)
        return orjson.dumps(made).decode() + "\n"

    _export(results, out, as_json, line)


@export.command("csv")
@_file_options
def csv(results: Path, out: Path | None, as_json: bool) -> None:
    """Write a row for each code, with a header."""
    from agent.export.csv import csv_rows, header

    _export(results, out, as_json, csv_rows, header())


def _export(
    results: Path,
    out: Path | None,
    as_json: bool,
    convert: "Callable[[Result], str]",
    head: str = "",
) -> None:
    """Convert all results that did not fail, report, and end with the exit status."""
    from agent.export.results import read_results

    if as_json and out is None:
        raise UserError("--json reports on a file that is written", fix="add --out FILE")
    exported, failed = 0, []
    with _target(out) as stream:
        stream.write(head)
        for _, result in read_results(results):
            if result.status == "failed":
                failed.append(result.id)
            else:
                stream.write(convert(result))
                exported += 1
    for note_id in failed:
        click.echo(f"icd-agent: {note_id} had failed and is left out", err=True)
    if as_json:
        import orjson

        report = {"out": str(out), "exported": exported, "failed": failed}
        click.echo(orjson.dumps(report).decode())
    elif out is not None:
        click.echo(f"{out}: {exported} exported, {len(failed)} left out", err=True)
    sys.exit(1 if failed else 0)


@contextmanager
def _target(out: Path | None) -> Iterator[TextIO]:
    """Open where to write; a file appears under its name once it is complete."""
    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    if out.exists():
        raise UserError(f"{out} exists already", fix="name another file: --out FILE")
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(out)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror}", fix="name a writable file: --out FILE"
        ) from error
    finally:
        part.unlink(missing_ok=True)
