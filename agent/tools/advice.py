"""Errors in the words of a model."""

import re

from knowledge.errors import UserError

# A user is told of commands, a model of tools.
_COMMANDS = (
    (re.compile(r'icd-agent search "([^"]*)"'), r'search_codes(query="\1")'),
    (
        re.compile(r"icd-agent show (\S+) --system (\w+)"),
        r'show_code(code="\1", system="\2")',
    ),
    (re.compile(r"icd-agent show (\S+)"), r'show_code(code="\1")'),
    (re.compile(r"--from (\w+)"), r'source="\1"'),
)


def advice(error: UserError) -> str:
    """Return what is wrong and how to mend it, commands put as calls of tools."""
    text = str(error)
    for command, call in _COMMANDS:
        text = command.sub(call, text)
    return text
