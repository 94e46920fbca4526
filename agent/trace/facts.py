"""The facts of one run, gathered from its trace in one pass: what `stats` and `export` count.

The pass works on JSON objects as `agent.trace.reader.read_raw` yields them, since validating each
event of thousands of traces would take minutes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.trace.reader import read_raw


@dataclass(slots=True)
class Use:
    """How often something was used and what it cost.

    Attributes:
        calls: How often.
        found: Findings of a tool; answers of the LLM that could be used.
        seconds: Wall-clock time.
        prompt_tokens: Tokens read, those from the prefix cache included.
        cached_tokens: Of them those that the prefix cache held.
        completion_tokens: Tokens written.
    """

    calls: int = 0
    found: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def add(self, other: "Use") -> None:
        """Add the use of another run."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Entry:
    """How a code came to be accepted.

    Attributes:
        node: Where the decision fell that it stayed accepted from.
        action: ``accept``, ``add`` or ``replace``.
        origin: Of a replacement the code that it took the place of.
    """

    node: str
    action: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class FinalCode:
    """A code of the result and where it came from.

    Attributes:
        code: The code.
        role: As in the result.
        confidence: As in the result.
        entry: How it came to be accepted; None where the trace does not tell.
        rank: Its place among the best candidates of ``retrieve``, from 1; None: not among them.
        voices: Names of the voices that speak for it.
    """

    code: str
    role: str
    confidence: float
    entry: Entry | None
    rank: int | None
    voices: tuple[str, ...]


@dataclass(slots=True)
class RunFacts:
    """What is counted of one run.

    Attributes:
        path: The trace file.
        note_id: Of the note.
        started: UTC, ISO 8601.
        policy: Of the run.
        llm: Spec of its LLM.
        model: Identity of its LLM's weights.
        release: Of the code system.
        version: Of icd-agent.
        status: Of the result; ``unfinished`` without one.
        seconds: Until the last event.
        revisions: Rounds of revise.
        nodes: Use by node; ``found`` is not counted.
        tools: Use by tool.
        questions: Use of the LLM by prompt.
        actions: Decisions by node and action.
        turned: Codes whose earlier decision was turned, by node and what it became.
        rules: Decisions by node, action and the rule or step that asks for them.
        codes: Of the result, in its order.
    """

    path: Path
    note_id: str = ""
    started: str = ""
    policy: str = ""
    llm: str = ""
    model: str = ""
    release: str = ""
    version: str = ""
    status: str = "unfinished"
    seconds: float = 0.0
    revisions: int = 0
    nodes: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    tools: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    questions: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    turned: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    codes: list[FinalCode] = field(default_factory=list)

    @property
    def llm_use(self) -> Use:
        """All questions to the LLM together."""
        whole = Use()
        for use in self.questions.values():
            whole.add(use)
        return whole


def read_facts(path: Path) -> RunFacts:
    """Return the facts of one trace.

    Raises:
        UserError: The file cannot be read or is no trace.
    """
    return gather(read_raw(path), path)


def gather(events: Iterable[Mapping[str, Any]], path: Path) -> RunFacts:
    """Return the facts of a run from its events in order."""
    gatherer = _Gatherer(RunFacts(path))
    for event in events:
        gatherer.take(event)
    return gatherer.facts


class _Gatherer:
    """Takes the events of one run in order."""

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self._entries: dict[str, Entry] = {}  # of the codes that are accepted so far
        self._decided: set[str] = set()
        self._ranks: dict[str, int] = {}
        self._takers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "run_start": self._run_start,
            "node_end": self._node_end,
            "tool_call": self._tool_call,
            "llm_call": self._llm_call,
            "decision": self._decision,
            "run_end": self._run_end,
        }

    def take(self, event: Mapping[str, Any]) -> None:
        self.facts.seconds = event["at"]
        taker = self._takers.get(event["event"])
        if taker:
            taker(event)

    def _run_start(self, event: Mapping[str, Any]) -> None:
        facts = self.facts
        facts.note_id, facts.started = event["note_id"], event["started"]
        facts.policy = event["settings"]["policy"]
        facts.llm, facts.model = event["llm"]["spec"], event["llm"]["model"]
        facts.release = event["knowledge"]["release"]
        facts.version = event["versions"].get("icd-agent", "unknown")

    def _node_end(self, event: Mapping[str, Any]) -> None:
        node, summary = event["node"], event["summary"]
        self.facts.nodes[node].add(Use(calls=1, seconds=event["seconds"]))
        self.facts.revisions = summary.get("revisions", self.facts.revisions)
        if node == "retrieve":
            self._ranks = {best["code"]: rank for rank, best in enumerate(summary["best"], 1)}

    def _tool_call(self, event: Mapping[str, Any]) -> None:
        found = len(event["result"])
        self.facts.tools[event["tool"]].add(Use(calls=1, found=found, seconds=event["seconds"]))

    def _llm_call(self, event: Mapping[str, Any]) -> None:
        use = Use(
            calls=1,
            found=int(event["logprobs"] is not None or event["response"] is not None),
            seconds=event["seconds"],
            prompt_tokens=event["prompt_tokens"],
            cached_tokens=event["cached_tokens"],
            completion_tokens=event["completion_tokens"],
        )
        self.facts.questions[event["purpose"].split()[0]].add(use)

    def _decision(self, event: Mapping[str, Any]) -> None:
        node, action, code = event["node"], event["action"], event["code"]
        self.facts.actions[node, action] += 1
        if rule := event.get("rule"):
            self.facts.rules[node, action, rule] += 1
        if action in ("accept", "add"):
            self._enters(code, Entry(node, action))
        elif action in ("reject", "replace"):
            if self._entries.pop(code, None):
                self.facts.turned[node, "rejected"] += 1
            successor = event["replacement"]
            if action == "replace" and successor:
                self._enters(successor, Entry(node, action, code))
        self._decided.add(code)

    def _enters(self, code: str, entry: Entry) -> None:
        if code in self._entries:
            return
        self._entries[code] = entry
        if code in self._decided:
            self.facts.turned[entry.node, "accepted"] += 1

    def _run_end(self, event: Mapping[str, Any]) -> None:
        result = event["result"]
        self.facts.status = result["status"]
        self.facts.codes = [
            FinalCode(
                code=assigned["code"],
                role=assigned["role"],
                confidence=assigned["confidence"],
                entry=self._entries.get(assigned["code"]),
                rank=self._ranks.get(assigned["code"]),
                voices=tuple(assigned["sources"]),
            )
            for assigned in result["codes"]
        ]
