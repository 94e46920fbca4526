"""Sepsis, severe sepsis and septic shock (I.C.1.d)."""

from collections.abc import Iterator

from knowledge.notes import CodeRef, any_matches, parse_references
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend

_SEPSIS = parse_references(
    "(A40, A41, A02.1, A20.7, A21.7, A22.7, A24.1, A26.7, A32.7, A39.2-A39.4, A42.7, A54.86, B00.7,"
    " B37.7)"
)
# Others that R65.2- may follow, beside those that its note names.
_OTHER_SYSTEMIC = parse_references("(O75.3, O86.04, P36, T88.0)")
_SEVERE = CodeRef("R65.2", "R65.2")
_WITHOUT_SHOCK, _WITH_SHOCK, _SHOCK = "R65.20", "R65.21", "R57.9"
_POSTPROCEDURAL_SHOCK = CodeRef("T81.12", "T81.12")
# Infections of one place that lead to sepsis. Those of devices and wounds have their own order.
_LOCAL = parse_references(
    "(G00, I33.0, J10.0, J11.0, J13-J18, J85, J86, K35, K57.0, K57.2, K57.4, K57.8, K61, K63.0,"
    " K65, K75.0, K81.0, K83.0, L02, L03, M00, M46.2, M72.6, M86.0, M86.1, N10, N12, N15.1, N30.0,"
    " N39.0, N41.0, N41.2, N45)"
)
# The sepsis that follows a procedure, with the infections of the site that go before it.
_AFTER_PROCEDURES = (
    (CodeRef("T81.44", "T81.44"), parse_references("(T81.40-T81.43, T81.49)")),
    (CodeRef("O86.04", "O86.04"), parse_references("(O86.00-O86.03, O86.09)")),
)


def severe_sepsis_infection(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find severe sepsis without the systemic infection behind it, or before it."""
    named = case.notes("R65.2", "code_first")
    infections = [
        code
        for code in case.codes
        if any_matches(_SEPSIS + _OTHER_SYSTEMIC, code) or any(note.matches(code) for note in named)
    ]
    for severe in filter(_SEVERE.matches, case.codes):
        title = case.system.get(severe).title
        if not infections:
            message = f"{severe} ({title}) is reported without the systemic infection."
            severity: Severity = rule.severity
            if severe not in case.principals:
                severity = "warning"
            fix = f"add the sepsis before {severe}, A41.9 if no organism is documented"
            yield rule.finding([severe], message, severity=severity, fix=fix)
        elif case.ranks[severe] < min(case.ranks[code] for code in infections):
            message = f"{severe} ({title}) stands before {' or '.join(infections)}."
            mend = Mend(before=(infections[0], severe))
            yield rule.finding([severe, *infections], message, mend=mend)


def septic_shock(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find two degrees of severe sepsis, and shock of no stated type beside septic shock."""
    if _WITH_SHOCK in case.codes and _WITHOUT_SHOCK in case.codes:
        message = f"{_WITH_SHOCK} says that there was shock, {_WITHOUT_SHOCK} that there was none."
        mend = Mend(remove=[_WITHOUT_SHOCK])
        yield rule.finding([_WITHOUT_SHOCK, _WITH_SHOCK], message, mend=mend)
    if _WITH_SHOCK in case.codes and _SHOCK in case.codes:
        message = f"{_SHOCK} is shock of no stated type; {_WITH_SHOCK} says that it is septic."
        mend = Mend(remove=[_SHOCK])
        yield rule.finding([_SHOCK, _WITH_SHOCK], message, severity="warning", mend=mend)


def sepsis_organ_dysfunction(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Point out acute organ dysfunction beside sepsis that is not reported as severe."""
    severe = any(_SEVERE.matches(c) or _POSTPROCEDURAL_SHOCK.matches(c) for c in case.codes)
    sepsis = [code for code in case.codes if any_matches(_SEPSIS, code)]
    if severe or not sepsis:
        return
    asking = case.notes("R65.2", "use_additional")
    organs = [code for code in case.codes if any(note.matches(code) for note in asking)]
    if organs:
        message = (
            f"{' and '.join(organs)} beside {' and '.join(sepsis)}: if the record ties the organ "
            "dysfunction to the sepsis, it is severe sepsis."
        )
        fix = "ask the provider if the link is not clear; add R65.20 or R65.21 if there is one"
        yield rule.finding([*sepsis, *organs], message, fix=fix)


def sepsis_before_local_infection(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a localized infection as principal diagnosis beside sepsis."""
    sepsis = [code for code in case.codes if any_matches(_SEPSIS, code)]
    for first in case.principals if sepsis else ():
        if any_matches(_LOCAL, first):
            message = (
                f"{first} ({case.system.get(first).title}) is the principal diagnosis beside "
                f"{' and '.join(sepsis)}: sepsis that was present on admission goes first. If it "
                "developed later, the order is right."
            )
            mend = Mend(before=(sepsis[0], first))
            yield rule.finding([first, *sepsis], message, mend=mend)


def postprocedural_sepsis(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find sepsis after a procedure before the infection of the site, or without it."""
    for reference, sites in _AFTER_PROCEDURES:
        for sepsis in filter(reference.matches, case.codes):
            local = [code for code in case.codes if any_matches(sites, code)]
            if not local:
                message = f"{sepsis}: the infection after the procedure is not reported."
                fix = f"add {', '.join(map(str, sites))} before {sepsis} if the site is known"
                yield rule.finding([sepsis], message, severity="info", fix=fix)
            elif case.ranks[sepsis] < min(case.ranks[code] for code in local):
                message = (
                    f"{sepsis} stands before {local[0]}; the infection of the site goes first."
                )
                mend = Mend(before=(local[0], sepsis))
                yield rule.finding([sepsis, *local], message, mend=mend)
