"""Reads events of older trace versions as those of the present one.

Version 2 added to every event its id, parent, tokens and node, and to decisions the options, the
threshold and the voices. The former follow from the order of the events; the latter an older trace
does not have, and they stay empty.
"""

from typing import Any

from agent.trace.events import TRACE_VERSION
from agent.trace.numbering import Numbering
from knowledge.errors import UserError


class Upgrade:
    """Brings the events of one trace to the present version; call it on each in order."""

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._version: int | None = None

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event as of the present version; the one given is changed.

        Raises:
            UserError: The trace is of a version that this program does not know.
        """
        if self._version is None:
            self._version = _version(event)
        if self._version == TRACE_VERSION:
            return event
        if event.get("event") == "run_start":
            event["trace_version"] = TRACE_VERSION
        spent = event.get("prompt_tokens", 0) + event.get("completion_tokens", 0)
        event.update(self._numbering.place(str(event.get("event")), spent))
        return event


def _version(first: dict[str, Any]) -> int:
    """Return the version of a trace by its first event; a piece of a trace has no run_start."""
    version = first.get("trace_version", TRACE_VERSION if "id" in first else 1)
    if version not in range(1, TRACE_VERSION + 1):
        raise UserError(
            f"trace version {version!r} is not known; this program reads 1 to {TRACE_VERSION}",
            fix="pip install --upgrade icd-agent",
        )
    assert isinstance(version, int)
    return version
