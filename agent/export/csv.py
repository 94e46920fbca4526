"""Results as CSV: one row for each code, for spreadsheets and statistics."""

import csv
import io

from agent.result import AssignedCode, Result

COLUMNS = (
    "id",
    "sequence",
    "code",
    "description",
    "role",
    "assertion",
    "confidence",
    "evidence_offsets",
    "evidence_text",
    "sections",
    "reason",
    "guidelines",
    "code_system",
    "release",
    "policy",
)
# Spreadsheets run a cell that begins so as a formula, and these words come from a note.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header() -> str:
    """Return the first line."""
    return _lines([COLUMNS])


def csv_rows(result: Result) -> str:
    """Return the lines of one result; none where it has no codes."""
    return _lines([_row(result, n, assigned) for n, assigned in enumerate(result.codes, start=1)])


def _row(result: Result, sequence: int, assigned: AssignedCode) -> tuple[str | int | float, ...]:
    sections = dict.fromkeys(e.section for e in assigned.evidence if e.section)
    return (
        result.id,
        sequence,
        assigned.code,
        _words(assigned.description),
        assigned.role,
        assigned.assertion,
        assigned.confidence,
        ";".join(f"{e.start}-{e.end}" for e in assigned.evidence),
        _words(" | ".join(e.text for e in assigned.evidence)),
        _words(" | ".join(sections)),
        _words(assigned.reason),
        ";".join(assigned.guidelines),
        result.code_system,
        result.release,
        result.policy,
    )


def _words(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: list[tuple[str | int | float, ...]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()
