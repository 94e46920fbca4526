"""Functions of the desks as LangChain tools, and their errors in the words of a model.

A mistake comes back as the content of the tool message, so that the model can mend its call; a
defect of ours is raised.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ValidationError
from pydantic.v1 import ValidationError as ValidationErrorV1

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


def langchain_tools(functions: Iterable[Callable[..., BaseModel]]) -> list[BaseTool]:
    """Return functions of `Desk` and `NoteDesk` as tools; results are JSON objects."""
    return [_tool(function) for function in functions]


def advice(error: UserError) -> str:
    """Return what is wrong and how to mend it, commands put as calls of tools."""
    text = str(error)
    for command, call in _COMMANDS:
        text = command.sub(call, text)
    return text


def invalid_arguments(error: ValidationError | ValidationErrorV1) -> str:
    """Return which arguments are wrong, without the values, which may be those of a note."""
    problems = (
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    )
    return f"invalid arguments: {'; '.join(problems)}"


def _tool(function: Callable[..., BaseModel]) -> BaseTool:
    @functools.wraps(function)
    def run(*args: Any, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return function(*args, **arguments).model_dump(mode="json")
        except UserError as error:
            raise ToolException(advice(error)) from error

    return StructuredTool.from_function(
        func=run,
        name=function.__name__,
        description=inspect.getdoc(function),
        handle_tool_error=True,
        handle_validation_error=invalid_arguments,
    )
