"""Writing JSONL files that are whole or not there."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from knowledge.errors import UserError


class JsonlWriter:
    """Writes one JSON object a line, and keeps count.

    Args:
        stream: Where the lines go.

    Attributes:
        rows: Number of objects written.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.rows = 0

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one object."""
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        self._stream.write(line)
        self._hash.update(line)
        self.rows += 1

    def flush(self) -> None:
        """Hand what has been written to the system, which then can no longer lack room for it."""
        self._stream.flush()

    @property
    def sha256(self) -> str:
        """SHA-256 of what has been written, in hexadecimal."""
        return self._hash.hexdigest()


@contextmanager
def open_whole(path: Path) -> Iterator[JsonlWriter]:
    """Open a JSONL file that appears only when the block has ended without an error.

    Until then rows go to a neighbour that then takes its name.

    Raises:
        UserError: The folder or the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as stream:
                yield JsonlWriter(stream)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}).", fix="name a folder you may write to."
        ) from None


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line and return their number.

    Raises:
        UserError: The folder or the file cannot be written.
    """
    with open_whole(path) as writer:
        for row in rows:
            writer.write(row)
    return writer.rows
