"""Steps on how the words of two proposals relate: parts, better names, less said beside more."""

from agent.overlap import is_fragment, words_of
from agent.policy.authority import Authority
from agent.policy.circumstances import is_read
from agent.policy.ledger import Ledger
from agent.state import Proposal
from agent.voice.features import SIMILARITY
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.policy_data import apply_combination

FRAGMENTS = Authority("fragments", "I.B.2")
OUTWORDED = Authority("outworded", "I.B.1")
UNSPECIFIED = Authority("unspecified_codes", "I.B.18")

# Codes that say of a disease that it is over, a relative's, or only looked for.
_HISTORIES = ("Z08", "Z09", "Z12", "Z13", "Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87")
_SIDE_BY_SIDE = ("use_additional", "code_first", "code_also")
_POORER = (
    0.5  # share of the score of a better wording below which the same words do not name a code
)


def fragments(ledger: Ledger) -> None:
    """Drop what is only a part of a longer wording that has its own code.

    The words of a circumstance count wherever they stand ("lisinopril" in "cough from lisinopril").
    """
    accepted = [p for p in ledger.proposals if p.accepted]
    for p in (p for p in accepted if not is_read(p)):
        whole = next((q for q in accepted if q is not p and _silences(q, p, ledger)), None)
        if whole:
            reason = f"part of {whole.evidence[0].text!r} ({whole.code})"
            ledger.reject(p, reason, FRAGMENTS)


def _silences(whole: Proposal, part: Proposal, ledger: Ledger) -> bool:
    """Tell whether the longer wording of ``whole`` says what ``part`` says, and more.

    A status does not speak for the disease in its words ("ESRD on dialysis"), codes that a note
    asks for side by side do not silence each other, and what a combination would take away beside
    the other takes nothing away itself ("tobacco use" beside nicotine dependence).
    """
    if not is_fragment(part, whole):
        return False
    if is_read(whole) and not whole.code.startswith(_HISTORIES):
        return False
    if _go_together(whole.code, part.code, ledger.context.system):
        return False
    changes = (
        apply_combination(rule, [part.code, whole.code])
        for rule in ledger.context.policy_data.combinations
    )
    return not any(change and whole.code in change.removed for change in changes)


def _go_together(one: str, other: str, system: ICD10CM) -> bool:
    """Tell whether an instructional note of one code asks for the other one."""
    return any(
        note.kind in _SIDE_BY_SIDE and note.matches(target)
        for code, target in ((one, other), (other, one))
        for note in system.notes(code)
    )


def outworded(ledger: Ledger) -> None:
    """Drop a code whose terms resemble words of the note that are the name of another code.

    "Vitamin D deficiency" is found for "deficiency of other vitamins", too, but poorly.
    """
    accepted = [p for p in ledger.proposals if p.accepted]
    for p in (p for p in accepted if wording(p) and not is_read(p)):
        named = next((q for q in accepted if _names_better(q, p, ledger.context.system)), None)
        if named:
            reason = f"{p.evidence[0].text!r} is better named by {named.code}"
            ledger.reject(p, reason, OUTWORDED)


def _names_better(other: Proposal, proposal: Proposal, system: ICD10CM) -> bool:
    """Tell whether the best evidence of a proposal is a far better wording of another one."""
    best = proposal.evidence[0]
    return (
        any((e.start, e.end) == (best.start, best.end) for e in other.evidence)
        and wording(proposal) < _POORER * wording(other)
        and not _go_together(other.code, proposal.code, system)
    )


def wording(proposal: Proposal) -> float:
    """Return how well words of the note name a proposal; 0 where they only resemble it."""
    return max((v for n, v in proposal.sources.items() if n not in SIMILARITY | {"llm"}), default=0)


def unspecified_codes(ledger: Ledger) -> None:
    """Drop an unspecified code beside a specified one of the same condition.

    Other words of the same category may speak of another condition, at another site; that is left
    to be judged (`specified_beside`).
    """
    current = ledger.current()
    for p in current:
        better = [q for q in current if _says_more(p, q, ledger)]
        if better:
            # One that is unspecified itself may go, too.
            best = min(better, key=lambda q: _is_unspecified(ledger.context.system, q.code))
            reason = f"unspecified beside {best.code}"
            ledger.reject(p, reason, UNSPECIFIED, replacement=best.code)


def specified_beside(proposal: Proposal, ledger: Ledger) -> Proposal | None:
    """Return a specified proposal of the category of an unspecified one, None where none is."""
    system = ledger.context.system
    if not _is_unspecified(system, proposal.code):
        return None
    return next(
        (
            q
            for q in ledger.current()
            if q.code[:3] == proposal.code[:3] and not _is_unspecified(system, q.code)
        ),
        None,
    )


def _says_more(unspecified: Proposal, other: Proposal, ledger: Ledger) -> bool:
    """Tell whether ``other`` is the same condition, specified: by category or by its words."""
    system, policy = ledger.context.system, ledger.context.policy_data
    if not _is_unspecified(system, unspecified.code):
        return False
    words, more = words_of(unspecified), words_of(other)
    if other.code[:3] == unspecified.code[:3] and not _is_unspecified(system, other.code):
        one = other.code.startswith(policy.one_condition)
        return one or words <= more or _overlap(unspecified, other)
    same_chapter = system.get(other.code).chapter == system.get(unspecified.code).chapter
    return same_chapter and words < more


def _overlap(a: Proposal, b: Proposal) -> bool:
    return any(x.start < y.end and y.start < x.end for x in a.evidence for y in b.evidence)


def _is_unspecified(system: ICD10CM, code: str) -> bool:
    return "unspecified" in system.get(code).title.lower()
