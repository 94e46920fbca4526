"""``icd-agent trace export``: traces for other programs."""

from pathlib import Path

import click

from agent.cli.options import json_option, report_written


@click.group()
def export() -> None:
    """Export traces to OpenTelemetry or Parquet."""


@export.command("otel")
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@json_option
def otel(paths: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Write traces as OpenTelemetry spans with OpenInference names.

    PATHS are trace files or folders of them. The file holds OTLP as JSON, one run a line, as the
    OpenTelemetry Collector reads it (otlpjsonfile). It holds the notes and every prompt.
    """
    from agent.trace.otel import write_otlp
    from agent.trace.reader import trace_files

    spans = write_otlp(trace_files(paths), out)
    report_written({"out": str(out), "spans": spans}, as_json)


@export.command("parquet")
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the tables.")
@json_option
def parquet(paths: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Write traces as Parquet tables, for pandas, DuckDB and the like.

    PATHS are trace files or folders of them. The tables hold no note and no prompt, but reasons,
    which quote the note.
    """
    from agent.trace.parquet import write_tables
    from agent.trace.reader import trace_files

    rows = write_tables(trace_files(paths), out)
    report_written({"out": str(out), **rows}, as_json)
