"""A DuckDB database for the time of one command: tables larger than memory, joined on disk.

It lies in a hidden folder of the destination and nowhere else, since what it holds may be as
confidential as what the user keeps there, and goes when the command ends, however it ends.
"""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from eval.datasets.csv_table import Table, check_whole, find, literal, reading_error, scan
from eval.datasets.progress import Steps
from knowledge.errors import UserError

# DuckDB's own share; above it tables spill to disk. Buffers of the CSV reader come on top.
MEMORY_LIMIT = "1500MB"
_MOST_THREADS = 4
_POLL_SECONDS = 0.2
_ROWS_AT_ONCE = 256


class Workspace:
    """The database with the tables read so far.

    Args:
        connection: An open connection.
        steps: Where progress is shown.

    Attributes:
        sources: Path by name of the tables read.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, steps: Steps) -> None:
        self._connection = connection
        self.steps = steps
        self.sources: dict[str, str] = {}

    def load(self, table: Table, source: Path, query: str) -> None:
        """Read one table of a release.

        Args:
            table: The table.
            source: Folder of the release.
            query: ``CREATE TABLE ... FROM {table}``, the place of the file in braces.

        Raises:
            UserError: The file is missing, damaged or of another form.
        """
        path = find(table, source)
        expression = scan(table, path)
        with self.steps.step(f"{path.name}: checksum", path.stat().st_size) as advance:
            check_whole(path, advance)
        try:
            self._run_long(query.format(table=expression), path.name)
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            raise reading_error(path, str(error)) from None
        self.sources[table.name] = str(path)

    def execute(self, query: str, parameters: list[Any] | None = None) -> None:
        """Run a statement."""
        with _disk_and_memory_errors():
            self._connection.execute(query, parameters)

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """Append rows to a table."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            marks = ", ".join(["unnest(?)"] * len(columns))
            self.execute(f"INSERT INTO {table} SELECT {marks}", columns)

    def value(self, query: str) -> Any:  # noqa: ANN401 - whatever the query says
        """Return the one value of a query."""
        return self.row(query)[0]

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the one row of a query."""
        with _disk_and_memory_errors():
            found = self._connection.execute(query).fetchone()
        assert found is not None
        return found

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, a few at a time."""
        with _disk_and_memory_errors():
            cursor = self._connection.execute(query)
            while batch := cursor.fetchmany(_ROWS_AT_ONCE):
                yield from batch

    def arrays(self, query: str) -> dict[str, Any]:
        """Return the columns of a query as numpy arrays."""
        with _disk_and_memory_errors():
            columns: dict[str, Any] = self._connection.execute(query).fetchnumpy()
        return columns

    def _run_long(self, query: str, name: str) -> None:
        # The statement runs beside, so that progress is seen and Ctrl-C stops it.
        with (
            _disk_and_memory_errors(),
            self.steps.step(f"{name}: rows", 100) as advance,
            ThreadPoolExecutor(1) as pool,
        ):
            future = pool.submit(self._connection.execute, query)
            done = 0.0
            try:
                while True:
                    try:
                        future.result(_POLL_SECONDS)
                        return
                    except StillRunning:
                        percent = max(done, self._connection.query_progress())
                        advance(percent - done)
                        done = percent
            except KeyboardInterrupt:
                self._connection.interrupt()
                raise


@contextmanager
def open_workspace(destination: Path, steps: Steps) -> Iterator[Workspace]:
    """Open an empty database in a folder, which is made where it is missing.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".duckdb-", dir=destination)
    except OSError as error:
        raise UserError(
            f"{destination} cannot be written ({error.strerror}).",
            fix="name a folder you may write to.",
        ) from None
    with folder as path, duckdb.connect(Path(path, "work.duckdb")) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"SET threads = {min(_MOST_THREADS, os.cpu_count() or 1)}")
        connection.execute(f"SET temp_directory = {literal(str(Path(path, 'spill')))}")
        # The order of rows is always asked for; keeping that of the files costs memory.
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        yield Workspace(connection, steps)


@contextmanager
def _disk_and_memory_errors() -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise UserError(
            f"the tables cannot be joined: {str(error).splitlines()[0]}",
            fix="make room on the disk of the destination (up to twice the unpacked notes).",
        ) from None
