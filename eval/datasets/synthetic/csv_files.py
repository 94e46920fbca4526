"""CSV files as the releases have them: gzipped, texts quoted, numbers and dates bare."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from knowledge.errors import UserError

# A text is quoted, a number or time is not; None is an empty field.
Field: TypeAlias = str | int | datetime | None

_FASTEST = 1


class RowWriter(Protocol):
    """Writes one row of a table."""

    def __call__(self, *fields: Field) -> None:
        """Write the fields in order of the columns."""


@contextmanager
def open_table(path: Path, columns: Sequence[str], *, quote_header: bool) -> Iterator[RowWriter]:
    """Open a table for writing; its folder is made where it is missing.

    Args:
        path: A file that ends in ``.csv.gz``.
        columns: The header.
        quote_header: Put the column names between quotation marks, as MIMIC-III has them.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt", compresslevel=_FASTEST, encoding="utf-8", newline="") as stream:
            names = map(quoted, columns) if quote_header else columns
            stream.write(",".join(names) + "\n")

            def write(*fields: Field) -> None:
                assert len(fields) == len(columns)
                stream.write(",".join(map(_field, fields)) + "\n")

            yield write
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}).", fix="name a folder you may write to."
        ) from None


def quoted(text: str) -> str:
    """Put a text between quotation marks and double those within."""
    return '"' + text.replace('"', '""') + '"'


def _field(value: Field) -> str:
    if value is None:
        return ""
    return quoted(value) if isinstance(value, str) else str(value)
