"""The episode of care of an injury, read from the words of a note: the 7th character it leads to.

Active treatment is taken for granted (A). What follows it, healing or a late effect must be said,
of the injury itself or of the whole visit (guideline sections I.C.19.a and I.C.19.c.1). A fracture
says more: open or closed, by Gustilo type, and how it heals.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from knowledge.note_text import Note, SectionKind, Sentence, Span

Phase = Literal["initial", "subsequent", "delayed healing", "nonunion", "malunion", "sequela"]
Wound = Literal["closed", "open", "open III"]

# 7th characters of fractures by phase: closed, open of type I or II or unknown, open of type III.
_FRACTURE: Mapping[Phase, str] = {
    "initial": "ABC",
    "subsequent": "DEF",
    "delayed healing": "GHJ",
    "nonunion": "KMN",
    "malunion": "PQR",
    "sequela": "SSS",
}
_WOUNDS: tuple[Wound, ...] = ("closed", "open", "open III")
_PHASES: tuple[Phase, ...] = (
    "initial",
    "subsequent",
    "delayed healing",
    "malunion",
    "nonunion",
    "sequela",
)
_COMPLICATIONS = tuple(f"T{number}" for number in range(80, 89))
_PLAIN: Mapping[Phase, str] = {"initial": "A", "sequela": "S"}
_SUBSEQUENT = "D"

_SEQUELA = re.compile(
    r"\b(?:sequelae?|late effects?|residuals? (?:of|from)|due to (?:an? )?(?:old|remote|prior) "
    r"(?:injury|fracture|burn|trauma))\b",
    re.I,
)
_HEALING: tuple[tuple[Phase, re.Pattern[str]], ...] = (
    ("nonunion", re.compile(r"\bnon-?\s?union\b|\bununited\b|\bpseud[oa]rthrosis\b", re.I)),
    ("malunion", re.compile(r"\bmal-?\s?union\b|\bmalunited\b", re.I)),
    (
        "delayed healing",
        re.compile(r"\bdelayed (?:healing|union)\b|\bslow(?:ly)? (?:to heal|healing)\b", re.I),
    ),
)
# Of the injury itself.
_SUBSEQUENT_HERE = re.compile(
    r"\b(?:healing|healed|callus|callous|aftercare|subsequent encounter"
    r"|(?:s/p|status[- ]post|p/o|post-?op(?:erative)?)\b[^.;\n]{0,60}\b"
    r"(?:orif|crpp|fixation|pinning|nail(?:ing)?|casting|reduction|repair|surgery)"
    r"|(?:weeks?|wks?|months?|days?) (?:out )?"
    r"(?:s/p|status[- ]post|after|out from|post-?op\w*|following|since)\b"
    r"|(?:f/u|follow-?\s?up|follow-?\s?up visit) (?:of|for)|recheck of)",
    re.I,
)
# Of the whole visit; "follow up with orthopedics in a week" is ahead and says nothing.
_SUBSEQUENT_VISIT = re.compile(
    r"\b(?:(?:here|seen|returns?|returning|presents?|comes?|back|visit|in clinic)\b"
    r"[^.\n]{0,40}?\b(?:for|in)\b[^.\n]{0,30}?\b"
    r"(?:f/u|follow-?\s?up|recheck|re-?evaluation|cast (?:removal|change)|wound check"
    r"|post-?op(?:erative)? (?:visit|check))"
    r"|follow-?\s?up (?:visit|appointment|evaluation|note|clinic|of)"
    r"|fracture (?:clinic )?follow-?\s?up|(?:suture|staple|stitch|cast) removal"
    r"|post-?op(?:erative)? (?:visit|check|week|day)|subsequent encounter)",
    re.I,
)
_AHEAD = re.compile(r"\bfollow-?\s?up (?:with|in|at|as needed)\b|\breturn (?:if|to ed|for)\b", re.I)
_AHEAD_SECTIONS: frozenset[SectionKind] = frozenset({"plan", "disposition", "medications"})
# Why the patient comes stands at the beginning; later on notes tell the course.
_OPENING_SENTENCES = 5
_OPEN = re.compile(
    r"\b(?:open|compound)\b[^.;\n]{0,40}\bfractur|\bgustilo\b"
    r"|\bfractur[^.;\n]{0,40}\bopen\b(?! reduction)",
    re.I,
)
_TYPE_III = re.compile(
    r"\b(?:type|grade|gustilo(?:[- ]anderson)?(?: (?:type|grade))?)\s*(?:III|3)\s*[ABC]?\b", re.I
)


@dataclass(frozen=True, slots=True)
class Episode:
    """The episode of care of an injury.

    Attributes:
        phase: How far its treatment or healing is.
        wound: Of a fracture, whether it is open, and of what Gustilo type.
    """

    phase: Phase = "initial"
    wound: Wound = "closed"

    def characters(self, code: str) -> str:
        """Return the 7th characters that tell it, the most exact first.

        A complication that is treated is in its active phase, whenever the operation was.

        Args:
            code: The code that takes one of them.
        """
        treated = code.startswith(_COMPLICATIONS) and self.phase == "subsequent"
        phase = "initial" if treated else self.phase
        fracture = _FRACTURE[phase][_WOUNDS.index(self.wound)]
        return fracture + _FRACTURE[phase][0] + _PLAIN.get(phase, _SUBSEQUENT)

    def joined(self, other: "Episode") -> "Episode":
        """Return what two mentions of one injury tell: the later phase, the worse wound."""
        phase = max(self.phase, other.phase, key=_PHASES.index)
        return Episode(phase, max(self.wound, other.wound, key=_WOUNDS.index))


class EpisodeReader:
    """Reads the episodes of the injuries of one note.

    Args:
        note: The note.
    """

    def __init__(self, note: Note) -> None:
        self._note = note

    def of(self, span: Span) -> Episode:
        """Return the episode of the injury that a span names."""
        sentence = self._note.sentence_at(span.start)
        text = self._note.slice(sentence.span) if sentence else self._note.slice(span)
        return Episode(self._phase(text), _wound(text))

    def _phase(self, sentence: str) -> Phase:
        if _SEQUELA.search(sentence):
            return "sequela"
        for phase, pattern in _HEALING:
            if pattern.search(sentence):
                return phase
        past_treatment = _SUBSEQUENT_HERE.search(sentence) and not _AHEAD.search(sentence)
        return "subsequent" if past_treatment or self._is_subsequent_visit else "initial"

    @cached_property
    def _is_subsequent_visit(self) -> bool:
        opening = self._note.sentences[:_OPENING_SENTENCES]
        texts = [self._note.slice(s.span) for s in opening if not self._is_ahead(s)]
        texts += [section.title for section in self._note.sections[:1]]
        return any(_SUBSEQUENT_VISIT.search(t) and not _AHEAD.search(t) for t in texts)

    def _is_ahead(self, sentence: Sentence) -> bool:
        return self._note.sections[sentence.section].kind in _AHEAD_SECTIONS


def _wound(sentence: str) -> Wound:
    if not _OPEN.search(sentence):
        return "closed"
    return "open III" if _TYPE_III.search(sentence) else "open"
