"""The encounter of a note: validated as users give it, and as the rule engine wants it."""

import datetime
from typing import Any

from pydantic import ValidationError

from agent.result import ResultContext
from knowledge.errors import UserError
from knowledge.rules import EncounterContext


def make_context(values: dict[str, Any], where: str) -> ResultContext:
    """Validate an encounter context.

    Raises:
        UserError: A value is out of range or of the wrong kind; names it and ``where`` it stood.
    """
    try:
        context = ResultContext.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{where}: {field} is {first['input']!r}: {first['msg']}", fix=f"correct {field}"
        ) from error
    if context.date is not None:
        _check_date(context.date, where)
    return context


def _check_date(date: str, where: str) -> None:
    try:
        datetime.date.fromisoformat(date)
    except ValueError as error:
        raise UserError(
            f"{where}: date is {date!r}, not a calendar date YYYY-MM-DD", fix="correct date"
        ) from error


def encounter_context(context: ResultContext) -> EncounterContext:
    """Return the rule engine's view of an encounter."""
    date = datetime.date.fromisoformat(context.date) if context.date else None
    return EncounterContext(setting=context.setting, sex=context.sex, age=context.age, date=date)
