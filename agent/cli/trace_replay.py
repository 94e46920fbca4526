"""``icd-agent trace replay``: a recorded run again, without its LLM."""

import sys
from pathlib import Path

import click

from agent.cli.options import json_option, machine_readable
from knowledge.index_option import index_option


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@index_option
@json_option
def replay(path: Path, index: Path | None, as_json: bool) -> None:
    """Run a recorded run again with the answers of its trace in place of the LLM.

    Prints the result. Exit status 0: it is the recorded one; 1: it is not, and stderr says where
    the runs part; 2: it cannot be run, such as when a prompt has changed.
    """
    from agent.cli.trace_diff import print_diff
    from agent.trace.replay import replay as run_again

    repeated = run_again(path, index)
    if machine_readable(as_json):
        click.echo(repeated.result.model_dump_json())
    else:
        from agent.cli.view import print_result
        from agent.trace.reader import read_trace, run_start

        print_result(run_start(read_trace(path), path).note, repeated.result)
    if repeated.diff.result:
        print_diff(repeated.diff, "recorded", "replayed", to_stderr=True)
        sys.exit(1)
    click.echo("the result is the recorded one", err=True)
