"""Why a code is on the list, and why another is not: told from the result and the trace."""

from collections.abc import Iterator

from agent.chat.models import Citation, Statement, WorkingCode, at_note, at_trace
from agent.chat.places import words_of
from agent.chat.rule_answers import if_added
from agent.chat.session import Session
from agent.result import AssignedCode
from indexes.plm_icd.predict import NAME as PLM_ICD
from indexes.tokens import text_stems
from knowledge.guidelines import card, cards_for

_LLM = "llm"
_MAX_CARDS = 2
_MAX_BELOW = 4
_ASSERTED = {
    "present": "The note states it as present.",
    "possible": "The note states it as uncertain.",
    "historical": "The note states it as past.",
    "family": "The note states it of a relative.",
    "absent": "The note rules it out.",
    "hypothetical": "The note speaks of it as a possibility ahead.",
}


def why(session: Session, code: str) -> Iterator[Statement]:
    """Tell what speaks for a code of the list, and every step that led to it."""
    item = session.work.find(code)
    if item is None:
        yield Statement(text=f"{session.title(code)} is not on the list.")
        yield from why_not(session, code)
        return
    agents = session.assigned.get(item.basis or "")
    yield from _standing(session, item, agents)
    yield from _evidence(session, item)
    yield from _voices(session, agents)
    yield from _steps(session, code, *([item.basis] if item.basis else []))
    yield from _sections(session, code, agents)


def why_not(session: Session, code: str) -> Iterator[Statement]:
    """Tell where a code was left: by the coder, in a step, in the ranking, or never retrieved."""
    if session.work.find(code):
        yield from why(session, code)
        return
    steps = session.trace.of(code)
    statements = [
        *_dropped(session, code),
        *(list(_replaced(session, code)) or _rejected(session, code)),
        *_ranked(session, code),
        *_plm_icd_alone(session, code),
        *_below(session, code),
    ]
    yield from statements
    if not statements and not steps:
        yield _not_retrieved(session, code)
    yield from _steps(session, code)
    yield from if_added(session, code)


def _standing(
    session: Session, item: WorkingCode, agents: AssignedCode | None
) -> Iterator[Statement]:
    role = "principal" if session.work.codes[0] is item else "secondary"
    text = f"{session.title(item.code)} is on the list, {role}, {item.status}: {item.reason}."
    steps = session.trace.of(item.code)
    yield Statement(text=text, citations=(at_trace(steps[-1].number),) if steps else ())
    if agents and item.origin != "agent":
        text = f"It stands in the place of the agent's {session.title(agents.code)}."
        yield Statement(text=text)


def _evidence(session: Session, item: WorkingCode) -> Iterator[Statement]:
    for start, end in item.evidence:
        section = session.note.section_at(start).title
        where = f' under "{section}"' if section else ""
        text = f'Evidence: "{session.words((start, end))}"{where}.'
        yield Statement(text=text, citations=(at_note(start, end),))
    if not item.evidence:
        yield Statement(text="No words of the note were named for it.")


def _voices(session: Session, agents: AssignedCode | None) -> Iterator[Statement]:
    """Tell assertion, confidence, the score of each voice and PLM-ICD's opinion."""
    if agents is None:
        return
    end = at_trace(session.trace.run_end)
    spans = tuple(at_note(e.start, e.end) for e in agents.evidence[:1])
    yield Statement(text=_ASSERTED[agents.assertion], citations=spans)
    own = {k: v for k, v in agents.sources.items() if k not in (_LLM, PLM_ICD)}
    voices = ", ".join(f"{name} {score:.2f}" for name, score in own.items())
    text = f"The agent's confidence in {agents.code} is {agents.confidence:.2f}"
    yield Statement(text=f"{text}; voices: {voices or 'none'}.", citations=(end,))
    if _LLM in agents.sources:
        text = f"The LLM's log-odds of yes are {agents.sources[_LLM]:+.1f}."
        yield Statement(text=text, citations=(end,))
    opinion = session.result.plm_icd
    if opinion:
        yield Statement(text=_plm_icd(agents, session), citations=(end,))


def _plm_icd(agents: AssignedCode, session: Session) -> str:
    opinion = session.result.plm_icd
    assert opinion is not None
    if agents.code in opinion.outside_label_space:
        return f"PLM-ICD cannot judge {agents.code}: it is not among its codes."
    given = agents.sources.get(PLM_ICD)
    figure = f" ({given:.2f})" if given is not None else ""
    verb = "assigns" if agents.code in opinion.agree else "does not assign"
    return f"PLM-ICD {verb} {agents.code}{figure}."


def _steps(session: Session, *codes: str) -> Iterator[Statement]:
    """Tell every event of the trace that concerns one of the codes."""
    seen: set[int] = set()
    for line in sorted((li for c in codes for li in session.trace.of(c)), key=lambda li: li.number):
        if line.number in seen:
            continue
        seen.add(line.number)
        cited = [at_trace(line.number), *_cards(line.citation)]
        told = ": ".join(part for part in (line.node, line.text, line.reason) if part)
        yield Statement(text=f"{told.rstrip('.')}.", citations=tuple(cited))


def _sections(session: Session, code: str, agents: AssignedCode | None) -> Iterator[Statement]:
    shaped = list(dict.fromkeys(agents.guidelines)) if agents else []
    for section in shaped:
        found = card(section)
        if found:
            cite = Citation(source="guideline", at=section)
            yield Statement(text=f"Shaped by {section}: {found.title}.", citations=(cite,))
    for found in cards_for(code)[:_MAX_CARDS]:
        if found.id not in shaped:
            cite = Citation(source="guideline", at=found.id)
            yield Statement(text=f"Governed by {found.id}: {found.title}.", citations=(cite,))


def _cards(section: str | None) -> Iterator[Citation]:
    if section and card(section):
        yield Citation(source="guideline", at=section)


def _dropped(session: Session, code: str) -> Iterator[Statement]:
    for dropped in session.work.dropped:
        if dropped.code == code:
            numbers = [line.number for line in session.trace.of(code) if line.node == "chat"]
            cites = tuple(map(at_trace, numbers[-1:]))
            yield Statement(text=f"{code} left the list: {dropped.reason}.", citations=cites)


def _rejected(session: Session, code: str) -> Iterator[Statement]:
    """Tell the stage that rejected a code; the reason too where no step below tells it."""
    for rejected in session.result.rejected:
        if rejected.code == code:
            text = f"{session.title(code)} was rejected in {rejected.stage}"
            if not any(line.reason == rejected.reason for line in session.trace.of(code)):
                text += f": {rejected.reason}"
            cites = (at_trace(session.trace.run_end),)
            yield Statement(text=f"{text.rstrip('.')}.", citations=cites)


def _replaced(session: Session, code: str) -> Iterator[Statement]:
    """Tell the codes that came in the place of one during the run."""
    for line in session.trace.of(code):
        if line.replacement and line.replacement != code:
            text = f"{session.title(code)} was replaced by {session.title(line.replacement)}."
            yield Statement(text=text, citations=(at_trace(line.number),))


def _plm_icd_alone(session: Session, code: str) -> Iterator[Statement]:
    """Tell that PLM-ICD alone assigns a code, and where its attention rests."""
    opinion = session.result.plm_icd
    for only in opinion.plm_only if opinion else ():
        if only.code == code:
            cites = (at_note(e.start, e.end) for e in only.evidence)
            text = f"PLM-ICD assigns {code} ({only.probability:.2f}), the agent does not."
            yield Statement(text=text, citations=(*cites, at_trace(session.trace.run_end)))


def _ranked(session: Session, code: str) -> Iterator[Statement]:
    places = [candidate.code for candidate in session.result.candidates]
    if code not in places:
        return
    place = places.index(code)
    score = session.result.candidates[place].score
    text = f"{code} is a candidate: place {place + 1} of {len(places)} with score {score:.3f}"
    found = session.trace.retrieved.get(code)
    if found:
        by = ", ".join(f"{name} {value:.2f}" for name, value in found.sources.items())
        text += f"; retrieved as number {found.rank} ({by})"
    text += "." if session.trace.of(code) else "; too little speaks for it to be judged."
    cites = (at_trace(session.trace.retrieve_line), at_trace(session.trace.run_end))
    yield Statement(text=text, citations=cites)


def _below(session: Session, code: str) -> Iterator[Statement]:
    """Name what the agent made of the codes below one that cannot be reported."""
    if session.system.get(code).billable:
        return
    below = set(session.system.descendants(code))
    on_list = [c for c in session.work.named() if c in below]
    rejected = [r.code for r in session.result.rejected if r.code in below][:_MAX_BELOW]
    text = f"{session.title(code)} needs more characters to be reported."
    if on_list:
        text += f" On the list below it: {', '.join(on_list)}."
    if rejected:
        text += f" Rejected below it: {', '.join(rejected)}."
    yield Statement(text=text, citations=(Citation(source="tabular", at=code),))


def _not_retrieved(session: Session, code: str) -> Statement:
    title = session.system.get(code).title
    absent = words_of(title, text_stems(title) - text_stems(session.note.text))
    lacking = f" The note lacks words of its title: {', '.join(absent)}." if absent else ""
    text = f"{session.title(code)} was not retrieved: no generator found it in the note.{lacking}"
    return Statement(text=text, citations=(at_trace(session.trace.retrieve_line),))
