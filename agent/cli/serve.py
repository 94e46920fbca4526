"""``icd-agent serve``: the coder's page, and coding, look-ups and rule checks over HTTP."""

import os
from pathlib import Path
from typing import Literal, cast

import click

from agent.cli.options import json_option, machine_readable, policy_option
from knowledge.errors import UserError
from knowledge.index_option import index_option

# Places of the ranking in a result: enough to choose from, and a batch stays small.
_TOP_CANDIDATES = 20
_EXTRA = ("fastapi", "starlette", "uvicorn")


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to serve on; any but loopback needs ICD_AGENT_TOKEN in the environment.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--llm",
    default="none",
    show_default=True,
    metavar="SPEC",
    help="LLM of all notes: none, builtin, gguf:FILE, openai:MODEL@URL or replay:TRACE. No "
    "request changes it.",
)
@policy_option()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds for a note.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    help="Requests a minute of one client address.",
)
@click.option(
    "--no-store", is_flag=True, help="Keep the notes and decisions of the page in memory alone."
)
@index_option
@json_option
def serve(
    host: str,
    port: int,
    llm: str,
    policy: str,
    timeout: float,
    rate: int,
    no_store: bool,
    index: Path | None,
    as_json: bool,
) -> None:
    """Serve the coder's page and the HTTP interface until Ctrl-C or SIGTERM.

    Open the address in a browser: docs/web.md. Other programs of this machine send requests:
    docs/api.md. What the page is given is kept in the user's data folder, as by `icd-agent chat`;
    the log holds no words of notes.
    """
    from agent.llm.registry import parse_spec
    from agent.serve.limits import TOKEN_VARIABLE, Limits, access_of

    parse_spec(llm)
    access = access_of(host, os.environ.get(TOKEN_VARIABLE))
    try:
        from agent.serve.server import address_of, listen, run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise UserError(
            f"the server needs the package {error.name}", fix="pip install 'icd-agent[serve]'"
        ) from error
    with listen(host, port) as listening:  # a taken port shows before the seconds of loading
        from agent.chat.files import ChatFiles
        from agent.chat.store import ChatStore
        from agent.coder import Coder, CoderOptions
        from agent.serve.app import build_app

        store = ChatStore.in_memory() if no_store else ChatStore.open(ChatFiles())
        coder = Coder(
            CoderOptions(
                llm=llm,
                policy=cast(Literal["guidelines", "mentions"], policy),
                index=index,
            )
        )
        limits = Limits(note_seconds=timeout, requests_per_minute=rate, candidates=_TOP_CANDIDATES)
        _announce(address_of(listening), llm, policy, machine_readable(as_json))
        with store:
            run(build_app(coder, access, limits, store), listening)


def _announce(address: str, llm: str, policy: str, as_json: bool) -> None:
    if as_json:
        import orjson

        click.echo(orjson.dumps({"address": address, "llm": llm, "policy": policy}).decode())
    else:
        click.echo(f"icd-agent serves on {address} (LLM {llm}, policy {policy}); Ctrl-C ends")
