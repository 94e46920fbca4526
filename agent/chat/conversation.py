"""A coder's conversation about one note, as Python calls: the terminal and a web server use these.

docs/chat.md shows how.
"""

import hashlib
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command
from langsmith import tracing_context

from agent.chat.export import Format, to_text
from agent.chat.graph import build_chat_graph
from agent.chat.intents import read
from agent.chat.models import ChatState, Decision, Question, Reply, Statement, Turn
from agent.chat.open_points import read_answer
from agent.chat.session import Parts, Session
from agent.chat.store import ChatStore
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

    @property
    def has_note(self) -> bool:
        """Whether a note has been coded in the thread."""
        return "result" in self._state()

    @property
    def note(self) -> str:
        """The note; empty before there is one."""
        return self._state().get("note", "")

    @property
    def question(self) -> Question | None:
        """The question that waits for an answer."""
        waiting = self._graph.get_state(self._config).interrupts
        return Question.model_validate(waiting[0].value) if waiting else None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far, those taken back included."""
        return tuple(map(Decision.model_validate, self._state().get("decisions", [])))

    @property
    def messages(self) -> list[AnyMessage]:
        """What the coder and the conversation have said, in order."""
        return list(self._state().get("messages", []))

    def code_note(self, text: str, context: ResultContext, note_id: str = "note") -> Reply:
        """Code a note; it takes the place of the thread's former one.

        Args:
            text: The note as written; offsets count into it.
            context: The encounter.
            note_id: How results name it.
        """
        if not text.strip():
            return self._mistake(UserError("the note is empty", fix="give a note with text in it"))
        turn = Turn(action="note", note_id=note_id, text=text, context=context.model_dump())
        return self._run(turn, f"code {note_id[:_SHOWN_OF_NOTE_ID]}")

    def send(self, text: str) -> Reply:
        """Answer a line: an answer to the open question, a command, or a question in words."""
        question = self.question
        option = read_answer(question, text) if question else None
        if option:
            return self._invoke(Command(resume=option.model_dump(mode="json")), text)
        try:
            turn = read(text, self._parts.system)
        except UserError as error:
            return self._mistake(error)
        return self._run(turn, text)

    def decide(
        self, action: str, code: str = "", other: str = "", text: str = "", number: int = 0
    ) -> Reply:
        """Take a decision, as the command of the same name does.

        Args:
            action: accept, reject, replace, add, principal, mend or undo.
            code: The code; ``all`` with accept.
            other: The code that replaces it.
            text: The reason of a rejection, or the words of the note that support a code added.
            number: The finding to mend.
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
        """Return the list as JSON (the contract of ``icd-agent code``) or CSV.

        Raises:
            UserError: There is no note yet.
        """
        return to_text(Session.of(self._state(), self._parts), form)

    def _run(self, turn: Turn, said: str) -> Reply:
        return self._invoke({"turn": turn.model_dump(mode="json")}, said)

    def _invoke(self, given: Any, said: str) -> Reply:  # noqa: ANN401 (a state or a command)
        before = len(self.decisions)
        message = [HumanMessage(said)]
        if isinstance(given, Command):
            given = Command(resume=given.resume, update={"messages": message})
        else:
            given = {**given, "messages": message}
        # LangChain would send the note to LangSmith where a user's environment asks for it.
        with tracing_context(enabled=False):
            self._graph.invoke(given, self._config, durability="exit")
        self._store.keep_newest(self.thread)
        state = self._state()
        self._log(state, before)
        return self._shown(Reply.model_validate(state["reply"]))

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
        return self._shown(Reply(kind="error", statements=(Statement(text=str(error)),)))

    def _shown(self, reply: Reply) -> Reply:
        """Return a reply with the list and the open question beside it."""
        state = self._state()
        lines = Session.of(state, self._parts).lines() if "result" in state else ()
        update = {"thread": self.thread, "codes": lines, "question": self.question}
        return reply.model_copy(update=update)

    def _state(self) -> ChatState:
        values: ChatState = self._graph.get_state(self._config).values  # type: ignore[assignment]
        return values
