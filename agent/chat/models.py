"""What a session holds: the coder's codes, what she decided, what is open, and the replies.

Everything is plain data, so that a thread is stored as JSON values and a web server can send a
reply as it is.
"""

from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

from agent.result import Role

Status = Literal["proposed", "accepted"]
Origin = Literal["agent", "coder", "rule", "answer"]
Action = Literal[
    "accept", "reject", "replace", "add", "principal", "move", "mend", "answer", "dismiss", "undo"
]
Asked = Literal[
    "note",
    "codes",
    "why",
    "whynot",
    "specific",
    "guideline",
    "what_if_added",
    "what_if_removed",
    "what_if_replaced",
    "check",
    "accept",
    "reject",
    "replace",
    "add",
    "principal",
    "move",
    "mend",
    "undo",
]
ReplyKind = Literal["codes", "decision", "answer", "error"]
Source = Literal["note", "guideline", "trace", "rule", "tabular"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkingCode(_Part):
    """A code on the coder's list; the first of the list is the principal diagnosis."""

    code: str
    status: Status = "proposed"
    origin: Origin = "agent"
    basis: str | None = Field(
        default=None, description="The agent's code that it stands for; null: added by the coder."
    )
    evidence: tuple[tuple[int, int], ...] = Field(
        default=(), description="Offsets of the supporting words in the note."
    )
    reason: str


class Dropped(_Part):
    """A code that was on the list and was taken off it."""

    code: str
    reason: str


class Closed(_Part):
    """A question that has been answered."""

    code: str
    axis: str
    answer: str


class Work(_Part):
    """All that a decision can change; undo puts an earlier one back."""

    codes: tuple[WorkingCode, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    closed: tuple[Closed, ...] = ()

    def named(self) -> tuple[str, ...]:
        """Return the codes in order, principal diagnosis first."""
        return tuple(item.code for item in self.codes)

    def find(self, code: str) -> WorkingCode | None:
        """Return the entry of a code."""
        return next((item for item in self.codes if item.code == code), None)


class EvidencedCode(_Part):
    """A code that was decided on, and the offsets of its evidence in the note."""

    code: str
    spans: tuple[tuple[int, int], ...] = ()


class Decision(_Part):
    """One decision of the coder; docs/chat.md documents it as a line of the decision log."""

    seq: int = Field(description="Number within the thread, from 1.")
    at: str = Field(description="UTC, ISO 8601.")
    action: Action
    codes: tuple[EvidencedCode, ...] = Field(default=(), description="The codes that it is about.")
    replacement: tuple[str, ...] = Field(default=(), description="The codes in their place.")
    reason: str = ""
    undone: int | None = Field(default=None, description="For undo: the decision taken back.")


class Option(_Part):
    """A possible answer to a question; without a code it leaves the code as it is."""

    value: str
    code: str | None = None
    title: str = ""


class Question(_Part):
    """A clarifying question about one code."""

    code: str
    axis: str
    text: str
    options: tuple[Option, ...]
    citation: str
    spans: tuple[tuple[int, int], ...]


class Citation(_Part):
    """What a statement rests on."""

    source: Source
    at: str = Field(description="Offsets, card, event number, or rule and section.")

    def __str__(self) -> str:
        return f"{self.source} {self.at}"


class Statement(_Part):
    """One sentence or two of an answer, with what they rest on."""

    text: str
    citations: tuple[Citation, ...] = ()


class CodeLine(_Part):
    """A code as it is shown."""

    code: str
    description: str
    role: Role
    status: Status
    origin: Origin
    confidence: float | None = None
    evidence: tuple[tuple[int, int], ...] = ()
    reason: str = ""


class Reply(_Part):
    """What the conversation says to one turn."""

    kind: ReplyKind
    thread: str = ""
    statements: tuple[Statement, ...] = ()
    codes: tuple[CodeLine, ...] = Field(default=(), description="The list as it now stands.")
    question: Question | None = Field(default=None, description="Open after this turn.")

    @property
    def text(self) -> str:
        """The statements as plain text."""
        return "\n".join(statement.text for statement in self.statements)


class Turn(_Part):
    """What is asked of the conversation, as the intents read it or a page sends it."""

    action: Asked
    code: str = ""
    other: str = ""
    text: str = ""
    number: int = 0
    span: tuple[int, int] | None = Field(
        default=None, description="Offsets of the words of the note that support a code added."
    )
    seen: tuple[str, ...] = Field(
        default=(), description="The list by which findings are numbered; empty: the last check's."
    )
    note_id: str = ""
    context: dict[str, Any] = {}


class ChatState(TypedDict, total=False):
    """The state of the graph: what a checkpoint keeps."""

    turn: dict[str, Any]
    added: str
    note_id: str
    note: str
    result: dict[str, Any]
    trace: dict[str, Any]
    work: dict[str, Any]
    past: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    checked: dict[str, Any] | None
    reply: dict[str, Any]
    messages: Annotated[list[AnyMessage], add_messages]


def at_note(start: int, end: int) -> Citation:
    """Cite words of the note."""
    return Citation(source="note", at=f"{start}-{end}")


def at_trace(number: int) -> Citation:
    """Cite an event of the trace by its line."""
    return Citation(source="trace", at=str(number))
