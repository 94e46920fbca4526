"""Data types of FHIR that every resource needs."""

import re
from typing import Any

# FHIR strings hold no control characters besides tab, line feed and carriage return.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # one for one, so that lengths stay


def fhir_string(text: str) -> str:
    """Return a text as FHIR allows it; empty where nothing but white space is left of it."""
    return _FORBIDDEN.sub(_REPLACEMENT, text) if text.strip() else ""


def codeable(system: str, code: str, display: str) -> dict[str, Any]:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """Return the elements that have a value: FHIR has no empty ones."""
    cleaned = {k: without_empty(v) if isinstance(v, dict) else v for k, v in values.items()}
    return {k: v for k, v in cleaned.items() if v not in (None, "", [], {})}
