"""Steps on what the note asserts: uncertain, past, or of a relative."""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from knowledge.note_text import SectionKind
from knowledge.policy_data import Policy

UNCERTAIN_INPATIENT = Authority("uncertain_diagnoses", "II.H")
UNCERTAIN_OUTPATIENT = Authority("uncertain_diagnoses", "IV.H")
FAMILY = Authority("family_conditions", "I.C.21.c.4")

_PAST_HISTORY: frozenset[SectionKind] = frozenset({"past_history"})
_FAMILY_HISTORY_CODES = ("Z80", "Z81", "Z82", "Z83", "Z84")


def uncertain_diagnoses(ledger: Ledger) -> None:
    """Code uncertain diagnoses of an inpatient as if they existed, of an outpatient not."""
    for p in ledger.accepted("possible"):
        if ledger.encounter.setting == "outpatient":
            reason = f"uncertain, and so not coded for an outpatient: {p.reason}"
            ledger.reject(p, reason, UNCERTAIN_OUTPATIENT)
        else:
            ledger.keep(
                p, "uncertain, for an inpatient coded as if it existed", UNCERTAIN_INPATIENT
            )


def past_conditions(ledger: Ledger) -> None:
    """Keep what is chronic, turn what is over into a history code or drop it."""
    for p in ledger.accepted("historical", "present"):
        listed = p.assertion == "present" and ledger.only_in(p, _PAST_HISTORY)
        if p.code[0] == "Z" or (p.assertion == "present" and not listed):
            continue
        past = ledger.context.policy_data.past(p.code)
        authority = Authority(past.entry, past.citation)
        if past.action == "replace" and past.code:
            ledger.replace(p, past.code, "a past condition, reported as history", authority)
        elif past.action == "keep":
            ledger.keep(p, f"stays current although past: {past.why}", authority)
        elif not listed:
            ledger.reject(p, f"a past condition that is over: {p.reason}", authority)


def family_conditions(ledger: Ledger) -> None:
    """Turn a relative's disease into a family history code, or drop it."""
    policy = ledger.context.policy_data
    for p in ledger.accepted("family"):
        entry = policy.family(_active_code(p.code, policy))
        if entry and entry.history:
            authority = Authority(entry.id, entry.citation)
            ledger.replace(p, entry.history, "a relative's condition", authority)
        elif not p.code.startswith(_FAMILY_HISTORY_CODES):
            ledger.reject(p, f"a relative's condition: {p.reason}", FAMILY)


def _active_code(code: str, policy: Policy) -> str:
    """Return the disease behind a personal history code ("history of breast cancer")."""
    return next((e.active[0] for e in policy.history_codes if e.history == code), code)
