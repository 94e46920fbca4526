"""``icd-agent show --diff``: what changed between two releases."""

from collections.abc import Iterator
from typing import Any

from knowledge.code_systems import ICD10CM, Code
from knowledge.release_diff import compare_releases


def diff_report(one: ICD10CM, other: ICD10CM, raw: str | None) -> dict[str, Any]:
    """Return what changed from the older to the newer of two releases.

    Args:
        one: A release.
        other: Another.
        raw: A code, block or chapter to keep to, as people type it; None for everything.

    Raises:
        UserError: Neither release has it.
    """
    old, new = sorted((one, other), key=lambda system: system.release)
    within = new.normalise(raw) if raw is not None else None
    found = compare_releases(old, new, within)
    lists = {
        "added": [_entry(entry) for entry in found.added],
        "removed": [_entry(entry) for entry in found.removed],
        "retitled": [
            {"code": pair.new.code, "old": pair.old.title, "new": pair.new.title}
            for pair in found.retitled
        ],
        "billable": [
            {"code": pair.new.code, "title": pair.new.title, "new": pair.new.billable}
            for pair in found.billable
        ],
        "notes": [
            {"carrier": change.carrier, "added": change.added, "removed": change.removed}
            for change in found.notes
        ],
    }
    return {
        "code_system": new.name,
        "old": found.old,
        "new": found.new,
        "within": within,
        "counts": {name: len(rows) for name, rows in lists.items()},
        **lists,
    }


def diff_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the report as a person reads it."""
    where = f", {report['within']}" if report["within"] else ""
    counts = ", ".join(f"{name} {count}" for name, count in report["counts"].items())
    yield f"{report['code_system']} {report['old']} -> {report['new']}{where}: {counts}"
    for sign, name in (("+", "added"), ("-", "removed")):
        for row in report[name]:
            yield f"{sign} {row['code']} {row['title']}"
    for row in report["retitled"]:
        yield f"~ {row['code']} {row['old']} -> {row['new']}"
    for row in report["billable"]:
        yield f"~ {row['code']} {'now' if row['new'] else 'no longer'} billable"
    for row in report["notes"]:
        for sign, notes in (("+", row["added"]), ("-", row["removed"])):
            for kind, text in notes:
                yield f"{sign} {row['carrier']} {kind}: {text}"


def _entry(entry: Code) -> dict[str, Any]:
    return {"code": entry.code, "title": entry.title, "billable": entry.billable}
