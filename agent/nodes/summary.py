"""What a trace keeps of a node's output: complete where it decides, counted where it is bulk."""

from typing import Any

from agent.state import State

_KEPT_CANDIDATES = 100


def summarise(update: State) -> dict[str, Any]:
    """Return the JSON-ready gist of what a node wrote into the state."""
    summary: dict[str, Any] = {}
    if "note" in update:
        note = update["note"]
        summary["sections"] = [
            {"title": s.title, "kind": s.kind, "start": s.span.start, "end": s.span.end}
            for s in note.sections
        ]
        summary["sentences"] = len(note.sentences)
    if "candidates" in update:
        summary["candidates"] = len(update["candidates"])
        summary["best"] = [
            {"code": c.code, "score": round(c.score, 5), "sources": c.sources}
            for c in update["candidates"][:_KEPT_CANDIDATES]
        ]
    if "proposals" in update:
        summary["proposals"] = [
            {
                "code": p.code,
                "confidence": round(p.confidence, 4),
                "assertion": p.assertion,
                "accepted": p.accepted,
                "stage": p.stage,
                "reason": p.reason,
                "evidence": [[e.start, e.end] for e in p.evidence],
            }
            for p in update["proposals"]
        ]
    if "findings" in update:
        summary["findings"] = [f.model_dump() for f in update["findings"]]
    if "revisions" in update:
        summary["revisions"] = update["revisions"]
    if "result" in update:
        summary["codes"] = [c.code for c in update["result"].codes]
        summary["status"] = update["result"].status
    return summary
