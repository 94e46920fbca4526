"""What each action does: an answer, or a decision that leads from one work to the next."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from agent.chat import worklist
from agent.chat.detail_answers import guideline, more_specific
from agent.chat.models import (
    Decision,
    EvidencedCode,
    Option,
    Question,
    Statement,
    Turn,
    Work,
    WorkingCode,
    at_note,
    at_trace,
)
from agent.chat.open_points import OTHER
from agent.chat.places import find_words
from agent.chat.rule_answers import (
    Checked,
    what_if_added,
    what_if_removed,
    what_if_replaced,
)
from agent.chat.session import Session
from agent.chat.why import why, why_not
from indexes.tokens import text_stems
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

_Answer = Callable[[Session, str], Iterable[Statement]]


class Decided(NamedTuple):
    """What came of a decision: the work after it, its record, and what is said about it."""

    work: Work
    decision: Decision
    statement: Statement


class _Change(NamedTuple):
    """The work after a decision, what changed in words, and the codes that it is about."""

    work: Work
    text: str
    codes: tuple[EvidencedCode, ...]
    replacement: tuple[str, ...] = ()


def answer(session: Session, turn: Turn) -> Iterable[Statement]:
    """Answer a question about the list, statement by statement.

    Args:
        session: The session.
        turn: The question; its action is one of `QUESTIONS`.

    Raises:
        UserError: The question names no code where one is needed.
    """
    if turn.action == "guideline":
        return guideline(session, turn.text)
    if turn.action == "what_if_replaced":
        return what_if_replaced(session, turn.code, turn.other)
    code = turn.code or code_named(session, turn.text, among_rejected=turn.action == "whynot")
    return _ANSWERS[turn.action](session, code)


_ANSWERS: dict[str, _Answer] = {
    "why": why,
    "whynot": why_not,
    "specific": more_specific,
    "what_if_added": what_if_added,
    "what_if_removed": what_if_removed,
}
QUESTIONS = frozenset({*_ANSWERS, "guideline", "what_if_replaced"})


def code_named(session: Session, text: str, *, among_rejected: bool = False) -> str:
    """Return the code that a text names: itself, or the one code with these words.

    Args:
        session: The session.
        text: A code, or words of its title or evidence.
        among_rejected: Whether the words are of a rejected code and not of one of the list.

    Raises:
        UserError: It names none, or several.
    """
    try:
        return session.system.get(session.system.normalise(text)).code
    except UserError:
        asked = text_stems(text)
    if among_rejected:
        said = {r.code: session.title(r.code) for r in session.result.rejected}
    else:
        said = {item.code: _said(session, item) for item in session.work.codes}
    found = [code for code, words in said.items() if asked and asked <= text_stems(words)]
    if len(found) == 1:
        return found[0]
    where = "rejected code" if among_rejected else "code of the list"
    which = f"fits {', '.join(found)}" if found else f"fits no {where}"
    raise UserError(f"{text!r} {which}", fix="name one code, such as those of /codes")


def _said(session: Session, item: WorkingCode) -> str:
    return " ".join((session.title(item.code), *map(session.words, item.evidence)))


def decide(session: Session, turn: Turn, checked: Checked | None) -> Decided:
    """Take a decision of the coder; ``turn.action`` is one of `DECISIONS`.

    Args:
        session: The session before it.
        turn: The decision.
        checked: The last check, for mends.

    Raises:
        UserError: It cannot be taken as it stands.
    """
    change = _DECISIONS[turn.action](session, turn, checked)
    reason = turn.text if turn.action == "reject" else ""
    return _decided(session, change, action=turn.action, reason=reason)


def settle(session: Session, question: Question, option: Option) -> Decided:
    """Take the answer to a clarifying question."""
    work = worklist.answer(session.work, question, option)
    text = f"answered by the coder, {question.axis} of {question.code}: {option.value}"
    changed = option.code is not None and option.code != question.code
    if option.code and changed:
        text += f"; {question.code} becomes {session.title(option.code)}"
    about = (EvidencedCode(code=question.code, spans=question.spans),)
    if option == OTHER:
        text += f"; name it with /replace {question.code} CODE"
    change = _Change(work, text, about, (option.code,) if option.code and changed else ())
    action = "answer" if option.code else "dismiss"
    return _decided(session, change, action=action, reason=f"{question.axis}: {option.value}")


def take_back(session: Session, undone: int, work: Work) -> Decided:
    """Take decision number ``undone`` back, which leads to an earlier work."""
    taken = next(decision for decision in session.decisions if decision.seq == undone)
    text = f"decision {undone} taken back: {taken.action}"
    return _decided(session, _Change(work, text, taken.codes), action="undo", undone=undone)


def _decided(session: Session, change: _Change, action: str, **fields: object) -> Decided:
    decision = Decision.model_validate(
        {
            "seq": len(session.decisions) + 1,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "action": action,
            "codes": change.codes,
            "replacement": change.replacement,
            **fields,
        }
    )
    spans = change.codes[0].spans if len(change.codes) == 1 else ()
    cites = (at_trace(session.trace.last + 1), *(at_note(*span) for span in spans))
    text = f"{change.text[0].upper()}{change.text[1:]}."
    return Decided(change.work, decision, Statement(text=text, citations=cites))


def _accept(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    work = worklist.accept(session.work, turn.code)
    if turn.code == worklist.ALL:
        about = _evidenced(session, *session.work.named())
        return _Change(work, f"all {len(work.codes)} codes accepted", about)
    return _Change(work, f"{turn.code} accepted", _evidenced(session, turn.code))


def _reject(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    work = worklist.reject(session.work, turn.code, turn.text)
    return _Change(work, f"{turn.code} rejected", _evidenced(session, turn.code))


def _replace(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    work = worklist.replace(session.work, turn.code, turn.other, session.system)
    text = f"{turn.code} becomes {session.title(turn.other)}"
    return _Change(work, text, _evidenced(session, turn.code), (turn.other,))


def _add(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    place = _marked(session.note, turn)
    work = worklist.add(session.work, turn.code, place, session.system)
    added = EvidencedCode(code=turn.code, spans=((place.start, place.end),) if place else ())
    return _Change(work, f"{session.title(turn.code)} added", (added,))


def _marked(note: Note, turn: Turn) -> Span | None:
    """Return the words of the note that a turn names, by their offsets or as they stand there."""
    if turn.span is None:
        return find_words(note, turn.text) if turn.text else None
    start, end = turn.span
    if not 0 <= start < end <= len(note.text):
        raise UserError(
            f"the note has no characters {start}-{end}; it has {len(note.text)}",
            fix="mark words of the note",
        )
    return Span(start, end)


def _move(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    work = worklist.move(session.work, turn.code, turn.number)
    text = f"{turn.code} is in place {turn.number}"
    return _Change(work, text, _evidenced(session, turn.code))


def _principal(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    work = worklist.make_principal(session.work, turn.code)
    return _Change(work, f"{turn.code} is the principal diagnosis", _evidenced(session, turn.code))


def _mend(session: Session, turn: Turn, checked: Checked | None) -> _Change:
    if checked is None:
        raise UserError("there was no check yet", fix="/check")
    edit, finding = checked.mend(turn.number, session.work.named())
    work = worklist.mend(session.work, edit, finding.message)
    text = f"mend of finding {turn.number} ({finding.rule}): {edit}"
    return _Change(work, text, _evidenced(session, *edit.remove), tuple(edit.add))


_DECISIONS: dict[str, Callable[[Session, Turn, Checked | None], _Change]] = {
    "accept": _accept,
    "reject": _reject,
    "replace": _replace,
    "add": _add,
    "principal": _principal,
    "move": _move,
    "mend": _mend,
}
DECISIONS = frozenset(_DECISIONS)


def _evidenced(session: Session, *codes: str) -> tuple[EvidencedCode, ...]:
    entries = {item.code: item.evidence for item in session.work.codes}
    return tuple(EvidencedCode(code=code, spans=entries.get(code, ())) for code in codes)
