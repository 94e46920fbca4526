"""Step on notes in which the evidence convinces of nothing: an encounter still has a reason."""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from agent.policy.wording import wording

INPATIENT = Authority("first_listed", "II")
OUTPATIENT = Authority("first_listed", "IV.G")

_NAMED = 0.8  # score from which words name a code and do not only resemble its terms
_CAUSES = ("V", "W", "X", "Y")  # how it came about is never coded alone
_NO_REASON = (*_CAUSES, "Z")


def first_listed(ledger: Ledger) -> None:
    """Accept the best named condition of the patient where nothing but causes was accepted.

    A short note without headings, as of a triage, says little for a condition but its name.
    """
    if any(p.accepted and p.code[0] not in _CAUSES for p in ledger.proposals):
        return
    named = [
        p
        for p in ledger.proposals
        if p.assertion in ("present", "historical")
        and p.code[0] not in _NO_REASON
        and p.code in ledger.context.system
        and ledger.context.system.get(p.code).billable
        and wording(p) >= _NAMED
    ]
    if named:
        best = max(named, key=lambda p: (p.confidence, p.code))
        authority = OUTPATIENT if ledger.encounter.setting == "outpatient" else INPATIENT
        ledger.accept(best, "the only reason for the encounter that the note names", authority)
