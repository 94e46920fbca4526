"""Words of a note as evidence for a code."""

from agent.result import Evidence
from knowledge.note_text import Note, Span


def evidence_at(note: Note, span: Span) -> Evidence:
    """Return the words of a span as evidence."""
    section = note.section_at(span.start).title
    return Evidence(start=span.start, end=span.end, text=note.slice(span), section=section)


def last_word(note: Note, span: Span) -> Span:
    """Return the last word of a clause: it stands behind the cues of the clause ("no fever")."""
    words = note.slice(span).rstrip()
    end = span.start + len(words)
    return Span(end - len(words.split()[-1]), end) if words else span
