"""The entry point ``icd-agent``: registers commands by name and imports one when it is called.

Commands of every folder are named here as strings, so ``--help`` stays fast and no import goes
against the direction knowledge <- indexes <- agent <- eval.
"""

import importlib
import sys
from typing import NamedTuple

import click

from knowledge.errors import UserError


class _Lazy(NamedTuple):
    target: str
    help: str


COMMANDS = {
    "code": _Lazy("agent.cli.code:code", "Assign ICD codes to clinical notes."),
    "check": _Lazy("agent.cli.check:check", "Check a set of codes against the coding rules."),
    "chat": _Lazy("agent.cli.chat:chat", "Talk about a note's codes: ask why, decide, export."),
    "search": _Lazy("agent.cli.search:search", "Find codes and guideline cards by words."),
    "show": _Lazy("knowledge.cli:show", "Show a code, its notes and its place in the tree."),
    "map": _Lazy("knowledge.map_cli:map_command", "Map a code to another code system."),
    "export": _Lazy("agent.cli.export:export", "Turn results into FHIR or CSV."),
    "serve": _Lazy("agent.cli.serve:serve", "Serve coding and look-ups over HTTP."),
    "mcp": _Lazy("agent.cli.mcp:mcp", "Serve the tools to programs that speak MCP."),
    "trace": _Lazy("agent.cli.trace:trace_group", "Read reasoning traces."),
    "model": _Lazy("agent.cli.model:model", "List and fetch language models."),
    "index": _Lazy("indexes.cli:index", "Build the search indexes."),
    "train": _Lazy("agent.cli.train:train", "Train what learns from coded notes."),
    "data": _Lazy("eval.datasets.cli:data_group", "Prepare data sets."),
    "eval": _Lazy("eval.cli:eval_group", "Score predictions against a reference."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of a coder's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their one-line help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="icd-agent")
def cli() -> None:
    """Assign ICD codes to clinical notes, with evidence, reasons, rule checks and a trace.

    Notes stay on this machine unless you name a remote LLM yourself.
    """


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit status 2."""
    try:
        cli.main(standalone_mode=False)
    except UserError as error:
        click.echo(f"icd-agent: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Abort:
        click.echo("icd-agent: interrupted", err=True)
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has gone; that is no failure of ours.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
