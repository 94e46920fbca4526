"""``icd-agent code``: assign codes to notes."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import coder_options, encounter_options, json_option, machine_readable
from knowledge.index_option import index_option
from knowledge.language import LANGUAGES

if TYPE_CHECKING:
    from agent.coder import Coder
    from agent.request import CodingRequest
    from agent.result import Result


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--out", type=click.Path(path_type=Path), help="Append results to this JSONL file.")
@click.option("--resume", is_flag=True, help="Go on with an --out file; skip notes done in it.")
@coder_options
@click.option("--code-system", type=click.Choice(["icd10cm"]), default="icd10cm", show_default=True)
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="Of the notes; found out if not given."
)
@encounter_options
@click.option(
    "--top-candidates", type=click.IntRange(min=0), help="Places of the ranking kept in results."
)
@click.option("--trace", "trace_dir", type=click.Path(path_type=Path), help="Folder for traces.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    help="YAML file of settings that differ from the default, for ablations: docs/traces.md.",
)
@index_option
@json_option
def code(paths: tuple[str, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Assign ICD codes to notes.

    PATH is a .txt file, a folder of them, a .jsonl file with {"id", "text"} a line (its own sex,
    age, date and setting win), or - for standard input.
    """
    from agent.coder import Coder, CoderOptions
    from agent.encounter import make_context
    from agent.inputs import read_requests
    from agent.settings import Settings
    from agent.settings_file import read_settings

    settings = read_settings(options["settings_file"]) if options["settings_file"] else Settings()
    context = make_context(
        {
            "setting": options["setting"],
            "sex": options["sex"].upper() if options["sex"] else None,
            "age": options["age"],
            "date": options["date"],
            "language": options["language"],
        },
        "command line",
    )
    requests = read_requests(paths, context)
    first = next(requests)  # input errors come before the seconds that loading takes
    coder = Coder(
        CoderOptions(
            llm=options["llm"],
            policy=options["policy"],
            code_system=options["code_system"],
            trace_dir=options["trace_dir"],
            index=options["index"],
            top_candidates=options["top_candidates"],
            settings=settings,
        )
    )
    everything = _chain(first, requests)
    if options["out"]:
        failed = _code_to_file(coder, everything, options["out"], options["resume"], as_json)
    else:
        failed = _code_to_screen(coder, everything, machine_readable(as_json))
    sys.exit(1 if failed else 0)


def _chain(first: "CodingRequest", rest: Iterable["CodingRequest"]) -> Iterable["CodingRequest"]:
    yield first
    yield from rest


def _code_to_screen(coder: "Coder", requests: Iterable["CodingRequest"], as_json: bool) -> int:
    """Print each result as it is finished; return how many notes failed."""
    from agent.coder import code_or_fail

    failed = 0
    for request in requests:
        if as_json:
            result = code_or_fail(coder, request)
            click.echo(result.model_dump_json())
        else:
            from agent.cli.view import print_result

            result = _with_status(coder, request)
            print_result(request.text, result)
        failed += result.status == "failed"
    return failed


def _with_status(coder: "Coder", request: "CodingRequest") -> "Result":
    from rich.console import Console

    from agent.coder import code_or_fail

    title = f"coding {request.id}"
    with Console(stderr=True).status(title) as status:
        return code_or_fail(coder, request, lambda node: status.update(f"{title}: {node} done"))


def _code_to_file(
    coder: "Coder",
    requests: Iterable["CodingRequest"],
    out: Path,
    resume: bool,
    as_json: bool,
) -> int:
    """Append results to a file under a progress bar; return how many notes failed."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from agent.coder import code_or_fail
    from agent.output import ResultsFile

    counts = {"ok": 0, "empty": 0, "failed": 0, "skipped": 0}
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        ResultsFile(out, resume=resume) as results,
        Progress(*columns, disable=not sys.stderr.isatty(), transient=True) as progress,
    ):
        task = progress.add_task("coding notes", total=None)
        for request in requests:
            if request.id in results.done:
                counts["skipped"] += 1
            else:
                result = code_or_fail(coder, request)
                results.write(result)
                counts[result.status] += 1
            progress.advance(task)
    _report(out, counts, as_json)
    return counts["failed"]


def _report(out: Path, counts: dict[str, int], as_json: bool) -> None:
    if as_json:
        import orjson

        click.echo(orjson.dumps({"out": str(out), **counts}).decode())
    else:
        listed = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
        click.echo(f"{out}: {listed or 'no notes'}", err=True)
