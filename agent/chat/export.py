"""The coder's list as a result of the JSON contract, and as ``icd-agent export`` writes it."""

from datetime import UTC, datetime
from typing import Literal, get_args

import orjson

from agent.chat.models import WorkingCode
from agent.chat.session import Session
from agent.chat.worklist import coded_items
from agent.evidence import evidence_at
from agent.export.csv import csv_rows, header
from agent.export.fhir import bundle
from agent.result import AssignedCode, RejectedCode, Result
from knowledge.assertion import assertion_of
from knowledge.note_text import Span

Format = Literal["json", "csv", "fhir"]
FORMATS: tuple[Format, ...] = get_args(Format)


def to_text(session: Session, form: Format) -> str:
    """Return the list in a format; `icd-agent export` and `check --result` read the JSON."""
    result = to_result(session)
    if form == "csv":
        return header() + csv_rows(result)
    if form == "fhir":
        return orjson.dumps(bundle(result, datetime.now(UTC))).decode() + "\n"
    return result.model_dump_json() + "\n"


def to_result(session: Session) -> Result:
    """Return the agent's result with codes, rejections and findings as the coder left them.

    A code of the coder's own has confidence 1, since she decided; one of the agent keeps its own.
    """
    findings = session.findings(coded_items(session.work))
    codes = [_assigned(session, item, place == 0) for place, item in enumerate(session.work.codes)]
    for code in codes:
        code.findings.extend(n for n, f in enumerate(findings) if code.code in f.codes)
    rejected = {
        d.code: RejectedCode(code=d.code, reason=d.reason, stage="check")
        for d in session.work.dropped
    }
    listed = set(session.work.named())
    rest = [r for r in session.result.rejected if r.code not in rejected]
    return session.result.model_copy(
        update={
            "status": "ok" if codes else "empty",
            "codes": codes,
            "rejected": [r for r in (*rejected.values(), *rest) if r.code not in listed],
            "findings": findings,
            "plm_icd": None,
        }
    )


def _assigned(session: Session, item: WorkingCode, principal: bool) -> AssignedCode:
    agents = session.assigned.get(item.basis or "")
    own = agents is not None and item.origin == "agent"
    spans = [Span(*span) for span in item.evidence]
    assertion = agents.assertion if agents else "present"
    if agents is None and spans:
        assertion = assertion_of(session.note, spans[0]).assertion
    return AssignedCode(
        code=item.code,
        description=session.system.get(item.code).title,
        confidence=agents.confidence if agents and own else 1.0,
        role="principal" if principal else "secondary",
        evidence=[evidence_at(session.note, span) for span in spans],
        assertion=assertion,
        reason=item.reason,
        guidelines=agents.guidelines if agents and own else [],
        sources=agents.sources if agents and own else {},
        findings=[],
    )
