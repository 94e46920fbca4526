"""Whether the note supports a more specific code, and what the guidelines say of a topic."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.chat.models import Citation, Statement, at_note
from agent.chat.places import WordPlaces, sentences_at, words_of
from agent.chat.session import Session
from indexes.tokens import text_stems
from knowledge.assertion import AssertionAnnotator
from knowledge.axes import open_axes
from knowledge.errors import UserError
from knowledge.guidelines import Card, cards_for, load_cards
from knowledge.note_text import Span

_MAX_CODES = 6
_MAX_CARDS = 3
_SAID = ("present", "possible", "historical")


class _Detail(NamedTuple):
    """A code near another, and which words that it says besides stand in the note."""

    code: str
    places: Sequence[Span]
    missing: Sequence[str]


def more_specific(session: Session, code: str) -> list[Statement]:
    """Tell which codes below or beside one the note's words support, and what the note leaves open.

    Words count in the sentences of the code's evidence, where it is on the list, else anywhere;
    words that the note denies do not count.
    """
    details = sorted(_details(session, code), key=lambda d: (len(d.missing), d.code))
    supported = [d for d in details if not d.missing]
    partly = [d for d in details if d.missing and d.places]
    statements = [_told(session, d) for d in (supported or partly)[:_MAX_CODES]]
    statements.extend(_open(session, code))
    if statements:
        return statements
    where = (Citation(source="tabular", at=code),)
    text = f"No code below or beside {session.title(code)} is supported by words of the note."
    near = ", ".join(d.code for d in details[:_MAX_CODES])
    return [Statement(text=text + (f" Near it: {near}." if near else ""), citations=where)]


def _details(session: Session, code: str) -> Iterator[_Detail]:
    system = session.system
    entry = system.get(code)
    item = session.work.find(code)
    within = sentences_at(session.note, item.evidence) if item else None
    words, annotator = WordPlaces(session.note), AssertionAnnotator(session.note)
    own = text_stems(entry.title)
    parent = system.get(system.stem(code)).parent
    near = system.children(parent) if entry.billable and parent else system.children(code)
    for other in near:
        if other in (code, system.stem(code)):
            continue
        title = system.get(other).title
        extra = text_stems(title) - own
        if not extra or "unspecified" in title.lower():
            continue
        found = {
            stem: [p for p in words.of(stem, within) if annotator.of(p).assertion in _SAID]
            for stem in extra
        }
        places = [spans[0] for spans in found.values() if spans]
        missing = words_of(title, [stem for stem, spans in found.items() if not spans])
        yield _Detail(other, places, missing)


def _told(session: Session, detail: _Detail) -> Statement:
    words = ", ".join(f'"{session.note.slice(place)}"' for place in sorted(detail.places))
    text = f"{session.title(detail.code)}: the note says {words}"
    if detail.missing:
        text += f"; not in it: {', '.join(detail.missing)}"
    if not session.system.get(detail.code).billable:
        text += "; it needs more characters"
    cites = tuple(at_note(place.start, place.end) for place in sorted(detail.places))
    return Statement(
        text=f"{text}.", citations=(*cites, Citation(source="tabular", at=detail.code))
    )


def _open(session: Session, code: str) -> Iterator[Statement]:
    if not session.system.get(code).billable:
        return
    item = session.work.find(code)
    spans = tuple(at_note(*span) for span in item.evidence[:1]) if item else ()
    for found in open_axes(session.system, code):
        options = ", ".join(f"{option.value} {option.code}" for option in found.options)
        cite = Citation(source="guideline", at=found.axis.citation)
        text = f"What the code leaves open: {found.axis.axis} ({options})."
        yield Statement(text=text, citations=(cite, *spans))


def guideline(session: Session, about: str) -> list[Statement]:
    """Tell what the guideline cards say: those of a section, of a code, or found by words.

    Raises:
        UserError: Nothing was asked about.
    """
    if not about.strip():
        raise UserError("no topic was given", fix="what does the guideline say about sepsis?")
    return [_card(found) for found in _cards(session, about.strip())[:_MAX_CARDS]]


def _cards(session: Session, about: str) -> Sequence[Card]:
    by_id = {found.id.casefold(): found for found in load_cards()}
    if about.casefold() in by_id:
        return [by_id[about.casefold()]]
    code = about.upper()
    if code in session.system:
        governing = cards_for(code)
        if governing:
            return governing
        about = session.system.get(code).title
    hits = session.parts.guidelines.search(about, _MAX_CARDS)
    return [by_id[hit.key.casefold()] for hit in hits]


def _card(found: Card) -> Statement:
    body = " ".join(found.body.split())
    text = f"{found.id} {found.title}: {body}"
    return Statement(text=text, citations=(Citation(source="guideline", at=found.id),))
