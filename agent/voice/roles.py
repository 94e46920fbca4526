"""What words do in a note: make a diagnosis, tell the story, list a finding, advise.

A section says most of it. Inside the sections where diagnoses are made there are problem lines
("2. Hypertension: stable on lisinopril"), the running text of the assessment, and advice, which
names diseases that nobody has.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from knowledge.note_text import Note, SectionKind, Span

Role = Literal[
    "diagnosis",
    "assessment",
    "course",
    "plan",
    "presenting",
    "listed",
    "finding",
    "medication",
    "allergy",
    "social",
    "advice",
    "other",
]
# Where a condition is assessed, not told or listed.
ASSESSED: frozenset[Role] = frozenset({"diagnosis", "assessment", "plan"})

_OF_SECTION: Mapping[SectionKind, Role] = {
    "diagnoses": "diagnosis",
    "assessment": "assessment",
    "plan": "plan",
    "hospital_course": "course",
    "chief_complaint": "presenting",
    "history_present": "presenting",
    "past_history": "listed",
    "review_of_systems": "finding",
    "exam": "finding",
    "results": "finding",
    "procedures": "finding",
    "medications": "medication",
    "allergies": "allergy",
    "social_history": "social",
    "family_history": "social",
    "disposition": "advice",
}
# "Allergies: ..." on one line speaks for that line alone; stories and findings go on below it.
_ONE_LINE: frozenset[Role] = frozenset({"listed", "medication", "allergy", "social", "advice"})
# Where what a sentence begins with is a problem, without more.
_NAMING: frozenset[Role] = frozenset({"assessment", "course"})
_PROBLEM_ORIENTED: frozenset[Role] = frozenset({"assessment", "course", "plan"})

# What may stand before the name of a problem: a bullet or number, and how it is called.
_LEAD = re.compile(
    r"[\s#•●▪*+–—-]*(?:\(?\d{1,2}[.):]?\s+|\d{1,2}[.)])?[\s•*+–—-]*"
    r"(?:(?:problem|impression|assessment|diagnosis|dx|primary|secondary)\s*(?:#?\d{1,2})?\s*:\s*)?",
    re.I,
)
_HASH = re.compile(r"\s*#\s*\w")
_MODIFIERS = 6  # words that may stand before the head of a problem and belong to its name
# Words that tell: a name has none of them.
_TELLING = re.compile(
    r"\b(?:s?he|they|patient|pt|we|i|is|are|was|were|has|have|had|will|would|should|may|can|for|"
    r"no|not|given|continue|start|started|discussed|reports|on|after)\b",
    re.I,
)
_NAME_END = re.compile(r"[:;,(]|\.(?=\s|$)|\s[-–—]+>?\s|\s(?:for|since|x)\s+(?=\S)")
_HEADED = re.compile(r"\s*(?::|[-–—]+>?\s)")
_ADVICE = re.compile(
    r"\s*[•●▪*+–—-]?\s*(?:patient |family |parent )?(?:education|counsel+ing|advice|instructions?|"
    r"return precautions|precautions|anticipatory guidance|immuni[sz]ations?|"
    r"vaccin(?:es?|ations?)|health maintenance)\b[^:.\n]{0,40}:",
    re.I,
)


class Place(NamedTuple):
    """Where words stand in a note.

    Attributes:
        role: What they do there.
        name: The name of the problem that they belong to ("2. Anemia of CKD: stable" about "Anemia"
            is "Anemia of CKD"); None for words that name no problem.
    """

    role: Role
    name: Span | None


def place_of(note: Note, span: Span) -> Place:
    """Return where the words at ``span`` stand."""
    role = _OF_SECTION.get(note.section_at(span.start).kind, "other")
    if role in _ONE_LINE and note.speaking_section(span.start) is None:
        role = "other"
    line = _line(note, span)
    if role == "diagnosis":
        return Place(role, _name_around(note, line, span))
    if role in _PROBLEM_ORIENTED:
        if _ADVICE.match(note.slice(line)):
            return Place("advice", None)
        sentence = note.sentence_at(span.start)
        line = line if sentence is None or role == "plan" else _within(sentence.span, line)
    elif role != "other":
        return Place(role, None)
    text = note.slice(line)
    if _names_problem(text, span.start - line.start):
        name = _name_around(note, line, span)
        # In a plan the first words of a line are mostly what is to be done, in prose its subject.
        sure = role in _NAMING or _HASH.match(text) or _HEADED.match(note.text, name.end)
        if sure:
            return Place("diagnosis", name)
    return Place("course" if role == "other" and _HASH.match(text) else role, None)


def _line(note: Note, span: Span) -> Span:
    """Return the line that holds the start of ``span``, without a heading on it."""
    start = note.text.rfind("\n", 0, span.start) + 1
    end = note.text.find("\n", span.start)
    body = note.section_at(span.start).body.start
    start = max(start, body) if body <= span.start else start
    return Span(start, len(note.text) if end < 0 else end)


def _within(sentence: Span, line: Span) -> Span:
    """Return the part of a line that begins with a sentence."""
    return Span(max(sentence.start, line.start), line.end)


def _names_problem(line: str, at: int) -> bool:
    """Tell whether the words at ``at`` belong to the name of the problem that a line is about."""
    before = line[min(_lead(line), at) : at]
    return (
        len(before.split()) <= _MODIFIERS
        and not _TELLING.search(before)
        and not _NAME_END.search(before)
    )


def _name_around(note: Note, line: Span, span: Span) -> Span:
    """Return the span of the name on a line that holds the words at ``span``."""
    text = note.slice(line)
    first = min(line.start + _lead(text), span.start)
    for border in _NAME_END.finditer(note.text, first, span.start):
        first = border.end()
    end = _NAME_END.search(note.text, min(span.end, line.end), line.end)
    return Span(first, max(span.end, end.start() if end else line.end))


def _lead(line: str) -> int:
    lead = _LEAD.match(line)
    return lead.end() if lead else 0
