"""Which code comes first, and which only once: etiology, sequela, external causes."""

import re
from collections.abc import Iterator

from knowledge.notes import InstructionalNote
from knowledge.rules.context import Case
from knowledge.rules.findings import SEVERITIES, Finding, RuleCard, Severity, place, quote
from knowledge.rules.mends import Mend

_MANIFESTATION = re.compile(
    r"\b(?:in|due to) (?:\w+ ){0,6}(?:diseases?|conditions?|reactions?) classified elsewhere"
)
# Entries with notes that the rules on drugs and on sepsis judge.
_JUDGED_ELSEWHERE = frozenset({"T36-T50", "R65.2"})
EXTERNAL_CAUSES = "20"
_GIVEN_ONCE = {"Y92": "place", "Y93": "activity", "Y99": "status"}
_NOT_DISEASES = frozenset({EXTERNAL_CAUSES, "21"})


def code_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes whose underlying condition is missing or comes after them."""
    for code in case.codes:
        for note in case.notes(code, "code_first"):
            if note.carrier in _JUDGED_ELSEWHERE:
                continue
            underlying = case.others(code, note)
            if not underlying:
                if _is_week_of_pregnancy(case, code):
                    continue
                yield from _missing(case, rule, code, note)
            elif case.ranks[code] < min(case.ranks[other] for other in underlying):
                yield _misplaced(rule, code, underlying, note)


def manifestation_principal(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a manifestation code as principal diagnosis."""
    for code in case.principals:
        if is_manifestation(case, code):
            message = (
                f"{code} ({case.system.get(code).title}) names a manifestation and "
                "cannot be the principal diagnosis; the underlying condition goes first."
            )
            yield rule.finding([code], message)


def external_cause_principal(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an external cause as principal diagnosis."""
    for code in case.principals:
        if _chapter(case, code) == EXTERNAL_CAUSES:
            message = (
                f"{code} tells how a condition came about; it cannot be the principal "
                "diagnosis. Put the injury or disease that it caused first."
            )
            yield rule.finding([code], message)


def external_cause_once(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find several codes of place, activity or status, each of which is given once."""
    for category, what in _GIVEN_ONCE.items():
        codes = [code for code in case.codes if code.startswith(category)]
        if len(codes) > 1:
            message = f"{' and '.join(codes)}: one code of {category} tells the {what}."
            yield rule.finding(codes, message, fix="keep the one that the injury came about with")


def sequela_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find the code of a past injury (7th character S) before the condition that it left."""
    for injury in (code for code in case.principals if _is_sequela(case, code)):
        left = [
            code
            for code in case.codes
            if not _is_sequela(case, code) and _chapter(case, code) not in _NOT_DISEASES
        ]
        if left:
            message = (
                f"{injury} tells of a past injury. If {_listed(left)} is what it left, that "
                "condition goes first."
            )
            mend = Mend(before=(left[0], injury))
            yield rule.finding([injury, *left], message, mend=mend)


def is_manifestation(case: Case, code: str) -> bool:
    """Tell whether the title marks a manifestation, as in "in diseases classified elsewhere"."""
    known = code in case.system
    return known and _MANIFESTATION.search(case.system.get(code).title) is not None


def _missing(case: Case, rule: RuleCard, code: str, note: InstructionalNote) -> Iterator[Finding]:
    """Judge a code without any of the conditions that its note puts first."""
    earlier = [
        other
        for other in case.codes
        if case.ranks[other] < case.ranks[code] and _chapter(case, other) not in _NOT_DISEASES
    ]
    if _asked_for(case, code) or (not note.refs and (earlier or note.conditional)):
        return
    severity: Severity = "error" if is_manifestation(case, code) else "warning"
    message = f"{code} lacks the condition to be coded first: {place(note)} says {quote(note)}."
    if note.conditional:
        severity = "info"
        message = f"{place(note)} says of {code}: {quote(note)}. See whether the record has it."
    elif earlier and "such as" in note.text:
        # The list is open, so that a code before it may be the condition meant.
        severity = SEVERITIES[SEVERITIES.index(severity) + 1]
        message += f" See whether {_listed(earlier)} is that condition."
    yield rule.finding([code], message, severity=severity, note=note)


def _asked_for(case: Case, code: str) -> bool:
    """Tell whether a reported code asks for this one, and so is what it belongs to.

    Z3A lists obstetric codes to go first and leaves some out; the note of chapter 15 has them all.
    """
    others = (other for other in case.codes if other != code)
    return any(note.matches(code) for o in others for note in case.notes(o, "use_additional"))


def _misplaced(
    rule: RuleCard, code: str, underlying: list[str], note: InstructionalNote
) -> Finding:
    message = (
        f"{code} stands before {_listed(underlying)}, but {place(note)} says "
        f"{quote(note, underlying[0])}: the underlying condition goes first."
    )
    mend = Mend(before=(underlying[0], code))
    return rule.finding([code, *underlying], message, severity="error", note=note, mend=mend)


def _is_sequela(case: Case, code: str) -> bool:
    return case.system.get(code).seventh is not None and code.endswith("S")


def _chapter(case: Case, code: str) -> str:
    return case.system.get(code).chapter


def _listed(codes: list[str]) -> str:
    return " or ".join(codes)


def _is_week_of_pregnancy(case: Case, code: str) -> bool:
    """Tell whether the code is a week beside a code of pregnancy.

    The note of Z3A leaves out much of labor and delivery (O61-O77), where the week is reported too;
    the rule weeks_not_applicable knows where it is not.
    """
    return code.startswith("Z3A") and bool(case.starting("O", "Z33.2", "Z34"))
