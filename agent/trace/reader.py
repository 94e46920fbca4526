"""Reads a trace file back into events, of the present version whatever wrote it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.trace.events import EVENT, Event, RunStart
from agent.trace.versions import Upgrade
from knowledge.errors import UserError
from knowledge.jsonl import JsonLine, read_jsonl

_FIX = "name a file written by icd-agent code --trace DIR"


def read_trace(path: Path) -> list[Event]:
    """Return the events of a trace in order.

    Raises:
        UserError: The file cannot be read or is no trace; names the line.
    """
    events = []
    for line in _lines(path):
        try:
            events.append(EVENT.validate_python(line.value))
        except ValidationError as error:
            raise UserError(
                f"{path}, line {line.line_number} is no trace event: {error.errors()[0]['msg']}",
                fix=_FIX,
            ) from error
    return events


def read_raw(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a trace as JSON objects, without the time that validation takes.

    Raises:
        UserError: The file cannot be read or does not begin as a trace does.
    """
    lines = _lines(path)
    first = next(lines, None)
    if first is None or first.value.get("event") != "run_start":
        raise UserError(f"{path} is no trace: it does not begin with run_start", fix=_FIX)
    yield first.value
    yield from (line.value for line in lines)


def run_start(events: Iterable[Event], path: Path) -> RunStart:
    """Return the start of a run.

    Raises:
        UserError: The trace has none.
    """
    start = next((e for e in events if isinstance(e, RunStart)), None)
    if start is None:
        raise UserError(f"{path} is no trace: it has no run_start", fix=_FIX)
    return start


def trace_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield trace files as named, and those of named folders and their subfolders by name.

    Raises:
        UserError: There is nothing of a name.
    """
    for path in paths:
        if path.is_dir():
            found = (p for p in path.rglob("*.jsonl*") if p.suffix in (".jsonl", ".gz"))
            yield from sorted(found)
        elif path.exists():
            yield path
        else:
            raise UserError(f"{path}: no such file or folder", fix=_FIX)


def _lines(path: Path) -> Iterator[JsonLine]:
    upgrade = Upgrade()
    for line in read_jsonl(path):
        yield line._replace(value=upgrade(line.value))
