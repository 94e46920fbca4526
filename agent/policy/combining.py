"""Steps from the policy data: combinations, and symptoms that belong to a disease."""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from knowledge.policy_data import apply_combination


def combinations(ledger: Ledger) -> None:
    """Apply each combination rule once, from top to bottom."""
    for rule in ledger.context.policy_data.combinations:
        current = ledger.current()
        change = apply_combination(rule, [p.code for p in current])
        if change:
            support = [p for p in current if p.code in change.because]
            authority = Authority(rule.id, rule.citation)
            ledger.exchange(change.removed, change.added, support, rule.message, authority)


def integral_symptoms(ledger: Ledger) -> None:
    """Drop symptoms that by the table belong to a disease of the note."""
    codes = [p.code for p in ledger.current()]
    for p in ledger.current():
        found = ledger.context.policy_data.integral_to(p.code, codes)
        if found:
            disease, entry = found
            authority = Authority(entry.id, entry.citation)
            ledger.reject(p, f"integral to {disease}: {entry.why}", authority)
