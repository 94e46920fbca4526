"""Errors in the words of those who cannot run our commands: a model, a client of the server."""

import re
from typing import NamedTuple

from knowledge.errors import UserError


class Wording(NamedTuple):
    r"""How calls are written; ``\1`` and ``\2`` stand for what a command is given.

    Attributes:
        search: Of a search for words.
        show_in: Of a look-up of a code in a code system.
        show: Of a look-up of a code.
        source: Of the code system that a code is mapped from.
    """

    search: str
    show_in: str
    show: str
    source: str


_COMMANDS = Wording(
    search=r'icd-agent search "([^"]*)"',
    show_in=r"icd-agent show (\S+) --system (\w+)",
    show=r"icd-agent show (\S+)",
    source=r"--from (\w+)",
)
_TOOLS = Wording(
    search=r'search_codes(query="\1")',
    show_in=r'show_code(code="\1", system="\2")',
    show=r'show_code(code="\1")',
    source=r'source="\1"',
)


def advice(error: UserError) -> str:
    """Return what is wrong and how to mend it, commands put as calls of tools."""
    return reworded(str(error), _TOOLS)


def reworded(text: str, wording: Wording) -> str:
    """Return a text whose commands are written as calls of another kind."""
    for command, call in zip(_COMMANDS, wording, strict=True):
        text = re.sub(command, call, text)
    return text
