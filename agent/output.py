"""The results file of ``icd-agent code --out``: one line a note, appended to, resumable.

A crash or a full disk can cut the last line short; opening the file to resume removes such a torn
line and the lines of failed notes, which are coded again. Every finished line stays.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from agent.result import Result
from knowledge.errors import UserError


class ResultsFile:
    """Appends results to a JSON-lines file.

    Args:
        path: The file.
        resume: Go on with a file that exists; ids in it that did not fail are in ``done``.

    Raises:
        UserError: The file exists and ``resume`` is false, or it is no results file.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self.done: frozenset[str] = frozenset()
        if path.exists() and path.stat().st_size:
            if not resume:
                raise UserError(
                    f"{path} exists already", fix="add --resume to go on, or name another file"
                )
            self.done = self._recover()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: no bytes that a full disk refused may linger and surface later.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise UserError(
                f"cannot write {path}: {error.strerror}", fix="name a writable file: --out FILE"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, result: Result) -> None:
        """Append one result and hand it to the operating system.

        Raises:
            UserError: The disk is full or the file went away; earlier results stay.
        """
        self._append(result.model_dump_json().encode("utf-8"))

    def write_row(self, row: Mapping[str, Any]) -> None:
        """Append the prediction of another system; it has an "id" and a "status" at least.

        Raises:
            UserError: As for `write`.
        """
        self._append(orjson.dumps(row))

    def _append(self, row: bytes) -> None:
        line = memoryview(row + b"\n")
        end = self._file.tell()
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            self._file.truncate(end)
            raise UserError(
                f"cannot write {self.path}: {error.strerror}; the results so far are kept",
                fix="free space, then run the same command with --resume",
            ) from error

    def _recover(self) -> frozenset[str]:
        """Return the ids of the finished notes; take failed and torn lines out of the file."""
        done: set[str] = set()
        kept_path = self.path.with_name(self.path.name + ".resume")
        dropped = False
        with self.path.open("rb") as old, kept_path.open("wb") as kept:
            for number, line in enumerate(old, 1):
                row = self._row(line, number) if line.endswith(b"\n") else None
                if row is None or row["status"] == "failed":
                    dropped = True
                else:
                    done.add(str(row["id"]))
                    kept.write(line)
        if dropped:
            kept_path.replace(self.path)
        else:
            kept_path.unlink()
        return frozenset(done)

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = orjson.loads(line)
            if isinstance(row, dict) and {"id", "status"} <= row.keys():
                return row
        except orjson.JSONDecodeError:
            pass
        raise UserError(
            f"{self.path}, line {number} is no result of icd-agent code",
            fix="name another file: --out FILE",
        )
