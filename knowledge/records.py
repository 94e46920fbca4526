"""JSONL files of identified records: what data sets, gold codes and predictions have in common."""

import json
from collections.abc import Iterator
from pathlib import Path

from knowledge.errors import UserError
from knowledge.jsonl import JsonLine, line_error, read_jsonl


def read_records(path: Path) -> Iterator[JsonLine]:
    """Yield the objects of a JSONL file, each with an ``id`` of its own.

    Raises:
        UserError: Whatever `knowledge.jsonl.read_jsonl` objects to, a missing or repeated ``id``,
            or a file without any object.
    """
    first_line: dict[str, int] = {}
    for line in read_jsonl(path):
        identifier = _identifier(path, line)
        if identifier in first_line:
            problem = f'the id "{identifier}" was used before, on line {first_line[identifier]}.'
            raise line_error(path, line.line_number, problem, fix="give every note its own id.")
        first_line[identifier] = line.line_number
        yield line
    if not first_line:
        raise UserError(
            f"{path} holds no notes.", fix="give a JSONL file with one JSON object a line."
        )


def _identifier(path: Path, line: JsonLine) -> str:
    identifier = line.value.get("id")
    if not isinstance(identifier, str) or not identifier:
        found = "is missing" if "id" not in line.value else f"is {json.dumps(identifier)}"
        problem = f'"id" {found}; a non-empty string is needed.'
        raise line_error(path, line.line_number, problem, fix="give every note its own id.")
    return identifier
