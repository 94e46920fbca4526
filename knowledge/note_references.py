"""Which references of the instructional notes are read, and which are not.

`knowledge.notes` reads references inside brackets that begin with a code. Two things can go wrong:
what was read names no code of the release, or a code is named where nothing is read. The second is
looked for in all brackets, and outside brackets under the headings that the rules act on.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.code_systems import ICD10CM
from knowledge.notes import CodeRef, InstructionalNote, parse_references

_ACTED_ON = frozenset({"excludes1", "excludes2", "code_first", "use_additional", "code_also"})
_BRACKETS = re.compile(r"\([^()\[\]]*\)|\[[^()\[\]]*\]")
_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z][0-9A][0-9AB](?:\.[0-9A-Z]{1,4})?(?![0-9A-Za-z])")


class Unread(NamedTuple):
    """A code that a note names and nothing reads.

    Attributes:
        note: The note.
        text: The brackets, or the code outside of any.
        where: Where the code stands.
    """

    note: InstructionalNote
    text: str
    where: Literal["in brackets", "outside brackets"]


class ReferenceReport(NamedTuple):
    """How well the references of a release are read.

    Attributes:
        notes: Notes of the release.
        references: References read.
        unresolved: References that match no code of the release, with their notes.
        unread: Codes named where nothing was read.
    """

    notes: int
    references: int
    unresolved: list[tuple[InstructionalNote, CodeRef]]
    unread: list[Unread]

    @property
    def share(self) -> float:
        """Share of the codes named that are unresolved or unread."""
        named = self.references + len(self.unread)
        return (len(self.unresolved) + len(self.unread)) / named if named else 0.0


def reference_report(system: ICD10CM) -> ReferenceReport:
    """Examine every note of a release."""
    notes = list(all_notes(system))
    return ReferenceReport(
        notes=len(notes),
        references=sum(len(note.refs) for note in notes),
        unresolved=unresolved_references(system),
        unread=[unread for note in notes for unread in _unread(note, system)],
    )


def unresolved_references(system: ICD10CM) -> list[tuple[InstructionalNote, CodeRef]]:
    """Return the references that match no existing code, with the note they stand in."""
    found = [(note, ref) for note in all_notes(system) for ref in note.refs]
    resolved = {ref: _resolves(ref, system) for ref in {ref for _, ref in found}}
    return [(note, ref) for note, ref in found if not resolved[ref]]


def all_notes(system: ICD10CM) -> Iterator[InstructionalNote]:
    """Iterate over every note of a code system, each once, at the entry that carries it."""
    for name in (*system.groups(), *system.codes()):
        if name == system.stem(name):
            yield from system.notes(name, inherited=False)


def _unread(note: InstructionalNote, system: ICD10CM) -> Iterator[Unread]:
    for brackets in _BRACKETS.findall(note.text):
        named = any(code in system for code in _CODE.findall(brackets))
        if named and not parse_references(brackets):
            yield Unread(note, brackets, "in brackets")
    if note.kind in _ACTED_ON:
        for code in _CODE.findall(_BRACKETS.sub(" ", note.text)):
            if code in system:
                yield Unread(note, code, "outside brackets")


def _resolves(ref: CodeRef, system: ICD10CM) -> bool:
    if ref.first not in system or ref.last not in system:
        return False
    if not ref.values:
        return True
    return any(ref.matches(code) for code in system.codes())
