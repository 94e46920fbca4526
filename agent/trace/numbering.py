"""Where an event stands in its run: its number, the event it is part of, the tokens it cost."""

from typing import TypedDict


class Place(TypedDict):
    """The fields of an event that follow from the events before it."""

    id: int
    parent: int | None
    tokens: int


class Numbering:
    """Gives the events of one run their places, in the order in which they happen."""

    def __init__(self) -> None:
        self._next = 0
        self._run: int | None = None
        self._node: int | None = None
        self._run_tokens = 0
        self._node_tokens = 0

    def place(self, event: str, spent: int = 0) -> Place:
        """Return the place of the next event.

        Args:
            event: Its kind, such as ``node_start``.
            spent: Tokens that it cost itself, in tokens of the LLM.
        """
        number = self._next
        self._next += 1
        self._run_tokens += spent
        self._node_tokens += spent
        if event == "run_start":
            self._run = number
            return {"id": number, "parent": None, "tokens": 0}
        if event == "run_end":
            return {"id": number, "parent": self._run, "tokens": self._run_tokens}
        if event == "node_start":
            self._node, self._node_tokens = number, 0
            return {"id": number, "parent": self._run, "tokens": 0}
        parent = self._run if self._node is None else self._node
        if event == "node_end":
            self._node = None
            return {"id": number, "parent": parent, "tokens": self._node_tokens}
        return {"id": number, "parent": parent, "tokens": spent}
