"""Functions of the desks as LangChain tools.

A mistake comes back as the content of the tool message, so that the model can mend its call; a
defect of ours is raised.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ValidationError

from agent.tools.advice import advice
from knowledge.errors import UserError

if TYPE_CHECKING:
    from pydantic.v1 import ValidationError as ValidationErrorV1


def langchain_tools(functions: Iterable[Callable[..., BaseModel]]) -> list[BaseTool]:
    """Return functions of `Desk` and `NoteDesk` as tools; results are JSON objects."""
    return [_tool(function) for function in functions]


def invalid_arguments(error: "ValidationError | ValidationErrorV1") -> str:
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
