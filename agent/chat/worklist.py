"""Decisions on the list of codes: each takes the work as it is and returns it changed.

The order of the list is the order of reporting, and its first code is the principal diagnosis.
"""

from collections.abc import Sequence

from agent.chat.models import Closed, Dropped, Option, Question, Work, WorkingCode
from agent.result import Result
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError
from knowledge.note_text import Span
from knowledge.rules import CodedItem, Mend, apply_mend

BY_THE_CODER = "by the coder"
ALL = "all"


def start(result: Result) -> Work:
    """Return the list as the agent proposes it."""
    codes = tuple(
        WorkingCode(
            code=assigned.code,
            basis=assigned.code,
            evidence=tuple((e.start, e.end) for e in assigned.evidence),
            reason=assigned.reason,
        )
        for assigned in result.codes
    )
    return Work(codes=codes)


def accept(work: Work, code: str) -> Work:
    """Accept one code, or all of them."""
    if code != ALL:
        _entry(work, code)
    codes = tuple(
        item.model_copy(update={"status": "accepted"}) if code in (ALL, item.code) else item
        for item in work.codes
    )
    return work.model_copy(update={"codes": codes})


def reject(work: Work, code: str, reason: str) -> Work:
    """Take a code off the list; the next one becomes principal where it was the first."""
    entry = _entry(work, code)
    why = f"rejected {BY_THE_CODER}" + (f": {reason}" if reason else "")
    return _without(work, entry, why)


def replace(
    work: Work,
    code: str,
    new: str,
    system: ICD10CM,
    reason: str = f"put there {BY_THE_CODER}",
) -> Work:
    """Put another code in the place of one; it keeps the evidence."""
    entry = _entry(work, code)
    reportable(new, system)
    _absent(work, new)
    update = {"code": new, "status": "accepted", "origin": "coder"}
    changed = entry.model_copy(update={**update, "reason": f"{reason}, instead of {code}"})
    dropped = (*work.dropped, Dropped(code=code, reason=f"{new} {changed.reason}"))
    return work.model_copy(update={"codes": _put(work, entry, changed), "dropped": dropped})


def add(work: Work, code: str, span: Span | None, system: ICD10CM) -> Work:
    """Add a code at the end of the list, with the words of the note that support it."""
    reportable(code, system)
    _absent(work, code)
    entry = WorkingCode(
        code=code,
        status="accepted",
        origin="coder",
        evidence=((span.start, span.end),) if span else (),
        reason=f"added {BY_THE_CODER}",
    )
    return work.model_copy(update={"codes": (*work.codes, entry)})


def make_principal(work: Work, code: str) -> Work:
    """Move a code to the first place."""
    entry = _entry(work, code)
    rest = tuple(item for item in work.codes if item is not entry)
    return work.model_copy(update={"codes": (entry, *rest)})


def move(work: Work, code: str, place: int) -> Work:
    """Move a code to a place of the list, counted from 1; the first is the principal diagnosis.

    Raises:
        UserError: The code is not on the list, or the list has no such place.
    """
    entry = _entry(work, code)
    if not 1 <= place <= len(work.codes):
        raise UserError(
            f"the list has no place {place}; it has {len(work.codes)} codes",
            fix=f"/move {code} {min(max(place, 1), len(work.codes))}",
        )
    rest = [item for item in work.codes if item is not entry]
    rest.insert(place - 1, entry)
    return work.model_copy(update={"codes": tuple(rest)})


def mend(work: Work, edit: Mend, why: str) -> Work:
    """Apply the mend of a rule finding."""
    entries = {item.code: item for item in work.codes}
    bases = [entries[code].basis for code in edit.remove if code in entries]
    codes = []
    for item in apply_mend(coded_items(work), edit):
        entry = entries.get(item.code) or WorkingCode(
            code=item.code,
            status="accepted",
            origin="rule",
            basis=bases[0] if bases else None,
            evidence=item.evidence,
            reason=f"mend taken {BY_THE_CODER}: {why}",
        )
        codes.append(entry)
    gone = [Dropped(code=c, reason=why) for c in edit.remove if c in entries]
    return work.model_copy(update={"codes": tuple(codes), "dropped": (*work.dropped, *gone)})


def answer(work: Work, question: Question, option: Option) -> Work:
    """Close a question; an answer with another code changes the code."""
    closed = Closed(code=option.code or question.code, axis=question.axis, answer=option.value)
    work = work.model_copy(update={"closed": (*work.closed, closed)})
    if option.code is None or work.find(question.code) is None:
        return work
    entry = _entry(work, question.code)
    reason = f"answered {BY_THE_CODER}: {question.axis} {option.value}"
    update = {"code": option.code, "status": "accepted", "origin": "answer", "reason": reason}
    changed = entry.model_copy(update=update)
    dropped = work.dropped
    if option.code != question.code:
        dropped = (*dropped, Dropped(code=question.code, reason=f"{option.code} {reason}"))
    return work.model_copy(update={"codes": _put(work, entry, changed), "dropped": dropped})


def coded_items(work: Work) -> list[CodedItem]:
    """Return the list as the rules judge it."""
    return items_of([(item.code, item.evidence) for item in work.codes])


def items_of(codes: Sequence[tuple[str, tuple[tuple[int, int], ...]]]) -> list[CodedItem]:
    """Return codes with their evidence as coded items, the first as principal diagnosis."""
    return [
        CodedItem(code, "principal" if place == 0 else "secondary", evidence)
        for place, (code, evidence) in enumerate(codes)
    ]


def reportable(code: str, system: ICD10CM) -> None:
    """See that a code may be reported.

    Raises:
        UserError: It does not exist, or needs more characters.
    """
    if not system.get(code).billable:
        children = ", ".join(system.children(code)[:8])
        raise UserError(
            f"{code} needs more characters to be reported; below it: {children}",
            fix=f"is there a more specific code for {code}?",
        )


def _entry(work: Work, code: str) -> WorkingCode:
    entry = work.find(code)
    if entry is None:
        raise UserError(
            f"{code} is not on the list ({', '.join(work.named()) or 'which is empty'})",
            fix=f"/add {code}",
        )
    return entry


def _absent(work: Work, code: str) -> None:
    if work.find(code):
        raise UserError(f"{code} is on the list already", fix=f"/why {code}")


def _put(work: Work, old: WorkingCode, new: WorkingCode) -> tuple[WorkingCode, ...]:
    return tuple(new if item is old else item for item in work.codes)


def _without(work: Work, entry: WorkingCode, why: str) -> Work:
    rest = tuple(item for item in work.codes if item is not entry)
    dropped = (*work.dropped, Dropped(code=entry.code, reason=why))
    return work.model_copy(update={"codes": rest, "dropped": dropped})
