"""Where two runs part: setup, then step by step what one decided otherwise than the other.

A step is one visit of a node. Times are not compared, nor is what follows from them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agent.result import AssignedCode, Result
from agent.trace.events import (
    Decision,
    Event,
    Judgement,
    LLMCall,
    NodeEnd,
    RunEnd,
    RunStart,
    ToolCall,
)

# Another processor rounds otherwise; less than this is no difference of a probability or answer.
PROBABILITY_NOISE = 0.005
_LOGPROB_NOISE = 0.05


class Difference(NamedTuple):
    """One thing that is otherwise in the second run.

    Attributes:
        kind: What kind of thing: ``candidate`` (its rank), ``plm_icd``, ``prompt``, ``answer``,
            ``judgement``, ``decision``, ``score``, ``finding``, ``visit``; of results ``status``,
            ``code`` (its role), ``role``, ``assertion``, ``evidence``, ``confidence``, ``order``,
            ``rejected`` (the stage), ``finding``; of the setup its part.
        about: Code, question or setting.
        a: As in the first run; None: not there.
        b: As in the second.
    """

    kind: str
    about: str
    a: Any
    b: Any


class Step(NamedTuple):
    """A visit of a node in which the runs differ; visits are counted from 1."""

    node: str
    visit: int
    differences: list[Difference]


class TraceDiff(NamedTuple):
    """All differences of two runs.

    Attributes:
        setup: Of note, settings, LLM, knowledge and versions.
        steps: The visits of nodes that differ, in order; the first is where the runs part.
        result: Of the results.
    """

    setup: list[Difference]
    steps: list[Step]
    result: list[Difference]

    @property
    def same(self) -> bool:
        """Whether both runs took the same way to the same result; their setup may differ."""
        return not self.steps and not self.result


def diff_traces(a: Sequence[Event], b: Sequence[Event]) -> TraceDiff:
    """Compare two runs, of one note or of two versions of it."""
    result_a, result_b = _result(a), _result(b)
    return TraceDiff(
        setup=list(_setup(a, b)),
        steps=list(_steps(a, b)),
        result=_of_results(result_a, result_b),
    )


def diff_results(a: Result, b: Result) -> list[Difference]:
    """Compare what two results say of the note: status, codes, rejected codes and findings."""
    differences = list(_values("status", {"status": a.status}, {"status": b.status}))
    codes_a, codes_b = ({c.code: c for c in result.codes} for result in (a, b))
    for code in dict.fromkeys((*codes_a, *codes_b)):
        differences.extend(_of_code(codes_a.get(code), codes_b.get(code)))
    order_a, order_b = (
        [c for c in codes if c in codes_a.keys() & codes_b.keys()] for codes in (codes_a, codes_b)
    )
    if order_a != order_b:
        differences.append(Difference("order", "codes", order_a, order_b))
    rejected_a, rejected_b = ({r.code: r.stage for r in result.rejected} for result in (a, b))
    differences.extend(_values("rejected", rejected_a, rejected_b))
    found_a, found_b = (_findings(f.model_dump() for f in result.findings) for result in (a, b))
    differences.extend(_values("finding", found_a, found_b))
    return differences


def _of_results(a: Result | None, b: Result | None) -> list[Difference]:
    if a and b:
        return diff_results(a, b)
    statuses = (result.status if result else "unfinished" for result in (a, b))
    return [] if a is b else [Difference("status", "status", *statuses)]


def _of_code(a: AssignedCode | None, b: AssignedCode | None) -> Iterator[Difference]:
    if a is None or b is None:
        present = a or b
        assert present
        yield Difference("code", present.code, a and a.role, b and b.role)
        return
    if a.role != b.role:
        yield Difference("role", a.code, a.role, b.role)
    if a.assertion != b.assertion:
        yield Difference("assertion", a.code, a.assertion, b.assertion)
    spans_a, spans_b = ([[e.start, e.end] for e in c.evidence] for c in (a, b))
    if spans_a != spans_b:
        yield Difference("evidence", a.code, spans_a, spans_b)
    if abs(a.confidence - b.confidence) > PROBABILITY_NOISE:
        yield Difference("confidence", a.code, a.confidence, b.confidence)


def _result(events: Iterable[Event]) -> Result | None:
    return next((e.result for e in events if isinstance(e, RunEnd)), None)


def _setup(a: Iterable[Event], b: Iterable[Event]) -> Iterator[Difference]:
    start_a, start_b = (next((e for e in run if isinstance(e, RunStart)), None) for run in (a, b))
    if start_a is None or start_b is None:
        return
    for part in ("note_id", "note_sha256"):
        one, other = {part: getattr(start_a, part)}, {part: getattr(start_b, part)}
        yield from _values("note", one, other)
    for part in ("settings", "llm", "knowledge", "versions"):
        one, other = getattr(start_a, part), getattr(start_b, part)
        yield from _values(part, one, other)


class _Visit(NamedTuple):
    node: str
    number: int


def _visits(events: Iterable[Event]) -> dict[_Visit, list[Event]]:
    """Return the events of each visit of a node, without the start."""
    visits: dict[_Visit, list[Event]] = {}
    counts: Counter[str] = Counter()
    inside: list[Event] = []
    for event in events:
        if event.event == "node_start":
            counts[event.node] += 1
            inside = visits.setdefault(_Visit(event.node, counts[event.node]), [])
        elif event.node is not None:
            inside.append(event)
    return visits


def _steps(a: Iterable[Event], b: Iterable[Event]) -> Iterator[Step]:
    visits_a, visits_b = _visits(a), _visits(b)
    for visit in _in_order(list(visits_a), list(visits_b)):
        if visit not in visits_a or visit not in visits_b:
            there = [visit in visits_a or None, visit in visits_b or None]
            yield Step(visit.node, visit.number, [Difference("visit", visit.node, *there)])
            continue
        differences = list(_of_visit(visits_a[visit], visits_b[visit]))
        if differences:
            yield Step(visit.node, visit.number, differences)


def _in_order(a: list[_Visit], b: list[_Visit]) -> list[_Visit]:
    """Merge two orders of visits; what only one run has comes before what follows it there."""
    merged = list(a)
    place = 0
    for visit in b:
        if visit in merged:
            place = merged.index(visit) + 1
        else:
            merged.insert(place, visit)
            place += 1
    return merged


def _of_visit(a: Sequence[Event], b: Sequence[Event]) -> Iterator[Difference]:
    yield from _values("candidate", _ranks(a), _ranks(b))
    yield from _numbers("plm_icd", _assigned_by_plm(a), _assigned_by_plm(b), PROBABILITY_NOISE)
    yield from _of_questions(a, b)
    yield from _values("judgement", _judgements(a), _judgements(b))
    yield from _values("decision", _decisions(a), _decisions(b))
    yield from _numbers("score", _scores(a), _scores(b), PROBABILITY_NOISE)
    yield from _values("finding", _tool_findings(a), _tool_findings(b))


def _values(kind: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*a, *b)):
        if a.get(key) != b.get(key):
            yield Difference(kind, key, a.get(key), b.get(key))


def _numbers(
    kind: str, a: Mapping[str, float], b: Mapping[str, float], noise: float
) -> Iterator[Difference]:
    """Yield the differences of numbers; what only one run has is one of `_values`."""
    for difference in _values(kind, a, b):
        both = difference.a is not None and difference.b is not None
        if not both or abs(difference.a - difference.b) > noise:
            yield difference


def _ends(events: Iterable[Event]) -> Mapping[str, Any]:
    return next((e.summary for e in events if isinstance(e, NodeEnd)), {})


def _ranks(events: Iterable[Event]) -> dict[str, int]:
    best = _ends(events).get("best", ())
    return {candidate["code"]: rank for rank, candidate in enumerate(best, 1)}


def _assigned_by_plm(events: Iterable[Event]) -> dict[str, float]:
    assigned = _ends(events).get("plm_icd", {}).get("assigned", ())
    return {prediction["code"]: prediction["probability"] for prediction in assigned}


def _of_questions(a: Iterable[Event], b: Iterable[Event]) -> Iterator[Difference]:
    """Compare prompts and, where they are the same, answers."""
    asked_a, asked_b = _numbered(a, LLMCall), _numbered(b, LLMCall)
    for question in dict.fromkeys((*asked_a, *asked_b)):
        one, other = asked_a.get(question), asked_b.get(question)
        if one is None or other is None:
            yield Difference("answer", question, one and _answer(one), other and _answer(other))
        elif one.prompt_sha256 != other.prompt_sha256:
            yield Difference("prompt", question, one.prompt_sha256, other.prompt_sha256)
        elif not _same_answer(one, other):
            yield Difference("answer", question, _answer(one), _answer(other))


def _numbered(events: Iterable[Event], kind: type[LLMCall]) -> dict[str, LLMCall]:
    """Return calls by purpose; one that is asked again gets a number."""
    calls: dict[str, LLMCall] = {}
    counts: Counter[str] = Counter()
    for event in events:
        if isinstance(event, kind):
            counts[event.purpose] += 1
            again = f" #{counts[event.purpose]}" if counts[event.purpose] > 1 else ""
            calls[event.purpose + again] = event
    return calls


def _answer(call: LLMCall) -> Any:  # noqa: ANN401 (scores, text, or why there is neither)
    if call.logprobs is not None:
        return {choice: round(value, 3) for choice, value in call.logprobs.items()}
    return call.response or call.settings


def _same_answer(a: LLMCall, b: LLMCall) -> bool:
    if a.logprobs is None or b.logprobs is None or a.logprobs.keys() != b.logprobs.keys():
        return bool(_answer(a) == _answer(b))
    return all(abs(value - b.logprobs[c]) <= _LOGPROB_NOISE for c, value in a.logprobs.items())


def _judgements(events: Iterable[Event]) -> dict[str, str]:
    return {f"{e.kind} {' '.join(e.codes)}": e.answer for e in events if isinstance(e, Judgement)}


def _decisions(events: Iterable[Event]) -> dict[str, list[str]]:
    decisions: dict[str, list[str]] = {}
    for e in events:
        if isinstance(e, Decision):
            other = f" {'before' if e.action == 'move' else 'by'} {e.replacement}"
            asked = f" [{e.rule}]" if e.rule else ""
            taken = e.action + (other if e.replacement else "") + asked
            decisions.setdefault(e.code, []).append(taken)
    return decisions


def _scores(events: Iterable[Event]) -> dict[str, float]:
    """Return the confidence in each proposal as the node left it."""
    return {p["code"]: p["confidence"] for p in _ends(events).get("proposals", ())}


def _tool_findings(events: Iterable[Event]) -> dict[str, str]:
    return _findings(f for e in events if isinstance(e, ToolCall) for f in e.result)


def _findings(findings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the severity of each finding by its rule and codes."""
    return {f"{f['rule']} {' '.join(f['codes'])}": f["severity"] for f in findings}
