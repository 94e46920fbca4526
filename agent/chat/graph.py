"""The graph of a conversation: one turn, then the questions that are open.

    START -> turn -> clarify -> END
                       |  ^
                       +--+   an answer may open the next question

``clarify`` waits for the coder by a LangGraph interrupt. A turn that comes instead of an answer
starts anew, and the question is put again after it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agent.chat import turns, worklist
from agent.chat.models import ChatState, Option, Reply, ReplyKind, Statement, Turn, Work
from agent.chat.open_points import open_questions
from agent.chat.rule_answers import Checked, check_list, tell
from agent.chat.run_trace import shorten
from agent.chat.session import Parts, Session
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.trace.events import Event
from knowledge.errors import UserError

STATEMENTS = "statements"  # of a message: what it says, with citations
OnEvent: TypeAlias = Callable[[Event], None]
OnStatement: TypeAlias = Callable[[Statement], None]


@dataclass(frozen=True)
class Listening:
    """Who hears a turn while it goes on; what a listener raises ends the turn.

    Attributes:
        on_event: Told each event of a coding run as it happens.
        on_statement: Told each statement of an answer as it comes.
    """

    on_event: OnEvent | None = None
    on_statement: OnStatement | None = None


ChatGraph: TypeAlias = CompiledStateGraph[ChatState, Listening, ChatState, ChatState]


def build_chat_graph(
    parts: Parts, checkpointer: "BaseCheckpointSaver[str] | None" = None
) -> ChatGraph:
    """Return the compiled graph.

    Args:
        parts: What its turns work with.
        checkpointer: Where threads live; None leaves that to whoever runs the graph.
    """

    def take(state: ChatState, runtime: Runtime[Listening]) -> ChatState:
        # Without a listener, as under a LangGraph server, the context is None.
        return take_turn(state, parts, runtime.context or Listening())

    def ask(state: ChatState) -> Command[Any]:
        return clarify(state, parts)

    graph: StateGraph[ChatState, Listening, ChatState, ChatState] = StateGraph(
        ChatState, context_schema=Listening
    )
    graph.add_node("turn", take)
    graph.add_node("clarify", ask, destinations=("clarify", END))
    graph.add_edge(START, "turn")
    graph.add_edge("turn", "clarify")
    return graph.compile(checkpointer=checkpointer)


def take_turn(state: ChatState, parts: Parts, listening: Listening) -> ChatState:
    """Do what the turn asks; a mistake of the coder becomes the reply and changes nothing."""
    turn = Turn.model_validate(state["turn"])
    try:
        if turn.action == "note":
            return _code_note(turn, parts, listening.on_event)
        session = Session.of(state, parts)
        if turn.action in turns.DECISIONS:
            return _after(
                state, session, turns.decide(session, turn, _check_of(state, session, turn))
            )
        if turn.action in turns.QUESTIONS:
            return _reply("answer", _heard(turns.answer(session, turn), listening))
        return _OTHERS[turn.action](state, session, turn)
    except UserError as error:
        return _reply("error", [Statement(text=str(error))])


def clarify(state: ChatState, parts: Parts) -> Command[Any]:
    """Put the first open question and wait; its answer changes the list."""
    if "result" not in state:
        return Command(goto=END)
    session = Session.of(state, parts)
    questions = open_questions(session.work, session.result, session.note, session.system)
    if not questions:
        return Command(goto=END)
    chosen = Option.model_validate(interrupt(questions[0].model_dump(mode="json")))
    decided = turns.settle(session, questions[0], chosen)
    return Command(goto="clarify", update=_after(state, session, decided))


def _heard(statements: Iterable[Statement], listening: Listening) -> list[Statement]:
    said = []
    for statement in statements:
        said.append(statement)
        if listening.on_statement:
            listening.on_statement(statement)
    return said


def _check_of(state: ChatState, session: Session, turn: Turn) -> Checked | None:
    """Return the check by which a turn numbers findings: of the list it has seen, or the last."""
    if turn.seen:
        return check_list(session).model_copy(update={"codes": turn.seen})
    checked = state.get("checked")
    return Checked.model_validate(checked) if checked else None


def _code_note(turn: Turn, parts: Parts, on_event: OnEvent | None) -> ChatState:
    request = CodingRequest(turn.note_id, turn.text, ResultContext(**turn.context))
    result, events = parts.coder.code_traced(request, on_event=on_event)
    count = len(result.codes)
    text = f"{request.id}: {count} code{'' if count == 1 else 's'}, {len(result.rejected)} rejected"
    state: ChatState = {
        "note_id": request.id,
        "note": request.text,
        "result": result.model_dump(mode="json"),
        "trace": shorten(events).model_dump(mode="json"),
        "work": worklist.start(result).model_dump(mode="json"),
        "past": [],
        "decisions": [],
        "checked": None,
    }
    return {**state, **_reply("codes", [Statement(text=f"{text}.")])}


def _codes(state: ChatState, session: Session, turn: Turn) -> ChatState:
    accepted = sum(item.status == "accepted" for item in session.work.codes)
    text = f"{len(session.work.codes)} codes, {accepted} accepted."
    return _reply("codes", [Statement(text=text)])


def _check(state: ChatState, session: Session, turn: Turn) -> ChatState:
    checked = check_list(session)
    update = _reply("answer", tell(session, checked))
    return {**update, "checked": checked.model_dump(mode="json")}


def _undo(state: ChatState, session: Session, turn: Turn) -> ChatState:
    if not state["past"]:
        raise UserError("there is no decision to take back", fix="/codes")
    *past, last = state["past"]
    decided = turns.take_back(session, last["seq"], Work.model_validate(last["work"]))
    return {**_after(state, session, decided), "past": past}


_OTHERS: dict[str, Callable[[ChatState, Session, Turn], ChatState]] = {
    "codes": _codes,
    "check": _check,
    "undo": _undo,
}


def _after(state: ChatState, session: Session, decided: turns.Decided) -> ChatState:
    """Return what a decision changes in the state."""
    decision = decided.decision
    codes = [*(about.code for about in decision.codes), *decision.replacement]
    trace = session.trace.with_line(codes, decided.statement.text.rstrip("."))
    before = {"seq": decision.seq, "work": session.work.model_dump(mode="json")}
    return {
        **_reply("decision", [decided.statement]),
        "work": decided.work.model_dump(mode="json"),
        "trace": trace.model_dump(mode="json"),
        "past": [*state["past"], before],
        "decisions": [*state["decisions"], decision.model_dump(mode="json")],
    }


def _reply(kind: ReplyKind, statements: list[Statement]) -> ChatState:
    reply = Reply(kind=kind, statements=tuple(statements))
    dumped: dict[str, Any] = reply.model_dump(mode="json")
    # A page that opens the thread again shows the statements with their citations.
    said = AIMessage(reply.text, additional_kwargs={STATEMENTS: dumped["statements"]})
    return {"reply": dumped, "messages": [said]}
