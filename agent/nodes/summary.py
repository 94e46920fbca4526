"""What a trace keeps of a node's output: complete where it decides, counted where it is bulk."""

from collections.abc import Callable
from typing import Any

from agent.state import CoderContext, State

_KEPT_CANDIDATES = 100

_Gist = dict[str, Any]


def summarise(update: State, context: CoderContext) -> _Gist:
    """Return the JSON-ready gist of what a node wrote into the state."""
    summary: _Gist = {}
    for key, gist in _GISTS.items():
        if key in update:
            summary.update(gist(update, context))
    return summary


def _note(update: State, context: CoderContext) -> _Gist:
    note = update["note"]
    sections = [
        {"title": s.title, "kind": s.kind, "start": s.span.start, "end": s.span.end}
        for s in note.sections
    ]
    return {"sections": sections, "sentences": len(note.sentences)}


def _candidates(update: State, context: CoderContext) -> _Gist:
    best = [
        {"code": c.code, "score": round(c.score, 5), "sources": c.sources}
        for c in update["candidates"][:_KEPT_CANDIDATES]
    ]
    return {"candidates": len(update["candidates"]), "best": best}


def _plm_icd(update: State, context: CoderContext) -> _Gist:
    """Keep what PLM-ICD assigns, most probable first."""
    if context.plm is None:
        return {}
    threshold = context.plm.threshold
    assigned = [
        {
            "code": code,
            "probability": round(probability, 4),
            "evidence": [evidence.start, evidence.end],
        }
        for code, probability, evidence in update["plm_icd"]
        if probability >= threshold
    ]
    return {"plm_icd": {"threshold": threshold, "assigned": assigned}}


def _proposals(update: State, context: CoderContext) -> _Gist:
    proposals = [
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
    return {"proposals": proposals}


def _second_look(update: State, context: CoderContext) -> _Gist:
    looks = [
        {
            "code": look.code,
            "plm_icd": None if look.plm_icd is None else round(look.plm_icd, 4),
            "confidence": [round(look.confidence_before, 4), round(look.confidence_after, 4)],
            "accepted": [look.accepted_before, look.accepted_after],
        }
        for look in update["second_look"]
    ]
    return {"second_look": looks}


def _findings(update: State, context: CoderContext) -> _Gist:
    return {"findings": [f.model_dump() for f in update["findings"]]}


def _revisions(update: State, context: CoderContext) -> _Gist:
    return {"revisions": update["revisions"]}


def _result(update: State, context: CoderContext) -> _Gist:
    result = update["result"]
    return {"codes": [c.code for c in result.codes], "status": result.status}


_GISTS: dict[str, Callable[[State, CoderContext], _Gist]] = {
    "note": _note,
    "candidates": _candidates,
    "plm_icd": _plm_icd,
    "proposals": _proposals,
    "second_look": _second_look,
    "findings": _findings,
    "revisions": _revisions,
    "result": _result,
}
