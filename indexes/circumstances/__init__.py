"""Candidates that no name of a disease decides: status, history, drugs, reasons, external causes.

A US coder reports them from how the note is written. Each reader finds one kind by the words of
`knowledge.circumstances`; what a reader proposes is certain enough to be coded where its words
stand, so that every candidate scores 1.
"""

from collections.abc import Callable, Iterator

from indexes.candidates import Candidate, Mention
from indexes.circumstances.allergies import read_allergies
from indexes.circumstances.causes import read_causes
from indexes.circumstances.drugs import read_long_term_drugs
from indexes.circumstances.phrase_rules import read_rules
from indexes.circumstances.poisoning import read_poisoning
from indexes.circumstances.pregnancy import read_pregnancy
from indexes.circumstances.reading import Found, NoteReading
from indexes.circumstances.tobacco import read_tobacco
from knowledge.circumstances import load_circumstances
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note, Span

Reader = Callable[[NoteReading], Iterator[Found]]


def _statuses(reading: NoteReading) -> Iterator[Found]:
    return read_rules(reading, load_circumstances("statuses"))


def _histories(reading: NoteReading) -> Iterator[Found]:
    return read_rules(reading, load_circumstances("histories"))


def _reasons(reading: NoteReading) -> Iterator[Found]:
    return read_rules(reading, load_circumstances("encounter_reasons"))


READERS: tuple[Reader, ...] = (
    read_long_term_drugs,
    _statuses,
    read_allergies,
    _histories,
    read_tobacco,
    _reasons,
    read_pregnancy,
    read_causes,
    read_poisoning,
)


class CircumstanceGenerator:
    """Candidate codes by circumstances.

    Args:
        system: The code system of the candidates; codes that it does not hold are left out.
    """

    name = "circumstances"

    def __init__(self, system: CodeSystem) -> None:
        self._system = system

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return the codes of the circumstances, in the order in which the note tells them."""
        reading = NoteReading(note)
        spans: dict[str, list[Span]] = {}
        for reader in READERS:
            for code, span in reader(reading):
                if code in self._system and span not in spans.setdefault(code, []):
                    spans[code].append(span)
        ranked = sorted(spans, key=lambda code: (spans[code][0], code))
        return [self._candidate(code, spans[code]) for code in ranked[:k]]

    def _candidate(self, code: str, spans: list[Span]) -> Candidate:
        title = self._system.get(code).title
        mentions = tuple(Mention(span, 1.0, title, self.name) for span in spans)
        return Candidate(code, 1.0, mentions, {self.name: 1.0})
