"""``icd-agent show --unresolved``: the references in notes that could not be read."""

from collections.abc import Iterator
from typing import Any

from knowledge.code_systems import ICD10CM
from knowledge.note_references import reference_report
from knowledge.notes import InstructionalNote


def references_report(system: ICD10CM) -> dict[str, Any]:
    """Return how many references a release has, and those that could not be read."""
    found = reference_report(system)
    return {
        "code_system": system.name,
        "release": system.release,
        "notes": found.notes,
        "references": found.references,
        "unresolved": [
            _note(note) | {"reference": str(reference)} for note, reference in found.unresolved
        ],
        "unread": [
            _note(unread.note) | {"reference": unread.text, "where": unread.where}
            for unread in found.unread
        ],
        "share": round(found.share, 5),
    }


def references_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the report as a person reads it."""
    remaining = len(report["unresolved"]) + len(report["unread"])
    yield (
        f"{report['code_system']} {report['release']}: {report['notes']} notes, "
        f"{report['references']} references read; {remaining} not ({report['share']:.2%})"
    )
    for title, rows in (
        ("read, but no code of the release", report["unresolved"]),
        ("named, but not read", report["unread"]),
    ):
        yield f"{title}: {len(rows)}"
        for row in rows:
            yield f"  {row['reference']}  {row['carrier']} {row['kind']}: {row['text']}"


def _note(note: InstructionalNote) -> dict[str, str]:
    return {"carrier": note.carrier, "kind": note.kind, "text": note.text}
