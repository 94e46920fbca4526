"""``icd-agent chat``: a coder's conversation about a note."""

import io
import sys
from pathlib import Path
from typing import Any

import click

from agent.cli.options import coder_options, encounter_options, json_option, machine_readable
from knowledge.index_option import index_option


@click.command()
@click.argument("note", required=False, metavar="[NOTE]")
@click.option("--thread", help="Name of the thread to open; default: one for each note.")
@click.option("--no-store", is_flag=True, help="Keep nothing: no thread, no decisions, no history.")
@coder_options
@encounter_options
@click.option("--trace", "trace_dir", type=click.Path(path_type=Path), help="Folder for traces.")
@index_option
@json_option
def chat(note: str | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Code NOTE, a text file, and talk about its codes; without NOTE paste one.

    The same note, asked about again, goes on where you left. /help lists what you can say.
    """
    from agent.encounter import make_context
    from agent.inputs import read_note

    context = make_context(
        {
            "setting": options["setting"],
            "sex": options["sex"].upper() if options["sex"] else None,
            "age": options["age"],
            "date": options["date"],
        },
        "command line",
    )
    first = read_note(note, context) if note else None  # mistakes come before the loading

    from agent.chat.files import ChatFiles
    from agent.chat.screen import JsonScreen, RichScreen
    from agent.chat.session import Parts
    from agent.chat.store import ChatStore
    from agent.chat.terminal import History, Terminal
    from agent.coder import Coder, CoderOptions

    screen = JsonScreen() if machine_readable(as_json) else RichScreen()
    with screen.waiting("loading"):
        coder = Coder(
            CoderOptions(
                llm=options["llm"],
                policy=options["policy"],
                trace_dir=options["trace_dir"],
                index=options["index"],
            )
        )
    if isinstance(sys.stdin, io.TextIOWrapper):  # whatever the locale, notes are UTF-8
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    files = None if options["no_store"] else ChatFiles()
    with ChatStore.open(files) if files else ChatStore.in_memory() as store:
        history = History(files) if sys.stdin.isatty() else None
        Terminal(Parts(coder), store, screen, context, history).run(first, options["thread"])
