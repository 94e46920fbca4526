"""A coder's conversation about one note, as Python calls: the terminal and a web server use these.

docs/chat.md shows how.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START
from langgraph.types import Command
from langsmith import tracing_context

from agent.chat.export import Format, to_text
from agent.chat.graph import Listening, OnEvent, OnStatement, build_chat_graph
from agent.chat.intents import normal, read
from agent.chat.models import ChatState, Decision, Option, Question, Reply, Statement, Turn
from agent.chat.open_points import read_answer
from agent.chat.session import Parts
from agent.chat.snapshot import Snapshot
from agent.chat.store import ChatStore
from agent.request import CodingRequest
from agent.result import ResultContext
from knowledge.errors import UserError

_SHOWN_OF_NOTE_ID = 80


class Conversation:
    """One thread; what is said to it is answered by a `Reply`.

    A mistake of the coder (an unknown command, a code that is not on the list) is answered too, by
    a reply of the kind ``error`` that says how to mend it; it changes nothing. `UserError` is
    raised where the thread itself cannot be gone on with: it was stored by another version, or its
    note was coded in another release.

    Args:
        thread: Name of the thread.
        parts: The loaded parts.
        store: Where the thread lives.
    """

    def __init__(self, thread: str, parts: Parts, store: ChatStore) -> None:
        self.thread = thread
        self._parts = parts
        self._store = store
        self._graph = build_chat_graph(parts, store.checkpointer)
        self._config: RunnableConfig = {"configurable": {"thread_id": thread}}

    @classmethod
    def open(cls, thread: str, parts: Parts, store: ChatStore) -> "Conversation":
        """Open a thread, with all that was decided in it, or begin it.

        Raises:
            UserError: The name is empty.
        """
        if not thread.strip():
            raise UserError("the thread has no name", fix="name it, as in --thread ward-3")
        return cls(thread, parts, store)

    def snapshot(self) -> Snapshot:
        """Return the thread as it stands now."""
        return Snapshot(self._graph.get_state(self._config), self._parts)

    @property
    def has_note(self) -> bool:
        """Whether a note has been coded in the thread."""
        return self.snapshot().has_note

    @property
    def note(self) -> str:
        """The note; empty before there is one."""
        return self.snapshot().state.get("note", "")

    @property
    def question(self) -> Question | None:
        """The question that waits for an answer."""
        return self.snapshot().question

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far, those taken back included."""
        return self.snapshot().decisions

    @property
    def messages(self) -> list[AnyMessage]:
        """What the coder and the conversation have said, in order."""
        return self.snapshot().messages

    def code_note(self, text: str, context: ResultContext, note_id: str = "note") -> Reply:
        """Code a note; it takes the place of the thread's former one.

        Args:
            text: The note as written; offsets count into it.
            context: The encounter.
            note_id: How results name it.
        """
        if not text.strip():
            return self._mistake(UserError("the note is empty", fix="give a note with text in it"))
        request = CodingRequest(note_id, text, context)
        return self._run(_turn_of(request), _said_of(request))

    def keep_note(self, request: CodingRequest) -> None:
        """Store a note in a thread without one; `code_kept` codes it, after a restart too."""
        given = {
            "turn": _turn_of(request).model_dump(mode="json"),
            "added": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "messages": [HumanMessage(_said_of(request))],
        }
        self._graph.update_state(self._config, given, as_node=START)

    def code_kept(self, on_event: OnEvent) -> Reply:
        """Code the note that was kept.

        Args:
            on_event: Told each event of the run; what it raises ends the coding and leaves the note
                kept.
        """
        return self._invoke(None, Listening(on_event=on_event))

    def send(self, text: str, on_statement: OnStatement | None = None) -> Reply:
        """Answer a line: an answer to the open question, a command, or a question in words.

        Args:
            text: The line.
            on_statement: Told each statement of an answer as it comes.
        """
        question = self.question
        option = read_answer(question, text) if question else None
        if option:
            return self._resume(option, text)
        try:
            turn = read(text, self._parts.system)
        except UserError as error:
            return self._mistake(error)
        return self._run(turn, text, Listening(on_statement=on_statement))

    def take(self, turn: Turn) -> Reply:
        """Take a turn that a page has made of a click, as the line that says the same would."""
        words = (turn.code, turn.other, str(turn.number or ""), turn.text)
        said = " ".join((f"/{turn.action}", *(word for word in words if word)))
        try:
            turn = normal(turn, self._parts.system)
        except UserError as error:
            return self._mistake(error)
        return self._run(turn, said)

    def answer(self, code: str, axis: str, value: str) -> Reply:
        """Answer the open question; one that is open no longer is told as a mistake.

        Args:
            code: The code that the question is about.
            axis: What it asks for.
            value: The value of the option.
        """
        question = self.question
        if question is None or (question.code, question.axis) != (code, axis):
            what = f"the {axis} of {code} is not asked for any longer"
            return self._mistake(UserError(what, fix="/codes"))
        option = next((option for option in question.options if option.value == value), None)
        if option is None:
            values = ", ".join(option.value for option in question.options)
            what = f"{value!r} is no answer; the question offers {values}"
            return self._mistake(UserError(what, fix="choose one of them"))
        return self._resume(option, value)

    def decide(
        self, action: str, code: str = "", other: str = "", text: str = "", number: int = 0
    ) -> Reply:
        """Take a decision, as the command of the same name does.

        Args:
            action: accept, reject, replace, add, principal, move, mend or undo.
            code: The code; ``all`` with accept.
            other: The code that replaces it.
            text: The reason of a rejection, or the words of the note that support a code added.
            number: The finding to mend, or the place to move to.
        """
        given = (f"/{action}", code, other, text, str(number or ""))
        return self.send(" ".join(part for part in given if part))

    def codes(self) -> Reply:
        """Return the list as it stands."""
        return self.send("/codes")

    def check(self) -> Reply:
        """Apply the coding rules to the list."""
        return self.send("/check")

    def export(self, form: Format) -> str:
        """Return the list as JSON (the contract of ``icd-agent code``), CSV or a FHIR bundle.

        Raises:
            UserError: There is no note yet.
        """
        return to_text(self.snapshot().session, form)

    def _run(self, turn: Turn, said: str, listening: Listening | None = None) -> Reply:
        given = {"turn": turn.model_dump(mode="json"), "messages": [HumanMessage(said)]}
        return self._invoke(given, listening)

    def _resume(self, option: Option, said: str) -> Reply:
        message = {"messages": [HumanMessage(said)]}
        return self._invoke(Command(resume=option.model_dump(mode="json"), update=message))

    def _invoke(self, given: Any, listening: Listening | None = None) -> Reply:  # noqa: ANN401
        """Run the graph with a state, with a command, or with None: from where it stands."""
        before = len(self.decisions)
        # LangChain would send the note to LangSmith where a user's environment asks for it.
        with tracing_context(enabled=False):
            self._graph.invoke(given, self._config, durability="exit", context=listening)
        self._store.keep_newest(self.thread)
        now = self.snapshot()
        self._log(now.state, before)
        return self._shown(Reply.model_validate(now.state["reply"]), now)

    def _log(self, state: ChatState, before: int) -> None:
        new = [Decision.model_validate(d) for d in state.get("decisions", [])[before:]]
        if new:
            about = {
                "thread": self.thread,
                "note_sha256": hashlib.sha256(state["note"].encode("utf-8")).hexdigest(),
                "release": state["result"]["release"],
                "policy": state["result"]["policy"],
            }
            self._store.log(about, new)

    def _mistake(self, error: UserError) -> Reply:
        reply = Reply(kind="error", statements=(Statement(text=str(error)),))
        return self._shown(reply, self.snapshot())

    def _shown(self, reply: Reply, now: Snapshot) -> Reply:
        """Return a reply with the list and the open question beside it."""
        lines = now.session.lines() if now.has_note else ()
        update = {"thread": self.thread, "codes": lines, "question": now.question}
        return reply.model_copy(update=update)


def _turn_of(request: CodingRequest) -> Turn:
    context = request.context.model_dump()
    return Turn(action="note", note_id=request.id, text=request.text, context=context)


def _said_of(request: CodingRequest) -> str:
    return f"code {request.id[:_SHOWN_OF_NOTE_ID]}"
