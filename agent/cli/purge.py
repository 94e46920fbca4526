"""``icd-agent data purge``: remove what conversations have stored."""

import click

from agent.chat.files import ChatFiles
from agent.chat.files import purge as purge_files
from agent.cli.options import json_option, machine_readable


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge(yes: bool, as_json: bool) -> None:
    """Remove the stored threads, decisions and history of `icd-agent chat`.

    Traces and results that you wrote elsewhere stay. It cannot be undone.
    """
    files = ChatFiles()
    there = [path for path in files.all if path.exists()]
    if there and not yes:
        question = f"Remove all conversations and decisions in {files.folder}?"
        click.confirm(question, abort=True, err=True)
    removed = [str(path) for path in purge_files(files)]
    if machine_readable(as_json):
        import orjson

        report = {"folder": str(files.folder), "removed": removed}
        click.echo(orjson.dumps(report).decode())
    elif removed:
        click.echo(f"removed {', '.join(removed)}")
    else:
        click.echo(f"nothing is stored in {files.folder}")
