"""The vocabulary every candidate generator shares: a candidate, its mentions, one signature."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from knowledge.note_text import Note, Span


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of the note that suggest a code.

    Attributes:
        span: Where they stand, as offsets into the note as given.
        score: How well they fit, in [0, 1]; comparable within one generator only.
        term: The description, inclusion term or synonym they were matched to.
        source: Name of the generator that found them.
    """

    span: Span
    score: float
    term: str
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code a generator proposes for a note.

    Attributes:
        code: Dotted upper-case code of the code system in use.
        score: The generator's own score, higher is better, comparable within one ranking only.
        mentions: The words that suggested it, best first; empty where a generator cannot tell.
        sources: Score by generator name; a single generator puts its own, fusion all of them.
        features: Further numbers that a generator knows of the code, by name, for the ranker; they
            are not part of results.
    """

    code: str
    score: float
    mentions: tuple[Mention, ...] = ()
    sources: dict[str, float] = field(default_factory=dict)
    features: dict[str, float] = field(default_factory=dict)


class CandidateGenerator(Protocol):
    """Turns a note into ranked candidate codes."""

    name: str

    def candidates(self, note: Note, k: int) -> Sequence[Candidate]:
        """Return at most ``k`` distinct codes, best first."""
        ...
