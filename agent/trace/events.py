"""The events of a trace: one small class an event, joined in one union.

A trace is a JSON-lines file: ``run_start``, then node, tool, LLM and decision events in the order
in which they happened, then ``run_end`` with the result. It holds the note and every prompt, so it
is health data as much as the note is. `agent.trace.schema` ships the same as JSON Schema, and
`agent.trace.versions` reads older traces.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agent.result import Result, Stage

TRACE_VERSION: Final = 2

JudgementKind = Literal["integral_symptom", "same_condition"]
Action = Literal["accept", "reject", "replace", "add", "move"]
Answer = Literal["yes", "no", "undecided"]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # The recorder fills id, parent and tokens: they follow from the order of the events.
    id: int = Field(default=0, ge=0, description="Place in the trace, from 0.")
    parent: int | None = Field(
        default=None,
        description="Id of the start that it belongs to: of its node or, outside a node, of the "
        "run; the end of a node or run names its start. Null: the start of the run.",
    )
    at: float = Field(description="Seconds since the run began.")
    tokens: int = Field(
        default=0,
        ge=0,
        description="Tokens read and written: of an LLM call its own, of the end of a node or run "
        "the sum of its calls, else 0.",
    )
    node: str | None = Field(default=None, description="Node of the graph; null: the run itself.")


class RunStart(_Event):
    """The run's identity: what was asked, of what, with which versions."""

    event: Literal["run_start"] = "run_start"
    trace_version: Literal[2] = TRACE_VERSION
    note_id: str
    note_sha256: str
    note: str = Field(description="The text as given; all offsets count into it.")
    started: str = Field(description="UTC, ISO 8601.")
    settings: dict[str, Any] = Field(description="Policy, thresholds, encounter context.")
    llm: dict[str, Any] = Field(description="Backend spec and model identity.")
    knowledge: dict[str, str] = Field(description="Code system, release and index identity.")
    versions: dict[str, str] = Field(description="Of Python and the packages that matter.")


class _NodeEvent(_Event):
    node: str = Field(description="Node of the graph.")


class NodeStart(_NodeEvent):
    """A node of the graph begins."""

    event: Literal["node_start"] = "node_start"


class NodeEnd(_NodeEvent):
    """A node of the graph ends; ``summary`` tells what it wrote into the state."""

    event: Literal["node_end"] = "node_end"
    seconds: float
    summary: dict[str, Any]


class ToolCall(_NodeEvent):
    """A tool was called with these arguments and gave this result."""

    event: Literal["tool_call"] = "tool_call"
    tool: str
    arguments: dict[str, Any]
    result: Any
    seconds: float


class LLMCall(_NodeEvent):
    """One request to the LLM: the whole prompt and the whole answer.

    ``prompt_sha256`` keys the answer for replay (`agent.llm.base.prompt_key`).
    """

    event: Literal["llm_call"] = "llm_call"
    call: Literal["score_choices", "generate"]
    purpose: str = Field(description="What was asked about, such as the candidate code.")
    prompt_sha256: str
    messages: list[dict[str, str]]
    choices: list[str] | None = None
    logprobs: dict[str, float] | None = Field(
        default=None, description="Natural log-probability of each choice as the first token."
    )
    response: str | None = None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    seconds: float
    model: str
    settings: dict[str, Any] = {}


class Option(BaseModel):
    """One of the things that could have become of a code."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    code: str = Field(description="The code that it is about; of a replacement the new one.")
    score: float | None = Field(
        description="Belief in [0, 1] that the code (of reject: its absence) is right for the "
        "note; null where a rule asks for it and nothing was scored."
    )


class Decision(_NodeEvent):
    """A code was accepted, rejected, replaced, added or moved before another one, and why."""

    event: Literal["decision"] = "decision"
    code: str
    action: Action
    stage: Stage
    reason: str
    citation: str | None = None
    rule: str | None = Field(
        default=None, description="Step of the policy, entry of its data, or rule that asks for it."
    )
    card: str | None = Field(default=None, description="Guideline card of the citation.")
    replacement: str | None = None
    options: list[Option] = Field(default=[], description="What was chosen from, the taken first.")
    threshold: float | None = Field(
        default=None, description="Score from which accept is taken; null where a rule decides."
    )
    voices: dict[str, float] = Field(
        default={}, description="Score by voice behind the confidence; llm is a log-odds."
    )


class Judgement(_NodeEvent):
    """What the rules leave to judgement was decided or left open: one question about two codes."""

    event: Literal["judgement"] = "judgement"
    kind: JudgementKind
    codes: tuple[str, str] = Field(description="The one that goes if the answer is yes, first.")
    answer: Answer
    log_odds: float | None = Field(default=None, description="Of yes; null: nobody was asked.")
    yes_from: float | None = Field(default=None, description="Log-odds that are taken as yes.")
    no_to: float | None = Field(default=None, description="Log-odds that are taken as no.")
    rule: str = Field(description="Step of the policy or rule that leaves the pair open.")
    citation: str
    card: str


class RunEnd(_Event):
    """The run is over."""

    event: Literal["run_end"] = "run_end"
    result: Result


Event = Annotated[
    RunStart | NodeStart | NodeEnd | ToolCall | LLMCall | Judgement | Decision | RunEnd,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
