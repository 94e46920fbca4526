"""Strict, streaming reading of JSONL files: one JSON object a line, UTF-8, plain or gzipped.

Every problem names the file and the line, so that a user can go there. What the objects must hold
is the business of the reader's callers.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from knowledge.errors import UserError

_BOM = b"\xef\xbb\xbf"
_ONE_OBJECT = "put one whole JSON object on each line."
_JSON_TYPES = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


class JsonLine(NamedTuple):
    """One object of a JSONL file and the line it stands on, counted from 1."""

    line_number: int
    value: dict[str, Any]


def read_jsonl(path: Path) -> Iterator[JsonLine]:
    """Yield the objects of a JSONL file one by one; blank lines and a leading BOM are passed over.

    Args:
        path: The file; one that ends in ``.gz`` is decompressed on the way.

    Raises:
        UserError: The file cannot be read, or a line is not UTF-8, not JSON or not an object.
            Raised when the reading gets there, not at the call.
    """
    offset = 0
    for line_number, raw in enumerate(_raw_lines(path), start=1):
        body = raw.removeprefix(_BOM) if offset == 0 else raw
        text = _decoded(body, path, line_number, offset + len(raw) - len(body))
        offset += len(raw)
        if text.strip():
            yield JsonLine(line_number, _parsed(text, path, line_number))


def line_error(path: Path, line_number: int, problem: str, *, fix: str | None = None) -> UserError:
    """Return the error for a problem on one line of a file, named as ``FILE, line N: ...``."""
    return UserError(f"{path}, line {line_number}: {problem}", fix=fix)


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield from stream
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file.", fix="give the path of an existing JSONL file."
        ) from None
    except IsADirectoryError:
        raise UserError(
            f"{path} is a folder, not a JSONL file.", fix="name the file in it."
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"{path} is not a complete gzip file ({error}).",
            fix="copy the file anew, or drop the .gz ending if it is plain text.",
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None


def _decoded(raw: bytes, path: Path, line_number: int, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = (
            f"not UTF-8 at byte {offset + error.start} of the file (0x{raw[error.start]:02x})."
        )
        raise line_error(
            path, line_number, problem, fix="save the file in the encoding UTF-8."
        ) from None


def _parsed(text: str, path: Path, line_number: int) -> dict[str, Any]:
    # orjson is stricter than the standard library: no NaN, no lone surrogates, bounded nesting.
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = f"broken JSON at column {error.colno} ({error.msg})."
        raise line_error(path, line_number, problem, fix=_ONE_OBJECT) from None
    if not isinstance(value, dict):
        problem = f"a JSON object is needed, found {_JSON_TYPES[type(value)]}."
        raise line_error(path, line_number, problem, fix=_ONE_OBJECT)
    return value
