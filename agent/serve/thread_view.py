"""A thread as a page shows it: the coder's list with what the agent, the rules and PLM-ICD say."""

from agent.chat.models import CodeLine
from agent.chat.session import Session
from agent.chat.snapshot import Snapshot
from agent.chat.worklist import coded_items
from agent.serve.thread_models import (
    CodedNote,
    CodeOfThread,
    DecisionTaken,
    Message,
    PLMAlone,
    PLMOpinionOnCode,
    Verdict,
)
from indexes.plm_icd.predict import NAME as PLM_ICD
from knowledge.errors import UserError
from knowledge.rules import Finding

_REJECTED = 60  # codes that the agent rejected, shown at most; a long note has hundreds


def coded_note(now: Snapshot) -> CodedNote:
    """Return what there is of a thread whose note has been coded.

    Raises:
        UserError: The thread is of another version or release.
    """
    session = now.session
    findings = session.findings(coded_items(session.work))
    listed = set(session.work.named())
    rejected = [r for r in session.result.rejected if r.code not in listed]
    return CodedNote(
        code_system=session.result.code_system,
        release=session.result.release,
        policy=session.result.policy,
        codes=[_code(session, line, findings) for line in session.lines()],
        findings=findings,
        question=now.question,
        plm_alone=_alone(session, listed),
        dropped=[d for d in session.work.dropped if d.code not in listed],
        rejected=rejected[:_REJECTED],
        decisions=[
            DecisionTaken(
                seq=d.seq,
                action=d.action,
                codes=[about.code for about in d.codes],
                replacement=list(d.replacement),
                reason=d.reason,
            )
            for d in session.decisions
        ],
        undoable=now.undoable,
        messages=[
            Message(by_coder=said.by_coder, statements=list(said.statements))
            for said in now.transcript
        ],
    )


def _code(session: Session, line: CodeLine, findings: list[Finding]) -> CodeOfThread:
    agents = session.assigned.get(line.code)
    return CodeOfThread(
        **line.model_dump(),
        assertion=agents.assertion if agents else None,
        guidelines=agents.guidelines if agents else [],
        plm_icd=_opinion(session, line.code),
        findings=[n for n, finding in enumerate(findings, 1) if line.code in finding.codes],
    )


def _opinion(session: Session, code: str) -> PLMOpinionOnCode:
    opinion = session.result.plm_icd
    alone = {only.code: only.probability for only in opinion.plm_only} if opinion else {}
    agents = session.assigned.get(code)
    if code in alone:
        return PLMOpinionOnCode(verdict="agrees", probability=alone[code])
    if opinion is None or agents is None:
        return PLMOpinionOnCode(verdict="not asked")
    if code in opinion.outside_label_space:
        return PLMOpinionOnCode(verdict="outside")
    verdict: Verdict = "agrees" if code in opinion.agree else "disagrees"
    return PLMOpinionOnCode(verdict=verdict, probability=agents.sources.get(PLM_ICD))


def _alone(session: Session, listed: set[str]) -> list[PLMAlone]:
    opinion = session.result.plm_icd
    return [
        PLMAlone(
            code=only.code,
            description=_title(session, only.code),
            probability=only.probability,
            evidence=[(e.start, e.end) for e in only.evidence],
        )
        for only in (opinion.plm_only if opinion else ())
        if only.code not in listed
    ]


def _title(session: Session, code: str) -> str:
    try:
        return session.system.get(code).title
    except UserError:  # PLM-ICD learned codes of earlier releases too
        return ""
