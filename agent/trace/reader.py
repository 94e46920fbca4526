"""Reads a trace file back into events."""

from pathlib import Path

from pydantic import ValidationError

from agent.trace.events import EVENT, Event
from knowledge.errors import UserError
from knowledge.jsonl import read_jsonl


def read_trace(path: Path) -> list[Event]:
    """Return the events of a trace in order.

    Raises:
        UserError: The file cannot be read or is no trace; names the line.
    """
    events = []
    for line in read_jsonl(path):
        try:
            events.append(EVENT.validate_python(line.value))
        except ValidationError as error:
            raise UserError(
                f"{path}, line {line.line_number} is no trace event: {error.errors()[0]['msg']}",
                fix="name a file written by icd-agent code --trace DIR",
            ) from error
    return events
