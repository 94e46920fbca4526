"""The trace of a coding run as a conversation needs it: short lines under their numbers.

The number of a line is that of the event in the trace file (``icd-agent code --trace``), from 1.
Prompts are left out, since each repeats the note. What the conversation itself does goes on with
the numbers.
"""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from agent.trace.events import Decision, Event, Judgement, LLMCall, NodeEnd, RunEnd, ToolCall

CHAT = "chat"


class TraceLine(BaseModel):
    """One event: where it happened, which codes it concerns, and what it says."""

    model_config = ConfigDict(frozen=True)

    number: int
    node: str
    codes: tuple[str, ...]
    text: str
    reason: str = ""
    citation: str | None = None
    replacement: str | None = None


class Retrieved(BaseModel):
    """A place among the best candidates that were retrieved."""

    model_config = ConfigDict(frozen=True)

    rank: int
    sources: dict[str, float]


class RunTrace(BaseModel):
    """The events of a run and of the conversation about it."""

    lines: tuple[TraceLine, ...] = ()
    retrieved: dict[str, Retrieved] = {}
    retrieve_line: int = 0
    run_end: int = 0
    last: int = 0

    def of(self, code: str) -> list[TraceLine]:
        """Return the lines that concern a code, in order."""
        return [line for line in self.lines if code in line.codes or code == line.replacement]

    def with_line(self, codes: Sequence[str], text: str) -> "RunTrace":
        """Return the trace with one more line, of the conversation itself."""
        line = TraceLine(number=self.last + 1, node=CHAT, codes=tuple(codes), text=text)
        return self.model_copy(update={"lines": (*self.lines, line), "last": line.number})


def shorten(events: Sequence[Event]) -> RunTrace:
    """Return the trace of a finished run without its bulk."""
    retrieved: dict[str, Retrieved] = {}
    retrieve_line = 0
    for number, event in enumerate(events, 1):
        if isinstance(event, NodeEnd) and event.node == "retrieve":
            retrieve_line = number
            for rank, best in enumerate(event.summary["best"], 1):
                retrieved[best["code"]] = Retrieved(rank=rank, sources=best["sources"])
    assert isinstance(events[-1], RunEnd), "a finished run"
    return RunTrace(
        lines=tuple(_lines(events)),
        retrieved=retrieved,
        retrieve_line=retrieve_line,
        run_end=len(events),
        last=len(events),
    )


def _lines(events: Sequence[Event]) -> Iterator[TraceLine]:
    for number, event in enumerate(events, 1):
        if isinstance(event, Decision):
            yield TraceLine(
                number=number,
                node=event.node,
                codes=(event.code,),
                text=_action(event),
                reason=event.reason,
                citation=event.card or event.citation,
                replacement=event.replacement if event.action == "replace" else None,
            )
        elif isinstance(event, LLMCall) and event.logprobs:
            codes = tuple(event.purpose.split()[1:])
            answers = ", ".join(f"{a} {value:.2f}" for a, value in event.logprobs.items())
            text = f"the LLM was asked about {' '.join(codes)}; log-probabilities: {answers}"
            yield TraceLine(number=number, node=event.node, codes=codes, text=text)
        elif isinstance(event, Judgement):
            yield TraceLine(
                number=number,
                node=event.node,
                codes=event.codes,
                text=f"{event.kind} {' and '.join(event.codes)}: {event.answer}",
                citation=event.card,
            )
        elif isinstance(event, ToolCall) and event.result:
            codes = tuple(dict.fromkeys(c for f in event.result for c in f["codes"]))
            text = f"{event.tool} found: {event.result[0]['message']}"
            yield TraceLine(number=number, node=event.node, codes=codes, text=text)


def _action(decision: Decision) -> str:
    where = " before " if decision.action == "move" else " by "
    other = f"{where}{decision.replacement}" if decision.replacement else ""
    return f"{decision.action} {decision.code}{other}"
