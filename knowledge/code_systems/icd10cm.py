"""ICD-10-CM: look-up, tree, 7th characters and instructional notes of the tabular list."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Self

from knowledge.code_systems._tabular import (
    DIAGNOSIS,
    TabularTable,
    expansion,
    load_table,
    seventh_definition,
)
from knowledge.code_systems.base import Code
from knowledge.errors import UserError
from knowledge.notes import InstructionalNote, build_notes

_CATEGORY = r"[A-Z][0-9A][0-9AB]"
_CODE = re.compile(rf"({_CATEGORY})(?:\.?([0-9A-Z]{{1,4}})|\.)?")
_GROUP = re.compile(rf"{_CATEGORY}-{_CATEGORY}|[1-9][0-9]?")
_EXPANDED_LENGTH = len("S82.001A")
_MAX_SUGGESTIONS = 8
_REMEMBERED_CODES = 1 << 14  # the rules ask for the same ones again and again
_NO_CHARACTERS: Mapping[str, str] = MappingProxyType({})


class _Place(NamedTuple):
    """Where a code stands: its entry in the table and the 7th character that was added to it."""

    position: int
    seventh: str = ""


class ICD10CM:
    """The ICD-10-CM tabular list of one release.

    A single-category block such as B20 has the identifier of its category; the category wins,
    and the block's notes count among those of the category.
    """

    name = "ICD-10-CM"
    key = "icd10cm"

    def __init__(self, table: TabularTable) -> None:
        self._table = table
        self.release = table.release
        # Later entries win: a category comes after the block of the same name.
        self._positions = {name: position for position, name in enumerate(table.names)}
        self._code_of = lru_cache(maxsize=_REMEMBERED_CODES)(self._entry)
        self._notes_at = lru_cache(maxsize=None)(self._entry_notes)
        self._characters_at = lru_cache(maxsize=None)(self._entry_characters)

    @property
    def table(self) -> TabularTable:
        """The tabular list as columns."""
        return self._table

    @classmethod
    def load(cls) -> Self:
        """Load the installed release, from the cache where there is one."""
        return cls(load_table())

    def normalise(self, raw: str) -> str:
        """Bring a code as people type it into dotted upper case.

        Args:
            raw: For example ``e11.9``, ``E119``, ``S82001A``; blocks and chapter numbers pass too.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        text = raw.strip().upper()
        if _GROUP.fullmatch(text):
            return text
        match = _CODE.fullmatch(text)
        if match is None:
            raise UserError(
                f"{raw!r} is not shaped like an {self.name} code: a letter, two characters, "
                "a dot and up to four more, as in E11.9 or S82.001A.",
                fix=f'icd-agent search "{raw.strip() or "diagnosis"}"',
            )
        category, rest = match.groups()
        return f"{category}.{rest}" if rest else category

    def __contains__(self, code: object) -> bool:
        """Tell whether a code exists, billable or not; blocks and chapters are not codes."""
        place = self._find(code) if isinstance(code, str) else None
        return place is not None and self._table.kinds[place.position] == DIAGNOSIS

    def get(self, code: str) -> Code:
        """Return a code, block or chapter.

        Raises:
            UserError: It does not exist in this release.
        """
        return self._code_of(code)

    def _entry(self, code: str) -> Code:
        table, (position, seventh) = self._table, self._place(code)
        meaning = self._characters_at(position)[seventh] if seventh else None
        title = table.titles[position]
        parent = table.names[position] if seventh else self._parent(position)
        return Code(
            code=code,
            title=f"{title}, {meaning}" if meaning else title,
            billable=bool(seventh) or self._complete(position),
            parent=parent,
            chapter=self._chapter(position),
            inclusion_terms=tuple(table.terms.get(position, ())),
            includes=tuple(table.includes.get(position, ())),
            seventh=meaning,
        )

    def children(self, code: str) -> tuple[str, ...]:
        """Return the entries one level below; 7th-character codes where the code needs one."""
        position, seventh = self._place(code)
        if seventh:
            return ()
        below = tuple(self._table.names[child] for child in self._children(position))
        return below or self._expansions(position)

    def descendants(self, code: str) -> tuple[str, ...]:
        """Return all codes below a code, block or chapter, in official order."""
        position, seventh = self._place(code)
        if seventh:
            return ()
        below = range(position + 1, self._table.ends[position])
        return self._expansions(position) + tuple(self._codes(below))

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the entries above, nearest first: codes up to the category, blocks, chapter."""
        position, seventh = self._place(code)
        names = [self._table.names[position]] if seventh else []
        parent = self._parent_position(position)
        while parent >= 0:
            names.append(self._table.names[parent])
            parent = self._parent_position(parent)
        return tuple(names)

    def stem(self, code: str) -> str:
        """Return the code without its 7th character and the placeholders before it."""
        return self._table.names[self._place(code).position]

    def nearest(self, code: str) -> str | None:
        """Return the longest beginning of a text that is a code, None if there is none."""
        prefixes = (code[:end].rstrip(".") for end in range(len(code), 2, -1))
        return next((prefix for prefix in prefixes if prefix in self), None)

    def seventh_characters(self, code: str) -> Mapping[str, str]:
        """Return the 7th characters that a code takes, with meanings; empty if it takes none.

        For a code above the last level these are the characters that the codes below it take.
        """
        return self._characters_at(self._place(code).position)

    def notes(self, code: str, *, inherited: bool = True) -> tuple[InstructionalNote, ...]:
        """Return the instructional notes that govern a code.

        Args:
            code: A code, block or chapter.
            inherited: Add those of subcategory, category, block and chapter after its own.
        """
        position = self._place(code).position
        own = self._notes_at(position)
        block = self._table.parents[position]
        if block >= 0 and self._table.names[block] == self._table.names[position]:
            own += self._notes_at(block)
        parent = self._parent_position(position)
        if not inherited or parent < 0:
            return own
        return own + self.notes(self._table.names[parent])

    def codes(self, *, billable_only: bool = False) -> Iterator[str]:
        """Iterate over all codes in official order, 7th-character codes after their stem."""
        return self._codes(range(len(self._table.names)), billable_only=billable_only)

    def groups(self) -> Iterator[str]:
        """Iterate over chapters and blocks; single-category blocks count as their category."""
        for position, kind in enumerate(self._table.kinds):
            name = self._table.names[position]
            if kind != DIAGNOSIS and self._positions[name] == position:
                yield name

    def _codes(self, positions: range, *, billable_only: bool = False) -> Iterator[str]:
        for position in positions:
            if self._table.kinds[position] != DIAGNOSIS:
                continue
            if not billable_only or self._complete(position):
                yield self._table.names[position]
            if self._leaf(position):
                yield from self._expansions(position)

    def _find(self, code: str) -> _Place | None:
        position = self._positions.get(code)
        if position is not None:
            return _Place(position)
        if len(code) != _EXPANDED_LENGTH:
            return None
        stem, seventh = code[:-1], code[-1]
        while stem not in self._positions and stem.endswith(("X", ".")):
            stem = stem[:-1]
        position = self._positions.get(stem, -1)
        known = position >= 0 and self._leaf(position) and expansion(stem, seventh) == code
        return (
            _Place(position, seventh)
            if known and seventh in self._characters_at(position)
            else None
        )

    def _place(self, code: str) -> _Place:
        place = self._find(code)
        if place is None:
            raise self._unknown(code)
        return place

    def _unknown(self, code: str) -> UserError:
        prefix = self.nearest(code)
        if prefix is None:
            message = f"{code!r} does not exist in {self.name} {self.release}."
            return UserError(message, fix='icd-agent search "TEXT OF THE DIAGNOSIS"')
        near = ", ".join((prefix, *self.children(prefix)[:_MAX_SUGGESTIONS]))
        message = f"{code!r} does not exist in {self.name} {self.release}; existing codes: {near}."
        return UserError(message, fix=f"icd-agent show {prefix}")

    def _leaf(self, position: int) -> bool:
        return self._table.ends[position] == position + 1

    def _complete(self, position: int) -> bool:
        return (
            self._table.kinds[position] == DIAGNOSIS
            and self._leaf(position)
            and not self._characters_at(position)
        )

    def _children(self, position: int) -> Iterator[int]:
        child, end = position + 1, self._table.ends[position]
        while child < end:
            yield child
            child = self._table.ends[child]

    def _expansions(self, position: int) -> tuple[str, ...]:
        if not self._leaf(position):
            return ()
        stem = self._table.names[position]
        return tuple(expansion(stem, character) for character in self._characters_at(position))

    def _parent_position(self, position: int) -> int:
        """Return the entry above, passing over a block that bears its category's name."""
        parent = self._table.parents[position]
        if parent >= 0 and self._table.names[parent] == self._table.names[position]:
            return self._table.parents[parent]
        return parent

    def _parent(self, position: int) -> str | None:
        parent = self._parent_position(position)
        return self._table.names[parent] if parent >= 0 else None

    def _chapter(self, position: int) -> str:
        while self._table.parents[position] >= 0:
            position = self._table.parents[position]
        return self._table.names[position]

    def _entry_characters(self, position: int) -> Mapping[str, str]:
        definition = seventh_definition(self._table, position)
        if not definition:
            return _NO_CHARACTERS
        withheld = self._table.withheld.get(position, "")
        kept = {key: text for key, text in definition.items() if key not in withheld}
        return MappingProxyType(kept)

    def _entry_notes(self, position: int) -> tuple[InstructionalNote, ...]:
        includes = self._table.includes.get(position)
        groups = [("includes", includes)] if includes else []
        return build_notes(
            self._table.names[position], groups + self._table.notes.get(position, [])
        )
