"""Where a run puts its events: a recorder per note, in memory or in a file."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from agent.result import Stage, Usage
from agent.trace.events import (
    Action,
    Decision,
    Event,
    Judgement,
    LLMCall,
    NodeEnd,
    NodeStart,
    Option,
    ToolCall,
)
from agent.trace.numbering import Numbering
from knowledge.errors import UserError


def trace_path(folder: Path, note_id: str) -> Path:
    """Return the trace file of a note.

    Characters unfit for a file name become ``_``; a digest then keeps such names apart.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", note_id)
    if name != note_id or not name:
        name += f"-{hashlib.sha256(note_id.encode('utf-8')).hexdigest()[:8]}"
    return folder / f"{name}.jsonl"


class Recorder:
    """Keeps the events of one run in order and, where a path is given, writes each at once.

    A run that is killed leaves the events up to that moment on disk.

    Args:
        path: The trace file; None keeps the events in memory alone.
        listener: Told each event after it was recorded; what it raises ends the run.

    Raises:
        UserError: The file cannot be written.
    """

    def __init__(
        self, path: Path | None = None, listener: Callable[[Event], None] | None = None
    ) -> None:
        self.events: list[Event] = []
        self.path = path
        self._listener = listener
        self._began = time.perf_counter()
        self._node = ""
        self._numbering = Numbering()
        if path:
            self._write(path, "", "w")

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._began

    def emit(self, event: Event) -> None:
        """Record one event; its id, parent and tokens are those of its place in the run."""
        spent = event.prompt_tokens + event.completion_tokens if isinstance(event, LLMCall) else 0
        event = event.model_copy(update=self._numbering.place(event.event, spent))
        self.events.append(event)
        if self.path:
            self._write(self.path, event.model_dump_json() + "\n", "a")
        if self._listener:
            self._listener(event)

    def node_start(self, node: str) -> None:
        """Record that a node begins; later tool, LLM and decision events belong to it."""
        self._node = node
        self.emit(NodeStart(at=self.elapsed, node=node))

    def node_end(self, node: str, seconds: float, summary: dict[str, Any]) -> None:
        """Record that a node ended and what it wrote."""
        self.emit(NodeEnd(at=self.elapsed, node=node, seconds=seconds, summary=summary))

    def tool_call(
        self, tool: str, arguments: dict[str, Any], result: object, seconds: float
    ) -> None:
        """Record a tool call of the current node."""
        self.emit(
            ToolCall(
                at=self.elapsed,
                node=self._node,
                tool=tool,
                arguments=arguments,
                result=result,
                seconds=seconds,
            )
        )

    def llm_call(self, **fields: Any) -> None:  # noqa: ANN401 (LLMCall validates them)
        """Record an LLM call of the current node; fields as in `LLMCall`."""
        self.emit(LLMCall(at=self.elapsed, node=self._node, **fields))

    def judgement(self, **fields: Any) -> None:  # noqa: ANN401 (Judgement validates them)
        """Record a judgement of the current node; fields as in `Judgement`."""
        self.emit(Judgement(at=self.elapsed, node=self._node, **fields))

    def decision(
        self,
        code: str,
        action: Action,
        stage: Stage,
        reason: str,
        *,
        citation: str | None = None,
        rule: str | None = None,
        card: str | None = None,
        replacement: str | None = None,
        options: Sequence[Option] = (),
        threshold: float | None = None,
        voices: Mapping[str, float] | None = None,
    ) -> None:
        """Record what became of a code, why, what asked for it and what was chosen from."""
        self.emit(
            Decision(
                at=self.elapsed,
                node=self._node,
                code=code,
                action=action,
                stage=stage,
                reason=reason,
                citation=citation,
                rule=rule,
                card=card,
                replacement=replacement,
                options=list(options),
                threshold=threshold,
                voices={name: round(score, 4) for name, score in (voices or {}).items()},
            )
        )

    def usage(self, llm: str) -> Usage:
        """Add up what the run has cost so far."""
        calls = [e for e in self.events if isinstance(e, LLMCall)]
        return Usage(
            llm=llm,
            llm_calls=len(calls),
            prompt_tokens=sum(c.prompt_tokens for c in calls),
            completion_tokens=sum(c.completion_tokens for c in calls),
            seconds=round(self.elapsed, 3),
        )

    @staticmethod
    def _write(path: Path, text: str, mode: Literal["w", "a"]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open(mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UserError(
                f"cannot write the trace {path}: {error.strerror}",
                fix="name a writable folder with free space: --trace DIR",
            ) from error
