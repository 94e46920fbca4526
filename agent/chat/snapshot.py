"""A thread as it stands at one moment, read from its newest checkpoint once."""

from functools import cached_property
from typing import NamedTuple, cast

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.types import StateSnapshot
from pydantic import ValidationError

from agent.chat.graph import STATEMENTS
from agent.chat.models import ChatState, Decision, Question, Statement, Turn
from agent.chat.session import Parts, Session, of_another_version
from agent.request import CodingRequest
from agent.result import ResultContext


class Said(NamedTuple):
    """A message of a conversation.

    Attributes:
        by_coder: Whether the coder has said it.
        statements: What was said; a coder's line is one statement.
    """

    by_coder: bool
    statements: tuple[Statement, ...]


class Snapshot:
    """A thread at one moment.

    Args:
        at: The state of the graph.
        parts: The loaded parts.
    """

    def __init__(self, at: StateSnapshot, parts: Parts) -> None:
        self.state = cast(ChatState, at.values)
        self._at = at
        self._parts = parts

    @property
    def version(self) -> str:
        """Another one after each turn; empty before the first."""
        return str(self._at.config["configurable"].get("checkpoint_id", ""))

    @property
    def has_note(self) -> bool:
        """Whether a note has been coded in the thread."""
        return "result" in self.state

    @cached_property
    def session(self) -> Session:
        """The thread as objects.

        Raises:
            UserError: There is no note yet, or one of another version or release.
        """
        return Session.of(self.state, self._parts)

    @property
    def added(self) -> str:
        """When the note was kept: UTC, ISO 8601; empty where it was coded at once."""
        return self.state.get("added", "")

    @property
    def kept(self) -> CodingRequest | None:
        """The note that waits to be coded; None: there is none, or it has been coded.

        Raises:
            UserError: It was stored by another version.
        """
        if "turn" not in self.state or self.has_note:
            return None
        try:
            turn = Turn.model_validate(self.state["turn"])
            if turn.action != "note":
                return None
            return CodingRequest(turn.note_id, turn.text, ResultContext(**turn.context))
        except ValidationError as error:
            raise of_another_version() from error

    @property
    def question(self) -> Question | None:
        """The question that waits for an answer."""
        waiting = self._at.interrupts
        return Question.model_validate(waiting[0].value) if waiting else None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far, those taken back included."""
        return tuple(map(Decision.model_validate, self.state.get("decisions", [])))

    @property
    def undoable(self) -> int:
        """How many decisions can be taken back."""
        return len(self.state.get("past", []))

    @property
    def messages(self) -> list[AnyMessage]:
        """What the coder and the conversation have said, in order."""
        return list(self.state.get("messages", []))

    @property
    def transcript(self) -> list[Said]:
        """What was said, with the citations of the answers."""
        return [_said(message) for message in self.messages]


def _said(message: AnyMessage) -> Said:
    told = message.additional_kwargs.get(STATEMENTS) or [{"text": message.text}]
    by_coder = isinstance(message, HumanMessage)
    return Said(by_coder, tuple(map(Statement.model_validate, told)))
