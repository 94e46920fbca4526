"""Step on codes that a circumstance of the note decides, not a wording that resembles their titles.

"Apixaban" names a drug whether or not it is in long-term use; "fall" may be the season. The reader
of circumstances has weighed that, so that its silence, or its choice, holds for these codes.
"""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from agent.state import Proposal
from indexes.circumstances import CircumstanceGenerator

_STEP = "circumstances"
# Codes that need the reader: long-term use, a fall of no stated kind, living alone as a problem.
_NEED_READER = {"Z79": "I.C.21.c.3", "W19": "I.C.20.a", "Z60.2": "I.C.21.c.17"}
# Codes of which the reader's choice excludes the others of the group.
_ONE_CHOICE = {
    ("F17", "Z72.0", "Z87.891"): "I.C.5.b",
    ("Z00.0",): "I.C.21.c.13",
    ("Z00.1",): "I.C.21.c.13",
    ("Z38",): "I.C.16.a",
    ("Z59.0",): "I.C.21.c.17",
    ("Z89",): "I.C.21.c.3",
    ("Z90.1",): "I.C.21.c.3",
    ("Z91.011", "Z91.012"): "I.C.21.c.3",
    ("Z96.64",): "I.C.21.c.3",
    ("Z96.65",): "I.C.21.c.3",
}


def decided_by_circumstances(ledger: Ledger) -> None:
    """Drop what other voices propose where the circumstances of the note say otherwise."""
    accepted = [p for p in ledger.proposals if p.accepted]
    read = [p for p in accepted if is_read(p)]
    for p in accepted:
        if is_read(p):
            continue
        needed = next((c for code, c in _NEED_READER.items() if p.code.startswith(code)), None)
        if needed:
            reason = f"no such circumstance in the note: {p.reason}"
            ledger.reject(p, reason, Authority(_STEP, needed))
            continue
        for group, citation in _ONE_CHOICE.items():
            chosen = next((q for q in read if q.code.startswith(group)), None)
            if chosen and p.code.startswith(group):
                reason = f"the note says {chosen.evidence[0].text!r} ({chosen.code})"
                authority = Authority(_STEP, citation)
                ledger.reject(p, reason, authority, replacement=chosen.code)


def is_read(proposal: Proposal) -> bool:
    """Tell whether the reader of circumstances proposes a code."""
    return CircumstanceGenerator.name in proposal.sources
