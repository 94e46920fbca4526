"""``icd-agent mcp``: the tools of a coder for programs that speak the Model Context Protocol."""

import logging
import sys
from pathlib import Path
from typing import Literal, cast

import click

from agent.cli.options import policy_option
from knowledge.errors import UserError
from knowledge.index_option import index_option

# An answer need not hold the whole ranking, which a model would have to read.
_TOP_CANDIDATES = 20


@click.command()
@click.option(
    "--llm",
    default="none",
    show_default=True,
    metavar="SPEC",
    help="LLM of code_note: none, builtin, gguf:FILE, openai:MODEL@URL or replay:TRACE.",
)
@policy_option("Policy of code_note: as a US coder, or every documented finding.")
@index_option
def mcp(llm: str, policy: str, index: Path | None) -> None:
    """Serve look-ups, rule checks and coding to an MCP client on standard input and output.

    The client starts this command by itself; docs/interop.md shows its configuration. Notes stay
    with this process and the client.
    """
    from agent.llm.registry import parse_spec

    parse_spec(llm)  # a typo should be seen now, not at the first note
    try:
        from agent.mcp_server import build_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UserError(
            "the MCP server needs the package mcp", fix="pip install 'icd-agent[mcp]'"
        ) from error
    from agent.coder import CoderOptions

    server = build_server(
        CoderOptions(
            llm=llm,
            policy=cast(Literal["guidelines", "mentions"], policy),
            index=index,
            top_candidates=_TOP_CANDIDATES,
        )
    )
    logging.disable(logging.WARNING)  # what libraries log beneath may quote a call
    if sys.stdin.isatty():
        click.echo("icd-agent: waiting for an MCP client on standard input; Ctrl-C ends", err=True)
    server.run("stdio")
