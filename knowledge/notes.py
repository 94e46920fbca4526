"""Instructional notes of the tabular list as typed objects, with the codes they refer to.

References are read inside parentheses or square brackets that begin with a code, and after "from
category": elsewhere "vitamin B12" and "any type in A15" look the same. Reading the tabular list
itself belongs to `knowledge.code_systems`; what a note demands of a set of codes belongs to
`knowledge.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple, cast

NoteKind = Literal[
    "includes",
    "excludes1",
    "excludes2",
    "code_first",
    "use_additional",
    "code_also",
    "seventh_character",
    "note",
]

# The tabular list prints these words as a heading; its lines continue the phrase.
_HEADINGS: dict[NoteKind, str] = {
    "includes": "Includes:",
    "excludes1": "Excludes1:",
    "excludes2": "Excludes2:",
    "code_first": "Code first",
    "use_additional": "Use additional",
    "code_also": "Code also",
    "seventh_character": "7th character:",
    "note": "Note:",
}
# Lines under these headings are alternatives of one instruction; elsewhere each line stands alone.
_INSTRUCTIONS = frozenset({"code_first", "use_additional", "code_also"})

_CONDITIONAL = re.compile(
    r"\b(?:if|when|where) (?:applicable|known|any|appropriate|present|specified|associated)\b"
    r"|\bany (?:associated|causal|current|coexisting|accompanying)\b"
    r"|^any\b|\bcomplicating:",
    re.IGNORECASE,
)
_NEW_INSTRUCTION = re.compile(r"(?:external cause )?codes?\b", re.IGNORECASE)

_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z][0-9A][0-9AB](?:\.[0-9A-Z]{1,4})?(?![0-9A-Z])")
_BRACKETS = re.compile(r"[(\[]\s*((?:i\.e\. )?[A-Z][0-9A][0-9AB](?![0-9A-Za-z])[^()\[\]]*)[)\]]")
# "Use additional code from category T31 or T32": the one unmistakable form outside brackets. A 7th
# character "to be added to each code from category S82" refers to where the note stands.
_FROM_CATEGORY = re.compile(
    r"(?<!each )\bcode(?:, if applicable,)? from category "
    r"([A-Z][0-9A][0-9AB](?: or [A-Z][0-9A][0-9AB])*)\b"
)
# "A00-A09", "I01.0 -I01.9", "I70.2--I70.7-", "M05.00 to M05.8A"; but "I69.81- I69.91-" is a list.
_RANGE = re.compile(r"\.?-{1,2}|\s+-\s*|\s+to\s+")
_CONSTRAINT = re.compile(r"\s*,?\s*with (.*)", re.DOTALL)
_TRAILING_CONSTRAINT = re.compile(r"\s*(with (?:fifth|sixth|seventh|[567]th)[^,;:(]*)")
_ORDINALS = {"fifth": 5, "sixth": 6, "six": 6, "seventh": 7, "5th": 5, "6th": 6, "7th": 7}
_ORDINAL = re.compile("|".join(_ORDINALS))
_VALUE = re.compile(r"\.?([0-9A-Z]{1,3})(?:-\.?([0-9]{1,3}))?(?![0-9a-z])")
_FINAL = re.compile(r"final characters? -?([0-9]+)")
_OPEN_FRACTURE = tuple("BCEFHJMNQR")

# Categories that end in a letter stand after these ones in the tabular list.
LETTERED_CATEGORIES = {
    "C4A": "C43",
    "C7A": "C75",
    "C7B": "C75",
    "D3A": "D36",
    "I1A": "I16",
    "I5A": "I52",
    "J4A": "J44",
    "M1A": "M08",
    "O9A": "O99",
    "QA0": "Q99",
    "Z3A": "Z36",
}


class _SortKey(NamedTuple):
    """A code split so that comparison follows the order of the tabular list."""

    category: str
    rest: str


class _Constraint(NamedTuple):
    """Values that must stand at one of some character positions, counted from 1 without dot."""

    positions: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeRef:
    """A reference to a code with all codes below it, or to a range of such codes.

    Attributes:
        first: First code of the range, dotted.
        last: Last code of the range, included; equal to ``first`` for a single code.
        positions: Character positions (the dot not counted) that ``values`` constrain; among
            several, the last one that the code fills other than by a placeholder X decides.
        values: Characters allowed to start at that position; empty if nothing is constrained.
    """

    first: str
    last: str
    positions: tuple[int, ...] = ()
    values: tuple[str, ...] = ()

    def matches(self, code: str) -> bool:
        """Tell whether the reference covers a dotted code, 7th characters included."""
        if not self.first[0] <= code[0] <= self.last[0]:
            return False
        first, last, given = _sort_key(self.first), _sort_key(self.last), _sort_key(code)
        if (given.category, given.rest[: len(first.rest)]) < first:
            return False
        if (given.category, given.rest[: len(last.rest)]) > last:
            return False
        if given.category == first.category and len(given.rest) < len(first.rest):
            return False
        return not self.values or self._allows(code.replace(".", ""))

    def _allows(self, characters: str) -> bool:
        filled = [at for at in self.positions if characters[at - 1 : at] not in ("", "X")]
        return bool(filled) and characters.startswith(self.values, filled[-1] - 1)

    def __str__(self) -> str:
        codes = self.first if self.first == self.last else f"{self.first}-{self.last}"
        if not self.values:
            return codes
        places = " or ".join(map(str, self.positions))
        return f"{codes} with character {places} = {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class InstructionalNote:
    """One instruction of the tabular list.

    Attributes:
        kind: The heading it stands under.
        text: Its words, without the heading; alternatives are joined by semicolons.
        refs: The codes it refers to; empty if it names none.
        carrier: The code, block or chapter that it stands at.
        conditional: Whether it applies only where the case has what it names ("if applicable",
            "any associated", "complicating", or a bare list of circumstances).
    """

    kind: NoteKind
    text: str
    refs: tuple[CodeRef, ...]
    carrier: str
    conditional: bool = False

    def matches(self, code: str) -> bool:
        """Tell whether a reference of the note covers the code."""
        return any_matches(self.refs, code)

    @property
    def heading(self) -> str:
        """The words that the tabular list prints before the text."""
        return _HEADINGS[self.kind]

    def __str__(self) -> str:
        return f"{self.heading} {self.text.lstrip(', ')}"


def any_matches(references: Iterable[CodeRef], code: str) -> bool:
    """Tell whether one of the references covers a dotted code."""
    return any(reference.matches(code) for reference in references)


def build_notes(
    carrier: str, groups: Iterable[tuple[str, Sequence[str]]]
) -> tuple[InstructionalNote, ...]:
    """Turn the lines that stand at one entry into notes.

    Args:
        carrier: The code, block or chapter.
        groups: Kind and lines of each element, in document order.
    """
    return tuple(
        _note(cast("NoteKind", kind), lines, carrier)
        for kind, group in groups
        for lines in _split(kind, group)
    )


@cache
def parse_references(text: str) -> tuple[CodeRef, ...]:
    """Return the references inside the parentheses of a note, then those to named categories."""
    refs: list[CodeRef] = []
    for match in _BRACKETS.finditer(text):
        inside = match.group(1)
        trailing = _TRAILING_CONSTRAINT.match(text, match.end())
        if trailing:
            inside += " " + trailing.group(1)
        refs.extend(_references(inside))
    for named in _FROM_CATEGORY.findall(text):
        refs.extend(_references(named))
    return tuple(dict.fromkeys(refs))


def _split(kind: str, lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines of each note; a line ending in a colon governs those after it."""
    if kind not in _INSTRUCTIONS:
        head = ""
        for line in lines:
            if line.endswith(":") and kind != "seventh_character":
                head = line
            else:
                yield [f"{head} {line}".strip()]
        return
    group: list[str] = []
    for line in lines:
        if group and (line.endswith(":") or _NEW_INSTRUCTION.match(line)):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _note(kind: NoteKind, lines: list[str], carrier: str) -> InstructionalNote:
    head, alternatives = lines[0], lines[1:]
    separator = " " if head.endswith(":") else "; "
    text = separator.join((head, "; ".join(alternatives))) if alternatives else head
    # Several alternatives without a heading are circumstances, of which none need be present.
    bare_list = bool(alternatives) and not head.endswith(":")
    conditional = kind in _INSTRUCTIONS and (bare_list or bool(_CONDITIONAL.search(head)))
    return InstructionalNote(kind, text, parse_references(text), carrier, conditional)


def _references(inside: str) -> Iterator[CodeRef]:
    """Yield the references in the text between one pair of brackets."""
    codes = list(_CODE.finditer(inside))
    tail = _CONSTRAINT.search(inside, codes[-1].end())
    constraint = _parse_constraint(tail.group(1)) if tail else _Constraint()
    index = 0
    while index < len(codes):
        first = last = codes[index]
        following = codes[index + 1] if index + 1 < len(codes) else None
        if following and _RANGE.fullmatch(inside, first.end(), following.start()):
            last, index = following, index + 1
        yield CodeRef(first.group(), last.group(), *constraint)
        index += 1


def _parse_constraint(text: str) -> _Constraint:
    """Read what follows "with": ".151, .251", "fifth or sixth character 1-4", "7th character B"."""
    if "open fracture" in text:
        return _Constraint((7,), _OPEN_FRACTURE)
    final = _FINAL.match(text)
    if final:
        characters = final.group(1)
        return _Constraint((5,) if len(characters) > 1 else (5, 6), (characters,))
    positions = tuple(_ORDINALS[word] for word in _ORDINAL.findall(text))
    if positions and " to " in text and "indicate" not in text:
        positions = positions[:1]
    values = _values(_ORDINAL.sub("", text))
    return _Constraint(positions or (4,), values) if values else _Constraint()


def _values(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for match in _VALUE.finditer(text):
        first, last = match.groups()
        if last is None:
            found.append(first)
        else:
            found.extend(str(n).zfill(len(first)) for n in range(int(first), int(last) + 1))
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def _sort_key(code: str) -> _SortKey:
    category, _, rest = code.partition(".")
    before = LETTERED_CATEGORIES.get(category)
    return _SortKey(f"{before}~{category}" if before else category, rest)
