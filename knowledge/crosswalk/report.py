"""A mapping as one JSON-ready object."""

from typing import Any

from knowledge.crosswalk.mapping import CodeMapping, Option


def mapping_report(
    mapping: CodeMapping, source: str, target: str, *, inferred: bool
) -> dict[str, Any]:
    """Describe a mapping; `docs/output.md` names the fields.

    Args:
        mapping: What a code maps to.
        source: Key of its code system.
        target: Key of the code system mapped to.
        inferred: Whether the source was told by the shape of the code.
    """
    return {
        "code": mapping.code,
        "title": mapping.title,
        "from": source,
        "from_inferred": inferred,
        "to": target,
        **_mapped(mapping),
        "steps": [
            {
                "from": step.source,
                "to": step.target,
                "mappings": [
                    {"code": each.code, "title": each.title, **_mapped(each)}
                    for each in step.mappings
                ],
            }
            for step in mapping.steps
        ],
    }


def _mapped(mapping: CodeMapping) -> dict[str, Any]:
    return {
        "status": mapping.status,
        "method": mapping.method,
        "via": mapping.via,
        "hint": mapping.hint,
        "options": [_option(option) for option in mapping.options],
    }


def _option(option: Option) -> dict[str, Any]:
    return {
        "approximate": option.approximate,
        "parts": [[code._asdict() for code in part] for part in option.parts],
        "unmapped": [code._asdict() for code in option.unmapped],
    }
