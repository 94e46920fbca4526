"""The order in which codes are reported, and which of them is the principal diagnosis.

A first form of guideline section II: the condition that the note names as its diagnosis leads;
manifestations, external causes and bare symptoms follow what they belong to.
"""

from collections.abc import Sequence

from agent.state import CoderContext, Proposal
from agent.voice.roles import place_of
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.note_text import Note, SectionKind, Span
from knowledge.rules import Mend

_LEADING_SECTIONS: Sequence[SectionKind] = (
    "diagnoses",
    "assessment",
    "hospital_course",
    "chief_complaint",
    "history_present",
)
_NEVER_FIRST = ("V", "W", "X", "Y")  # external causes, section I.C.20.a.6
# What an encounter was for: examinations, the newborn's own record, follow-up, screening, treatment
# (I.C.21.c.16 names most of them as first-listed only).
_FIRST_LISTED = (
    "Z00", "Z01", "Z02", "Z04", "Z08", "Z09", "Z12", "Z34", "Z38", "Z39", "Z51.0", "Z51.1", "Z52",
)  # fmt: skip
_RARELY_FIRST = ("R", "Z")  # symptoms (II.A) and factors influencing health status


def coding_order(
    proposals: Sequence[Proposal], note: Note, context: CoderContext, mends: Sequence[Mend] = ()
) -> list[Proposal]:
    """Return the accepted proposals, principal diagnosis first, etiology before manifestation.

    Args:
        proposals: Of the note.
        note: The note.
        context: The code system.
        mends: Mends made so far; the places they ask for hold, the last one surely.
    """
    accepted, system = [p for p in proposals if p.accepted], context.system
    ordered = _etiology_first(sorted(accepted, key=lambda p: _place(p, note, system)), system)
    for mend in mends:
        if mend.before:
            ordered = _put_before(ordered, *mend.before)
    return ordered


def may_lead(code: str) -> bool:
    """Tell whether a code may be a principal diagnosis as far as its chapter goes."""
    return code[0] not in _NEVER_FIRST


def _place(
    proposal: Proposal, note: Note, system: ICD10CM
) -> tuple[int, int, int, int, float, str]:
    """Sort key: kind of code, kind of section, position in a leading section, chapter, confidence.

    A symptom that the assessment names as a problem takes its place there: it is what the visit
    was for where nothing explains it (II.A, IV.D).
    """
    best, named = (len(_LEADING_SECTIONS), 0), False
    for evidence in proposal.evidence:
        section = note.section_at(evidence.start).kind
        if section in _LEADING_SECTIONS:
            best = min(best, (_LEADING_SECTIONS.index(section), evidence.start))
        place = place_of(note, Span(evidence.start, evidence.end))
        named = named or place.role == "diagnosis"
    chapter = proposal.code[0]
    rare = chapter in _RARELY_FIRST
    kind = 2 if chapter in _NEVER_FIRST else int(rare and not (named and chapter == "R"))
    if proposal.code.startswith(_FIRST_LISTED):
        kind = -1
    # What is only past or family history is never the reason for the encounter, nor does what
    # another condition has brought about stand before it.
    elif proposal.assertion in ("historical", "family") or _follows_a_cause(proposal.code, system):
        kind = max(kind, 1)
    return kind, *best, int(rare), -proposal.confidence, proposal.code


def _follows_a_cause(code: str, system: ICD10CM) -> bool:
    """Tell whether an unconditional note asks to code the cause first."""
    return any(note.kind == "code_first" and not note.conditional for note in system.notes(code))


def _etiology_first(ranked: list[Proposal], system: ICD10CM) -> list[Proposal]:
    """Move each code behind the codes its "code first" note asks for (section I.A.13)."""
    ordered = list(ranked)
    for proposal in ranked:
        etiologies = [
            other
            for other in ordered
            if other is not proposal and must_precede(other.code, proposal.code, system)
        ]
        last = max((ordered.index(e) for e in etiologies), default=-1)
        if last > ordered.index(proposal):
            ordered.remove(proposal)
            ordered.insert(last, proposal)
    return ordered


def _put_before(ordered: list[Proposal], code: str, target: str) -> list[Proposal]:
    """Move a code that stands behind another one directly before it."""
    codes = [p.code for p in ordered]
    if code not in codes or target not in codes or codes.index(code) < codes.index(target):
        return ordered
    moved = ordered[codes.index(code)]
    rest = [p for p in ordered if p is not moved]
    rest.insert(codes.index(target), moved)
    return rest


def must_precede(etiology: str, manifestation: str, system: ICD10CM) -> bool:
    """Tell whether a "code first" note puts one code before another."""
    return any(
        note.kind == "code_first" and note.matches(etiology) for note in system.notes(manifestation)
    )
