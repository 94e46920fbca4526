"""What the coding rules say of the list, and how that would change with one code more or less."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agent.chat.models import Citation, Statement, at_note
from agent.chat.session import Session
from agent.chat.worklist import coded_items, items_of
from knowledge.errors import UserError
from knowledge.rules import CodedItem, Finding, Mend

_NO_CHANGE = "The rules find nothing new"


class Checked(BaseModel):
    """A check under which findings keep their numbers until the list changes."""

    model_config = ConfigDict(frozen=True)

    codes: tuple[str, ...]
    findings: tuple[Finding, ...]

    def mend(self, number: int, codes: Sequence[str]) -> tuple[Mend, Finding]:
        """Return the mend of a numbered finding.

        Raises:
            UserError: The list has changed, there is no such finding, or it has no mend.
        """
        if tuple(codes) != self.codes:
            raise UserError("the list has changed since the check", fix="/check")
        if not 1 <= number <= len(self.findings):
            raise UserError(
                f"there is no finding {number}; the check has {len(self.findings)}", fix="/check"
            )
        finding = self.findings[number - 1]
        if finding.mend is None:
            raise UserError(
                f"finding {number} ({finding.rule}) has no mend that follows from the codes alone",
                fix="/replace, /reject or /add a code as the record says",
            )
        return finding.mend, finding


def check_list(session: Session) -> Checked:
    """Apply the rules to the list."""
    findings = session.findings(coded_items(session.work))
    return Checked(codes=session.work.named(), findings=tuple(findings))


def tell(session: Session, checked: Checked) -> list[Statement]:
    """Tell the findings of a check, numbered."""
    if not checked.findings:
        text = f"{len(checked.codes)} codes, no finding."
        return [Statement(text=text, citations=(_checked_by(),))]
    return [
        _told(session, finding, f"{number}. ") for number, finding in enumerate(checked.findings, 1)
    ]


def what_if_added(session: Session, code: str) -> list[Statement]:
    """Tell what the rules would say if a code were added to the list.

    Raises:
        UserError: The code is on the list already.
    """
    if session.work.find(code):
        raise UserError(f"{code} is on the list already", fix=f"what if I remove {code}?")
    return if_added(session, code)


def if_added(session: Session, code: str) -> list[Statement]:
    """Tell what the rules find in the list with one code more."""
    listed = [(item.code, item.evidence) for item in session.work.codes]
    return _difference(session, items_of([*listed, (code, ())]), f"with {code} added")


def what_if_removed(session: Session, code: str) -> list[Statement]:
    """Tell what the rules would say without a code of the list.

    Raises:
        UserError: The code is not on the list.
    """
    if session.work.find(code) is None:
        raise UserError(f"{code} is not on the list", fix="/codes")
    rest = [(item.code, item.evidence) for item in session.work.codes if item.code != code]
    return _difference(session, items_of(rest), f"without {code}")


def what_if_replaced(session: Session, code: str, new: str) -> list[Statement]:
    """Tell what the rules would say with another code in the place of one.

    Raises:
        UserError: The code is not on the list, or the other one is.
    """
    if session.work.find(code) is None:
        raise UserError(f"{code} is not on the list", fix="/codes")
    if session.work.find(new):
        raise UserError(f"{new} is on the list already", fix=f"what if I remove {code}?")
    changed = [(new if i.code == code else i.code, i.evidence) for i in session.work.codes]
    return _difference(session, items_of(changed), f"with {new} instead of {code}")


def _difference(session: Session, items: Sequence[CodedItem], named: str) -> list[Statement]:
    before = session.findings(coded_items(session.work))
    after = session.findings(items)
    new = [finding for finding in after if _key(finding) not in map(_key, before)]
    gone = [finding for finding in before if _key(finding) not in map(_key, after)]
    if not new and not gone:
        return [Statement(text=f"{_NO_CHANGE} {named}.", citations=(_checked_by(),))]
    told = [_told(session, finding, f"New {named}: ") for finding in new]
    return [*told, *(_told(session, finding, f"Gone {named}: ") for finding in gone)]


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, tuple(finding.codes), finding.message


def _told(session: Session, finding: Finding, lead: str) -> Statement:
    mend = f" Mend: {finding.fix}." if finding.fix else ""
    cites = [Citation(source="rule", at=f"{finding.rule}, {finding.citation}")]
    for code in finding.codes:
        item = session.work.find(code)
        if item and item.evidence:
            cites.append(at_note(*item.evidence[0]))
    text = f"{lead}{finding.severity}: {finding.message.rstrip('.')}.{mend}"
    return Statement(text=text, citations=tuple(cites))


def _checked_by() -> Citation:
    return Citation(source="rule", at="all rules, icd-agent check")
