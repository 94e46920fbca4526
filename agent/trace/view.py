"""One trace as a web page of its own: the note with its evidence, a timeline, and every step.

The page is one file without script, and its policy forbids the browser to load anything. All text
of the trace is escaped: a note may hold markup.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from agent.result import AssignedCode, Result
from agent.trace.events import (
    Decision,
    Event,
    Judgement,
    LLMCall,
    NodeEnd,
    NodeStart,
    RunEnd,
    ToolCall,
)
from agent.trace.reader import run_start
from knowledge.errors import UserError

_TEMPLATES = Path(__file__).parent / "templates"
_HUES = 8  # evidence colours, `.hue-N` of the template
_LEAST = 0.15  # per cent of the timeline that can still be seen


class Piece(NamedTuple):
    """A stretch of the note with the codes that it is evidence for, as numbers of their places."""

    text: str
    codes: tuple[int, ...]
    hue: int | None


class Bar(NamedTuple):
    """A bar of the timeline; left and width in per cent of the run."""

    kind: str
    label: str
    left: float
    width: float


@dataclass(slots=True)
class Visit:
    """A visit of a node with all that happened in it."""

    node: str
    began: float
    seconds: float = 0.0
    tokens: int = 0
    summary: dict[str, Any] = field(default_factory=dict)
    calls: list[LLMCall] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


def write_page(events: Sequence[Event], trace: Path, out: Path) -> None:
    """Write the page of a trace.

    Args:
        events: Of the trace; a run that was killed has no end.
        trace: Its file, for messages.
        out: The HTML file.

    Raises:
        UserError: The trace has no start, or the file cannot be written.
    """
    page = render_page(events, trace)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror}", fix="name a writable file: --out F.html"
        ) from error


def render_page(events: Sequence[Event], trace: Path) -> str:
    """Return the page of a trace as HTML; arguments and errors as for `write_page`."""
    start = run_start(events, trace)
    result = next((e.result for e in events if isinstance(e, RunEnd)), None)
    whole = max(events[-1].at, 1e-9)
    return _template().render(
        start=start,
        result=result,
        pieces=_pieces(start.note, result),
        visits=_visits(events, whole),
        seconds=whole,
        tokens=sum(e.tokens for e in events if isinstance(e, LLMCall)),
        calls=sum(isinstance(e, LLMCall) for e in events),
        hue=_hue,
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("trace.html.jinja")


def _hue(place: int) -> int:
    return place % _HUES


def _pieces(note: str, result: Result | None) -> list[Piece]:
    """Cut the note where evidence begins or ends; evidence of several codes may overlap."""
    codes: Sequence[AssignedCode] = result.codes if result else ()
    spans = [(e.start, e.end, place) for place, c in enumerate(codes) for e in c.evidence]
    cuts = sorted({0, len(note), *(s[0] for s in spans), *(s[1] for s in spans)})
    pieces = []
    for start, end in pairwise(cuts):
        here = tuple(dict.fromkeys(p for s, e, p in spans if s <= start and end <= e))
        pieces.append(Piece(note[start:end], here, _hue(here[0]) if here else None))
    return pieces


def _visits(events: Iterable[Event], whole: float) -> list[Visit]:
    """Return the visits of nodes in order, the last of a killed run without its end."""
    visits: list[Visit] = []
    for event in events:
        if isinstance(event, NodeStart):
            visits.append(Visit(event.node, event.at))
        elif visits:
            _take(event, visits[-1], whole)
    return visits


def _take(event: Event, visit: Visit, whole: float) -> None:
    if isinstance(event, NodeEnd):
        visit.seconds, visit.summary, visit.tokens = event.seconds, event.summary, event.tokens
        visit.bars.insert(0, _bar("node", visit.node, visit.began, event.at, whole))
    elif isinstance(event, LLMCall):
        visit.calls.append(event)
        began = max(visit.began, event.at - event.seconds)
        visit.bars.append(_bar("call", event.purpose, began, event.at, whole))
    elif isinstance(event, ToolCall):
        visit.tools.append(event)
    elif isinstance(event, Decision):
        visit.decisions.append(event)
    elif isinstance(event, Judgement):
        visit.judgements.append(event)


def _bar(kind: str, label: str, began: float, ended: float, whole: float) -> Bar:
    left = min(100 * began / whole, 100 - _LEAST)
    width = min(max(100 * (ended - began) / whole, _LEAST), 100 - left)
    return Bar(kind, f"{label}: {ended - began:.3f} s", round(left, 3), round(width, 3))
