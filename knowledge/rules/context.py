"""What the rules look at: the coded items of one encounter and its circumstances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812  (a field below is named date)
from functools import cached_property
from typing import Literal

from knowledge.code_systems import ICD10CM
from knowledge.notes import InstructionalNote, NoteKind

Setting = Literal["inpatient", "outpatient"]
Sex = Literal["M", "F"]
Role = Literal["principal", "secondary", "admitting"]


@dataclass(frozen=True, slots=True)
class EncounterContext:
    """Circumstances of an encounter that decide which rules apply.

    Attributes:
        setting: Inpatient follows section II of the guidelines, outpatient section IV.
        sex: As on the record; None if unknown.
        age: In years; below one as a fraction; None if unknown.
        date: Of discharge or of the visit; None if unknown.
    """

    setting: Setting = "inpatient"
    sex: Sex | None = None
    age: float | None = None
    date: Date | None = None


@dataclass(frozen=True, slots=True)
class CodedItem:
    """A code as reported for an encounter.

    Attributes:
        code: In official form (`ICD10CM.normalise`).
        role: The admitting diagnosis stands apart from the reported set.
        evidence: Offsets (start, end) of the supporting words in the note, if known.
    """

    code: str
    role: Role = "secondary"
    evidence: tuple[tuple[int, int], ...] = ()


class Case:
    """The coded items of one encounter as the rules need them.

    Attributes:
        items: All items as given.
        context: Circumstances of the encounter.
        system: The code system.
    """

    def __init__(
        self, items: Sequence[CodedItem], context: EncounterContext, system: ICD10CM
    ) -> None:
        self.items = tuple(items)
        self.context = context
        self.system = system
        self._notes: dict[tuple[str, NoteKind], tuple[InstructionalNote, ...]] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}

    @cached_property
    def sequence(self) -> tuple[CodedItem, ...]:
        """The reported items in order: the principal diagnosis first, no admitting diagnosis."""
        reported = [item for item in self.items if item.role != "admitting"]
        return tuple(sorted(reported, key=lambda item: item.role != "principal"))

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Position in the sequence of each reported code that exists."""
        ranks: dict[str, int] = {}
        for position, item in enumerate(self.sequence):
            if item.code in self.system:
                ranks.setdefault(item.code, position)
        return ranks

    @property
    def principals(self) -> tuple[str, ...]:
        """The codes given as principal diagnosis that exist, in the order given."""
        return tuple(
            item.code
            for item in self.items
            if item.role == "principal" and item.code in self.system
        )

    @property
    def codes(self) -> tuple[str, ...]:
        """The reported codes that exist, each once, in order."""
        return tuple(self.ranks)

    def title(self, code: str) -> str:
        """Return the title of a code without what its 7th character means."""
        return self.system.get(self.system.stem(code)).title

    def starting(self, *prefixes: str) -> list[str]:
        """Return the reported codes that start with one of the prefixes, in order."""
        return [code for code in self.codes if code.startswith(prefixes)]

    def notes(self, code: str, kind: NoteKind) -> tuple[InstructionalNote, ...]:
        """Return the notes of one kind that govern a code, inherited ones included.

        There are none for a code that the release does not have.
        """
        found = self._notes.get((code, kind))
        if found is None:
            notes = self.system.notes(code) if code in self.system else ()
            found = tuple(note for note in notes if note.kind == kind)
            self._notes[code, kind] = found
        return found

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the entries above a code, as `ICD10CM.ancestors` does."""
        if code not in self._ancestors:
            self._ancestors[code] = self.system.ancestors(code)
        return self._ancestors[code]

    def evidence(self, code: str) -> tuple[tuple[int, int], ...]:
        """Return the evidence spans of all items with this code."""
        return tuple(span for item in self.items if item.code == code for span in item.evidence)

    def others(self, code: str, note: InstructionalNote) -> list[str]:
        """Return the other reported codes that a note of the code refers to, in order."""
        return [other for other in self.codes if other != code and note.matches(other)]
