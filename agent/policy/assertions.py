"""Steps on what the note asserts: uncertain, past, or of a relative."""

import re

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger
from agent.state import Proposal
from knowledge.note_text import Note
from knowledge.policy_data import Policy

UNCERTAIN_INPATIENT = Authority("uncertain_diagnoses", "II.H")
UNCERTAIN_OUTPATIENT = Authority("uncertain_diagnoses", "IV.H")
FAMILY = Authority("family_conditions", "I.C.21.c.4")

# A date right behind the words, and no "since" before it: the event was then.
_CAUSES = ("V", "W", "X", "Y")  # "in her parents' house": the place, not the parents
_CIRCUMSTANCES = (*_CAUSES, "Z")  # how it came about, and what holds since
_SEQUELA = "S"  # 7th character of what an injury of the past has left
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
_DATED = re.compile(
    rf",?\s*(?:(?:in\s+|\(\s*)?(?:\d{{1,2}}/)?(?:19|20)\d\d\b(?!\s*/)|in\s+(?:{_MONTHS})\b)", re.I
)
_AFTER = re.compile(r"\bpost[- ]$", re.I)  # "post-COVID" tells what came after it
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
        if p.code[0] in _CIRCUMSTANCES or p.code.endswith(_SEQUELA):
            continue
        over = p.assertion == "historical" or _is_dated(p, ledger.note)
        listed = not over and ledger.only_as(p, "listed")
        if not (over or listed):
            continue
        past = ledger.context.policy_data.past(p.code)
        authority = Authority(past.entry, past.citation)
        if past.action == "replace" and past.code:
            ledger.replace(p, past.code, "a past condition, reported as history", authority)
        elif past.action == "keep":
            ledger.keep(p, f"stays current although past: {past.why}", authority)
        elif not listed:
            ledger.reject(p, f"a past condition that is over: {p.reason}", authority)


def _is_dated(proposal: Proposal, note: Note) -> bool:
    """Tell whether all that speaks for a condition is an event of the past ("NSTEMI 2018")."""
    return all(
        _DATED.match(note.text, e.end) or _AFTER.search(note.text[max(0, e.start - 8) : e.start])
        for e in proposal.evidence
    )


def family_conditions(ledger: Ledger) -> None:
    """Turn a relative's disease into a family history code, or drop it."""
    policy = ledger.context.policy_data
    for p in ledger.accepted("family"):
        entry = policy.family(_active_code(p.code, policy))
        if entry and entry.history:
            authority = Authority(entry.id, entry.citation)
            ledger.replace(p, entry.history, "a relative's condition", authority)
        elif not p.code.startswith((*_FAMILY_HISTORY_CODES, *_CAUSES)):
            ledger.reject(p, f"a relative's condition: {p.reason}", FAMILY)


def _active_code(code: str, policy: Policy) -> str:
    """Return the disease behind a personal history code ("history of breast cancer")."""
    return next((e.active[0] for e in policy.history_codes if e.history == code), code)
