"""Bodies and answers of the requests about threads: a note, its codes and what was said of them."""

from typing import Annotated, Literal, TypeAlias

from fastapi import Path
from pydantic import ConfigDict, Field

from agent.chat.models import Action, CodeLine, Dropped, Question, ReplyKind, Statement, Turn
from agent.result import Policy, RejectedCode, ResultContext
from agent.serve.models import Asked
from agent.tools.answers import Answer
from agent.tools.arguments import Code
from knowledge.assertion import Assertion
from knowledge.rules import Finding

ThreadName: TypeAlias = Annotated[str, Path(max_length=200)]
Verdict: TypeAlias = Literal["agrees", "disagrees", "outside", "not asked"]
ThreadStatus: TypeAlias = Literal["waiting", "coding", "coded", "failed"]
_Offset = Annotated[int, Field(ge=0)]


class SaidToThread(Asked):
    """A line of the coder: a question, a command, or the answer to the open question."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"say": "why not I50.9?"}]})

    say: Annotated[str, Field(min_length=1, max_length=2000)]


class AnswerToThread(Asked):
    """The answer to a clarifying question, which is named in case another one is open by now."""

    code: Code
    axis: Annotated[str, Field(max_length=100)]
    value: Annotated[str, Field(max_length=200)]


class DecisionOnThread(Asked):
    """A decision on the list of codes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": "accept", "code": "J18.1"}]}
    )

    action: Literal["accept", "reject", "replace", "add", "principal", "move", "mend", "undo"]
    code: Annotated[str, Field(max_length=16, description="The code; `all` with accept.")] = ""
    other: Annotated[str, Field(max_length=16, description="With replace: the new code.")] = ""
    text: Annotated[
        str,
        Field(
            max_length=2000,
            description="With reject the reason, with add words of the note that support the code.",
        ),
    ] = ""
    number: Annotated[
        int,
        Field(ge=0, le=10_000, description="With mend the finding, with move the place, from 1."),
    ] = 0
    span: Annotated[
        tuple[_Offset, _Offset] | None,
        Field(description="With add: offsets of the words instead of `text`."),
    ] = None
    seen: Annotated[
        tuple[Code, ...],
        Field(max_length=200, description="With mend: the list that the finding was told about."),
    ] = ()

    def turn(self) -> Turn:
        """Return the decision as a turn of the conversation."""
        return Turn.model_validate(self.model_dump())


class ThreadLine(Answer):
    """A thread as the queue of notes shows it."""

    thread: str
    note_id: str
    status: ThreadStatus
    codes: int
    accepted: int
    asks: bool = Field(description="Whether a question is open.")
    error: str | None = None


class Queue(Answer):
    """All threads, in the order in which their notes came."""

    threads: list[ThreadLine]


class PLMOpinionOnCode(Answer):
    """What PLM-ICD makes of a code of the list."""

    verdict: Verdict = Field(
        description="outside: not among its codes; not asked: the code is not the agent's."
    )
    probability: float | None = None


class CodeOfThread(CodeLine):
    """A code of the list with all that is known of it."""

    assertion: Assertion | None = None
    guidelines: list[str] = Field(description="Cards that shaped the agent's decision.")
    plm_icd: PLMOpinionOnCode
    findings: list[int] = Field(description="Numbers of the findings about it, from 1.")


class PLMAlone(Answer):
    """A code that PLM-ICD assigns and that is not on the list."""

    code: str
    description: str
    probability: float
    evidence: list[tuple[int, int]]


class DecisionTaken(Answer):
    """A decision, in short."""

    seq: int
    action: Action
    codes: list[str]
    replacement: list[str]
    reason: str


class Message(Answer):
    """What was said in the thread."""

    by_coder: bool
    statements: list[Statement]


class CodedNote(Answer):
    """What there is once the note has been coded."""

    code_system: str
    release: str
    policy: Policy
    codes: list[CodeOfThread]
    findings: list[Finding] = Field(description="What the rules say of the list as it stands.")
    question: Question | None
    plm_alone: list[PLMAlone]
    dropped: list[Dropped] = Field(description="Taken off the list in this thread.")
    rejected: list[RejectedCode] = Field(description="Considered by the agent, not assigned.")
    decisions: list[DecisionTaken]
    undoable: int = Field(description="Decisions that can be taken back.")
    messages: list[Message]


class ThreadState(Answer):
    """A thread as it stands."""

    thread: str
    version: str = Field(description="Another one after each turn.")
    note_id: str
    note: str
    context: ResultContext
    status: ThreadStatus
    stages: list[str] = Field(description="Stages of the coding that have ended.")
    error: str | None = None
    coded: CodedNote | None = Field(description="null: not coded yet.")


class TurnTaken(Answer):
    """The last event of a turn: what was said to it, and the thread after it."""

    kind: ReplyKind
    statements: list[Statement]
    state: ThreadState


class Listening(Answer):
    """From here on a listener misses nothing."""


class ThreadEvent(Answer):
    """Something happened to a thread."""

    thread: str
    event: Literal["stage", "changed", "forgotten"]
    stage: str | None = Field(default=None, description="The stage that has ended.")
    version: str | None = Field(default=None, description="Of the thread after a change.")
