"""Writing JSONL files that are whole or not there."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from knowledge.errors import UserError


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line and return their number.

    The file appears only when it is whole: rows go to a neighbour that then takes its name.

    Raises:
        UserError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _write_whole(path, rows)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}).", fix="name a folder you may write to."
        ) from None


def _write_whole(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    written = 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            for row in rows:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return written
