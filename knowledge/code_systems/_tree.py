"""A code system held in memory as a tree; the systems without 7th characters and notes share it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from knowledge.code_systems.base import Code
from knowledge.errors import UserError
from knowledge.notes import InstructionalNote

_MAX_SUGGESTIONS = 8


class CodeTree:
    """Codes, and the blocks and chapters above them, in official order.

    A system derives from it, says how its codes are written (`normalise`) and names itself.

    Args:
        entries: Every entry, parents before children.
        groups: Identifiers of those entries that only group codes: chapters and blocks.
    """

    name: str
    key: str
    release: str

    def __init__(self, entries: Iterable[Code], groups: Collection[str]) -> None:
        self._entries = {entry.code: entry for entry in entries}
        self._groups = frozenset(groups)
        below: dict[str, list[str]] = defaultdict(list)
        for entry in self._entries.values():
            if entry.parent is not None:
                below[entry.parent].append(entry.code)
        self._below = {code: tuple(children) for code, children in below.items()}

    def __contains__(self, code: object) -> bool:
        """Tell whether a code exists, complete or not; blocks and chapters are not codes."""
        return code in self._entries and code not in self._groups

    def get(self, code: str) -> Code:
        """Return a code, block or chapter.

        Raises:
            UserError: It does not exist in this release.
        """
        entry = self._entries.get(code)
        if entry is None:
            raise self._unknown(code)
        return entry

    def children(self, code: str) -> tuple[str, ...]:
        """Return the entries one level below."""
        return self._below.get(self.get(code).code, ())

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the entries above, nearest first."""
        above: list[str] = []
        parent = self.get(code).parent
        while parent is not None:
            above.append(parent)
            parent = self._entries[parent].parent
        return tuple(above)

    def notes(self, code: str, *, inherited: bool = True) -> tuple[InstructionalNote, ...]:
        """Return no notes: the files at hand carry codes and titles alone."""
        self.get(code)
        return ()

    def codes(self, *, billable_only: bool = False) -> Iterator[str]:
        """Iterate over all codes in official order."""
        for code, entry in self._entries.items():
            if code not in self._groups and (entry.billable or not billable_only):
                yield code

    def _unknown(self, code: str) -> UserError:
        message = f"{code!r} does not exist in {self.name} {self.release}"
        beginnings = (code[:end] for end in range(len(code) - 1, 0, -1))
        near = next((start for start in beginnings if start in self), None)
        if near is None:
            return UserError(f"{message}.")
        known = ", ".join((near, *self.children(near)[:_MAX_SUGGESTIONS]))
        fix = f"icd-agent show {near} --system {self.key}"
        return UserError(f"{message}; existing codes: {known}.", fix=fix)
