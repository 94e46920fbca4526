"""What many runs have in common: their facts counted, one trace at a time."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

from agent.trace.facts import RunFacts, Use, read_facts
from knowledge.errors import UserError

_RANKS = (1, 5, 10, 20, 50, 100)  # upper ends of the groups of places in the ranking
_ABSENT = "not among the best candidates"


class TraceStats:
    """Adds up the facts of runs; it keeps numbers alone, so memory stays small."""

    def __init__(self) -> None:
        self.unreadable: list[dict[str, str]] = []
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._amounts: dict[str, list[float]] = defaultdict(list)
        self._nodes: dict[str, Use] = defaultdict(Use)
        self._tools: dict[str, Use] = defaultdict(Use)
        self._questions: dict[str, Use] = defaultdict(Use)
        self._actions: Counter[tuple[str, str]] = Counter()
        self._turned: Counter[tuple[str, str]] = Counter()
        self._rules: Counter[tuple[str, str, str]] = Counter()

    def read(self, paths: Iterable[Path]) -> "TraceStats":
        """Add traces; a file that is none is listed with its problem and passed over."""
        for path in paths:
            try:
                self.add(read_facts(path))
            except UserError as error:
                self.unreadable.append({"path": str(path), "problem": error.message})
            except (KeyError, TypeError, AttributeError) as error:
                problem = f"an event is not as the schema says: {type(error).__name__} {error}"
                self.unreadable.append({"path": str(path), "problem": problem})
        return self

    def add(self, facts: RunFacts) -> None:
        """Add the facts of one run."""
        for key in ("status", "policy", "llm", "release", "version"):
            self._counts[key][getattr(facts, key)] += 1
        for mine, theirs in (
            (self._nodes, facts.nodes),
            (self._tools, facts.tools),
            (self._questions, facts.questions),
        ):
            for name, use in theirs.items():
                mine[name].add(use)
        self._actions.update(facts.actions)
        self._turned.update(facts.turned)
        self._rules.update(facts.rules)
        if facts.status == "unfinished":
            return
        self._add_finished(facts)

    def _add_finished(self, facts: RunFacts) -> None:
        """Add what only a whole run tells: its cost and its codes."""
        use = facts.llm_use
        for name, amount in (
            ("seconds", facts.seconds),
            ("llm_calls", use.calls),
            ("prompt_tokens", use.prompt_tokens),
            ("cached_tokens", use.cached_tokens),
            ("completion_tokens", use.completion_tokens),
            ("codes", len(facts.codes)),
        ):
            self._amounts[name].append(amount)
        self._counts["revisions"][str(facts.revisions)] += 1
        for code in facts.codes:
            entry = code.entry
            self._counts["entered"][f"{entry.node}: {entry.action}" if entry else "unknown"] += 1
            self._counts["rank"][_rank_group(code.rank)] += 1
            self._counts["voices"].update(code.voices)

    def report(self) -> dict[str, Any]:
        """Return all counts as one JSON object; ``traces`` are those that could be read."""
        status = self._counts["status"]
        return {
            "traces": status.total(),
            "finished": status.total() - status["unfinished"],
            "unreadable": self.unreadable,
            **{key: dict(self._counts[key].most_common()) for key in ("status", "policy", "llm")},
            "releases": dict(self._counts["release"].most_common()),
            "versions": dict(self._counts["version"].most_common()),
            "per_run": {name: spread(values) for name, values in self._amounts.items()},
            "nodes": self._node_table(),
            "questions": {name: _of_llm(use) for name, use in _most_used(self._questions)},
            "tools": {
                name: {"calls": use.calls, "findings": use.found, "seconds": round(use.seconds, 4)}
                for name, use in sorted(self._tools.items(), key=lambda t: (-t[1].found, t[0]))
            },
            "revisions": dict(sorted(self._counts["revisions"].items())),
            "codes_entered": dict(self._counts["entered"].most_common()),
            "codes_by_rank": {g: self._counts["rank"][g] for g in _rank_groups()},
            "codes_by_voice": dict(self._counts["voices"].most_common()),
            "decisions": _by_node(self._actions),
            "decisions_turned": _by_node(self._turned),
            "rules": [
                {"node": node, "action": action, "rule": rule, "decisions": count}
                for (node, action, rule), count in self._rules.most_common()
            ],
        }

    def _node_table(self) -> dict[str, dict[str, float]]:
        whole = sum(use.seconds for use in self._nodes.values()) or 1.0
        return {
            name: {
                "visits": use.calls,
                "seconds": round(use.seconds, 3),
                "share": round(use.seconds / whole, 4),
            }
            for name, use in self._nodes.items()
        }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean, median, 90th percentile, greatest and sum of at least one value."""
    tenths = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    figures = {
        "mean": fmean(values),
        "median": tenths[4],
        "p90": tenths[8],
        "max": max(values),
        "sum": sum(values),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def _of_llm(use: Use) -> dict[str, float]:
    return {
        "calls": use.calls,
        "answered": use.found,
        "seconds": round(use.seconds, 3),
        "prompt_tokens": use.prompt_tokens,
        "cached_tokens": use.cached_tokens,
        "completion_tokens": use.completion_tokens,
    }


def _most_used(uses: dict[str, Use]) -> list[tuple[str, Use]]:
    return sorted(uses.items(), key=lambda item: (-item[1].calls, item[0]))


def _by_node(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (node, what), count in counts.items():
        table.setdefault(node, {})[what] = count
    return table


def _rank_groups() -> list[str]:
    lower = (1, *(end + 1 for end in _RANKS))
    spans = zip(lower, _RANKS, strict=False)
    return [*(str(b) if a == b else f"{a}-{b}" for a, b in spans), _ABSENT]


def _rank_group(rank: int | None) -> str:
    return _rank_groups()[len(_RANKS) if rank is None else bisect_left(_RANKS, rank)]
