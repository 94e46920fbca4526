"""A code with its notes and its place in the tree, as one JSON-ready object."""

from typing import Any

from knowledge.code_systems import CodeSystem


def describe(system: CodeSystem, raw: str) -> dict[str, Any]:
    """Describe a code, block or chapter; `docs/output.md` names the fields.

    Args:
        system: The code system.
        raw: The code, as people type it.

    Raises:
        UserError: It is not shaped like a code or does not exist.
    """
    entry = system.get(system.normalise(raw))
    return {
        "code": entry.code,
        "title": entry.title,
        "billable": entry.billable,
        "code_system": system.name,
        "release": system.release,
        "chapter": entry.chapter,
        "ancestors": [_titled(system, a) for a in system.ancestors(entry.code)],
        "children": [_titled(system, c) for c in system.children(entry.code)],
        "inclusion_terms": list(entry.inclusion_terms),
        "includes": list(entry.includes),
        "notes": [
            {
                "kind": note.kind,
                "text": note.text,
                "carrier": note.carrier,
                "conditional": note.conditional,
            }
            for note in system.notes(entry.code)
        ],
    }


def _titled(system: CodeSystem, code: str) -> dict[str, str]:
    return {"code": code, "title": system.get(code).title}
