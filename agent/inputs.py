"""What can be coded: text files, folders of them, JSON-lines files, standard input.

Everything is checked before the first note is coded, so that a typo in the last line of a file
does not surface after an hour of work.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.encounter import make_context
from agent.request import CodingRequest
from agent.result import ResultContext
from knowledge.errors import UserError
from knowledge.jsonl import read_jsonl

STDIN = "-"
_CONTEXT_FIELDS = frozenset(ResultContext.model_fields)
_JSONL_SUFFIXES = (".jsonl", ".jsonl.gz")


def read_requests(paths: Sequence[str], defaults: ResultContext) -> Iterator[CodingRequest]:
    """Yield the notes of all paths; a JSONL row's own context fields win over ``defaults``.

    Args:
        paths: Files, folders or ``-`` for one note on standard input.
        defaults: Encounter context for notes that do not bring their own.

    Raises:
        UserError: A path or row cannot be read as a note, or an id occurs twice.
    """
    sources = [source for path in paths for source in _sources(path)]
    if STDIN not in sources:
        for _ in unique_requests(_requests(sources, defaults)):
            pass  # a dry pass: errors surface before work begins, memory stays flat
    yield from unique_requests(_requests(sources, defaults))


def read_note(path: str, context: ResultContext) -> CodingRequest:
    """Read one note from a text file.

    Raises:
        UserError: It is no readable text file.
    """
    if not Path(path).is_file():
        raise UserError(f"no such file: {path}", fix="name a text file with one note")
    return _text_request(path, context)


def _sources(path: str) -> list[str]:
    if path == STDIN:
        return [STDIN]
    given = Path(path)
    if not given.exists():
        raise UserError(
            f"no such file or folder: {path}",
            fix="name a .txt file, a .jsonl file, a folder of .txt files, or - for standard input",
        )
    if not given.is_dir():
        return [path]
    found = sorted(str(p) for p in given.iterdir() if p.suffix == ".txt" and p.is_file())
    if not found:
        raise UserError(
            f"the folder {path} holds no .txt file", fix="name a folder with notes as .txt files"
        )
    return found


def _requests(sources: Iterable[str], defaults: ResultContext) -> Iterator[CodingRequest]:
    for source in sources:
        if source.endswith(_JSONL_SUFFIXES):
            yield from _jsonl_requests(Path(source), defaults)
        else:
            yield _text_request(source, defaults)


def _text_request(source: str, defaults: ResultContext) -> CodingRequest:
    if source == STDIN:
        text = _decode(sys.stdin.buffer.read(), "standard input")
        return CodingRequest("stdin", text, defaults).with_language()
    path = Path(source)
    return CodingRequest(path.stem, _decode(path.read_bytes(), source), defaults).with_language()


def _decode(raw: bytes, source: str) -> str:
    if b"\0" in raw:
        raise UserError(
            f"{source} is a binary file, not a note", fix="give the note as plain UTF-8 text"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{source} is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}",
            fix=f"iconv -f WINDOWS-1252 -t UTF-8 {source}",
        ) from error
    if not text.strip():
        raise UserError(f"{source} is empty", fix="give a note with text in it")
    return text


def _jsonl_requests(path: Path, defaults: ResultContext) -> Iterator[CodingRequest]:
    empty = True
    for line in read_jsonl(path):
        empty = False
        yield _row_request(line.value, f"{path}, line {line.line_number}", defaults)
    if empty:
        raise UserError(f"{path} is empty", fix='give one {"id": ..., "text": ...} a line')


def _row_request(row: dict[str, Any], where: str, defaults: ResultContext) -> CodingRequest:
    for key in ("id", "text"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise UserError(
                f'{where}: "{key}" is missing, empty or not a string',
                fix='give each line as {"id": "...", "text": "..."}',
            )
    own = {k: v for k, v in row.items() if k in _CONTEXT_FIELDS and v is not None}
    context = make_context({**defaults.model_dump(), **own}, where)
    text = row["text"]
    if context.language == "es" and isinstance(row.get("text_es"), str):
        text = row["text_es"]  # of a bilingual data set
    return CodingRequest(row["id"], text, context).with_language()


def unique_requests(requests: Iterable[CodingRequest]) -> Iterator[CodingRequest]:
    """Yield requests as they are.

    Raises:
        UserError: An id occurs twice.
    """
    seen: set[str] = set()
    for request in requests:
        if request.id in seen:
            raise UserError(
                f"the note id {request.id!r} occurs twice", fix="give every note an id of its own"
            )
        seen.add(request.id)
        yield request
