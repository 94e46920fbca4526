"""The JSON Schema of a trace line: made from the event classes and shipped as a file.

``python -m agent.trace.schema`` writes the file anew after a change of the classes.
"""

from pathlib import Path
from typing import Any

import orjson

from agent.trace.events import EVENT, TRACE_VERSION

SCHEMA_FILE = Path(__file__).with_name("trace.schema.json")


def trace_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one line of a trace, as the classes give it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"icd-agent trace, version {TRACE_VERSION}: one event",
        **EVENT.json_schema(mode="serialization"),
    }


def shipped_schema() -> dict[str, Any]:
    """Return the JSON Schema as shipped."""
    schema: dict[str, Any] = orjson.loads(SCHEMA_FILE.read_bytes())
    return schema


if __name__ == "__main__":
    SCHEMA_FILE.write_bytes(
        orjson.dumps(trace_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
