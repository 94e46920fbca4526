"""The CSV tables of MIMIC: where they lie, which columns they have, whether they are whole.

A table is named once, with the columns that are used and their types; everything else in the file
is passed over. All that can be wrong with a file is found here, before or while DuckDB reads it,
and named without repeating what the file holds: it may be the text of a note.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import UserError

_ENDINGS = (".csv.gz", ".csv")
_CHUNK_BYTES = 1 << 20
_LINE_OF_ERROR = re.compile(r"CSV Error on Line: (\d+)")
# What DuckDB objects to, without the line it shows.
_REASONS = (
    re.compile(r'Error when converting column "[^"]*"'),
    re.compile(r"Expected Number of Columns: \d+ Found: \d+"),
    re.compile(r"Value with unterminated quote found"),
    re.compile(r"Maximum line size of \d+ bytes exceeded"),
    re.compile(r"Invalid unicode", re.IGNORECASE),
    re.compile(r"CSV Parser state machine reached an invalid state"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV table of a release.

    Attributes:
        name: Name of the file without its ending, upper or lower case.
        release: Release it belongs to, for messages.
        columns: SQL type of every column that is used.
        folders: Where it may lie, as patterns below the folder that the user names.
    """

    name: str
    release: str
    columns: Mapping[str, str]
    folders: tuple[str, ...] = (".",)

    @property
    def fix(self) -> str:
        """What to do where the file does not fit."""
        return f"give the folder of {self.release} as PhysioNet publishes it."


def find(table: Table, source: Path) -> Path:
    """Return the file of a table, plain or gzipped; the gzipped one where both are there.

    Raises:
        UserError: It is in none of its folders, or in several.
    """
    found = [path for folder in _folders(table, source) if (path := _file_in(folder, table.name))]
    if not found:
        places = ", ".join(
            str(source / folder / f"{table.name}.csv.gz") for folder in table.folders
        )
        raise UserError(
            f"the table {table.name} of {table.release} is missing; looked for (or as .csv): "
            f"{places}.",
            fix=table.fix,
        )
    if len(found) > 1:
        raise UserError(
            f"the table {table.name} is there {len(found)} times: {', '.join(map(str, found))}.",
            fix="name the folder of one release.",
        )
    return found[0]


def require(tables: Iterable[Table], source: Path) -> None:
    """See that tables are there with their columns, before the first of them is read.

    Raises:
        UserError: One is missing or lacks a column.
    """
    for table in tables:
        scan(table, find(table, source))


def _folders(table: Table, source: Path) -> Iterator[Path]:
    seen = set()
    for pattern in table.folders:
        candidates = [source] if pattern == "." else _glob(source, pattern)
        for folder in candidates:
            if folder.is_dir() and folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder


def _glob(source: Path, pattern: str) -> list[Path]:
    # Path.glob does not climb: the leading ".." of a pattern are taken here.
    while pattern.startswith("../"):
        source, pattern = source.resolve().parent, pattern.removeprefix("../")
    return sorted(source.glob(pattern))


def _file_in(folder: Path, name: str) -> Path | None:
    by_name = {path.name.casefold(): path for path in folder.iterdir() if path.is_file()}
    candidates = (by_name.get(f"{name}{ending}".casefold()) for ending in _ENDINGS)
    return next(filter(None, candidates), None)


def check_whole(path: Path, advance: Callable[[int], None]) -> None:
    """Read a gzipped file to its end, so that its checksum is compared; DuckDB does not do that.

    Args:
        path: The file; one that is not gzipped is passed over.
        advance: Told the number of further bytes of the file that were read.

    Raises:
        UserError: It is cut off, altered, or no gzip file.
    """
    if path.suffix != ".gz":
        return
    try:
        with path.open("rb") as raw, gzip.open(raw) as stream:
            before = 0
            while stream.read(_CHUNK_BYTES):
                advance(raw.tell() - before)
                before = raw.tell()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"{path} is not a complete gzip file ({error}).",
            fix="fetch it anew and compare it with SHA256SUMS.txt of the release.",
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None


def scan(table: Table, path: Path) -> str:
    """Return the SQL expression that reads a table with the types of `Table.columns`.

    Values are taken as written: nothing is guessed and nothing is stripped. Only the line ending
    is left to DuckDB, which in strict mode reads no row, silently, where it is told a wrong one.

    Raises:
        UserError: The header lacks a column, or cannot be read.
    """
    header = _header(path, table)
    types = {name.casefold(): sql_type for name, sql_type in table.columns.items()}
    missing = [name for name in table.columns if name.casefold() not in map(str.casefold, header)]
    if missing:
        raise UserError(
            f"{path} lacks the columns {', '.join(missing)} of {table.release}; "
            f"found: {', '.join(header)[:200]}.",
            fix=table.fix,
        )
    columns = ", ".join(
        f"{literal(name)}: {literal(types.get(name.casefold(), 'VARCHAR'))}" for name in header
    )
    return (
        f"read_csv({literal(str(path))}, columns = {{{columns}}}, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', strict_mode = true)"
    )


def literal(value: str) -> str:
    """Quote a text for SQL."""
    return "'" + value.replace("'", "''") + "'"


def reading_error(path: Path, message: str) -> UserError:
    """Return the error for what DuckDB objected to in a file, without the text it shows."""
    line = _LINE_OF_ERROR.search(message)
    reasons = (match.group() for pattern in _REASONS if (match := pattern.search(message)))
    reason = next(reasons, "it is no well-formed CSV")
    place = f", line {line.group(1)}" if line else ""
    return UserError(
        f"{path}{place}: {reason}.",
        fix="fetch the file anew; an editor or spreadsheet may have changed it.",
    )


def _header(path: Path, table: Table) -> list[str]:
    """Return the column names of a file."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            first = stream.readline().decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}).", fix=table.fix) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    return next(csv.reader([first]), [])
