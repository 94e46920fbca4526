"""The events of a trace: one small class an event, joined in one union.

A trace is a JSON-lines file: ``run_start``, then node, tool, LLM and decision events in the order
in which they happened, then ``run_end`` with the result. It holds the note and every prompt, so it
is health data as much as the note is.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agent.result import Result, Stage

TRACE_VERSION: Final = 1

JudgementKind = Literal["integral_symptom", "same_condition"]
Action = Literal["accept", "reject", "replace", "add", "move"]
Answer = Literal["yes", "no", "undecided"]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at: float = Field(description="Seconds since the run began.")


class RunStart(_Event):
    """The run's identity: what was asked, of what, with which versions."""

    event: Literal["run_start"] = "run_start"
    trace_version: Literal[1] = TRACE_VERSION
    note_id: str
    note_sha256: str
    note: str = Field(description="The text as given; all offsets count into it.")
    started: str = Field(description="UTC, ISO 8601.")
    settings: dict[str, Any] = Field(description="Policy, thresholds, encounter context.")
    llm: dict[str, Any] = Field(description="Backend spec and model identity.")
    knowledge: dict[str, str] = Field(description="Code system, release and index identity.")
    versions: dict[str, str] = Field(description="Of Python and the packages that matter.")


class NodeStart(_Event):
    """A node of the graph begins."""

    event: Literal["node_start"] = "node_start"
    node: str


class NodeEnd(_Event):
    """A node of the graph ends; ``summary`` tells what it wrote into the state."""

    event: Literal["node_end"] = "node_end"
    node: str
    seconds: float
    summary: dict[str, Any]


class ToolCall(_Event):
    """A tool was called with these arguments and gave this result."""

    event: Literal["tool_call"] = "tool_call"
    node: str
    tool: str
    arguments: dict[str, Any]
    result: Any
    seconds: float


class LLMCall(_Event):
    """One request to the LLM: the whole prompt and the whole answer.

    ``prompt_sha256`` keys the answer for replay (`agent.llm.base.prompt_key`).
    """

    event: Literal["llm_call"] = "llm_call"
    node: str
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


class Decision(_Event):
    """A code was accepted, rejected, replaced, added or moved before another one, and why."""

    event: Literal["decision"] = "decision"
    node: str
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


class Judgement(_Event):
    """What the rules leave to judgement was decided or left open: one question about two codes."""

    event: Literal["judgement"] = "judgement"
    node: str
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
