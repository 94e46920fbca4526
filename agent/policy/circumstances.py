"""Step on codes that a circumstance of the note decides, not a wording that resembles their titles.

"Apixaban" names a drug whether or not it is in long-term use; "fall" may be the season. The reader
of circumstances has weighed that, so that its silence, or its choice, holds for these codes.
"""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from agent.state import Proposal
from indexes.circumstances import CircumstanceGenerator

CIRCUMSTANCES = Authority("circumstances", "I.C.21.c")

# Codes that need the reader: long-term use, a fall of no stated kind, living alone as a problem.
_NEED_READER = ("Z79", "W19", "Z60.2")
# Codes of which the reader's choice excludes the others of the group.
_ONE_CHOICE = (
    ("F17", "Z72.0", "Z87.891"),
    ("Z00.0",),
    ("Z00.1",),
    ("Z38",),
    ("Z59.0",),
    ("Z89",),
    ("Z90.1",),
    ("Z91.011", "Z91.012"),
    ("Z96.64",),
    ("Z96.65",),
)


def decided_by_circumstances(ledger: Ledger) -> None:
    """Drop what other voices propose where the circumstances of the note say otherwise."""
    accepted = [p for p in ledger.proposals if p.accepted]
    read = [p for p in accepted if is_read(p)]
    for p in accepted:
        if is_read(p):
            continue
        if p.code.startswith(_NEED_READER):
            ledger.reject(p, f"no such circumstance in the note: {p.reason}", CIRCUMSTANCES)
            continue
        group = next((codes for codes in _ONE_CHOICE if p.code.startswith(codes)), None)
        chosen = next((q for q in read if group and q.code.startswith(group)), None)
        if chosen:
            reason = f"the note says {chosen.evidence[0].text!r} ({chosen.code})"
            ledger.reject(p, reason, CIRCUMSTANCES, replacement=chosen.code)


def is_read(proposal: Proposal) -> bool:
    """Tell whether the reader of circumstances proposes a code."""
    return CircumstanceGenerator.name in proposal.sources
