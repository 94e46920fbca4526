"""Reads results of ``icd-agent code`` strictly, before they go to other software."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from agent.result import Evidence, Result
from knowledge.errors import UserError
from knowledge.jsonl import line_error, read_jsonl

_CODE = re.compile(r"[0-9A-Z]+(\.[0-9A-Z]+)?")
_LONGEST = 2**31 - 1  # integers of FHIR and of most databases
_FIX = "icd-agent code NOTES --out RESULTS.jsonl"


class ResultLine(NamedTuple):
    """A result and the line it stands on."""

    line_number: int
    result: Result


def read_results(path: Path) -> Iterator[ResultLine]:
    """Yield the results of a file that ``icd-agent code --out`` wrote.

    Args:
        path: JSON lines; one result alone, as ``--json`` prints it, is one line.

    Raises:
        UserError: The file cannot be read or is empty, or a line is no result or contradicts
            itself. Raised when the reading gets there.
    """
    empty = True
    for line in read_jsonl(path):
        empty = False
        try:
            result = Result.model_validate(line.value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            problem = f"no result of icd-agent code: {where}: {first['msg']}"
            raise line_error(path, line.line_number, problem, fix=_FIX) from None
        problem = _contradiction(result)
        if problem:
            raise line_error(path, line.line_number, problem, fix=_FIX)
        yield ResultLine(line.line_number, result)
    if empty:
        raise UserError(f"{path} holds no result", fix=_FIX)


def _contradiction(result: Result) -> str:
    """Return what the types allow and no result says; empty where nothing is wrong."""
    if result.context.date is not None and not _is_date(result.context.date):
        return f"the date {result.context.date!r} is no calendar date YYYY-MM-DD"
    for assigned in result.codes:
        if not _CODE.fullmatch(assigned.code):
            return f"{assigned.code!r} is not shaped like a code"
        wrong = next((e for e in assigned.evidence if not _is_consistent(e)), None)
        if wrong:
            return (
                f"evidence of {assigned.code}: {wrong.start} to {wrong.end} is no span of "
                f"{len(wrong.text)} characters"
            )
    return ""


def _is_date(date: str) -> bool:
    try:
        return datetime.date.fromisoformat(date).isoformat() == date
    except ValueError:
        return False


def _is_consistent(evidence: Evidence) -> bool:
    return 0 <= evidence.start <= evidence.end <= _LONGEST and (
        evidence.end - evidence.start == len(evidence.text)
    )
