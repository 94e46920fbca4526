"""HIV (I.C.1.a, I.C.15.f) and COVID-19 (I.C.1.g)."""

from collections.abc import Iterator

from knowledge.notes import CodeRef, any_matches, parse_references
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_HIV_DISEASE, _HIV_STATUS = "B20", "Z21"
_HIV_IN_PREGNANCY = CodeRef("O98.7", "O98.7")
_PREGNANCY = CodeRef("O00", "O9A")
# Infections and tumors that define AIDS and hardly occur without immune deficiency: Pneumocystis,
# Kaposi sarcoma, cryptococcosis, toxoplasmosis of the brain, disseminated atypical mycobacteria,
# cryptosporidiosis, isosporiasis, candidiasis of lung and esophagus, cytomegalovirus, progressive
# multifocal leukoencephalopathy.
_OF_HIV_DISEASE = parse_references(
    "(A07.2, A07.3, A31.2, A81.2, B25.0, B25.2, B25.8, B37.1, B37.81, B45, B58.2, B59, C46)"
)

_COVID, _EXPOSURE, _HISTORY, _AFTERWARDS = "U07.1", "Z20.822", "Z86.16", "U09.9"
_RESPIRATORY = parse_references("(J20.8, J22, J40, J80, J96.0, J96.2, J98.8)")
_UNNAMED_PNEUMONIA = parse_references("(J12.89, J12.9, J18.9)")
# What often remains after COVID-19, and the note at U09.9 does not name.
_REMAINS = parse_references(
    "(G93.31, G93.32, G93.39, G90.A, R00.2, R05, R06.0, R41.3, R41.84, R41.89, R53.1, R53.8)"
)


def hiv_disease(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an asymptomatic HIV infection beside a condition that defines HIV disease."""
    defining = [code for code in case.codes if any_matches(_OF_HIV_DISEASE, code)]
    if _HIV_STATUS in case.codes and _HIV_DISEASE not in case.codes and defining:
        message = (
            f"{_HIV_STATUS} is for patients who never had an HIV-related condition; "
            f"{' and '.join(defining)} in a patient with HIV usually is one."
        )
        fix = f"report {_HIV_DISEASE} instead of {_HIV_STATUS} if the provider relates it to HIV"
        yield rule.finding([_HIV_STATUS, *defining], message, fix=fix)


def hiv_pregnancy(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find HIV in pregnancy without the code of chapter 15 for it."""
    pregnant = [code for code in case.codes if _PREGNANCY.matches(code)]
    if not pregnant or any(_HIV_IN_PREGNANCY.matches(code) for code in pregnant):
        return
    for hiv in (code for code in case.codes if code in (_HIV_DISEASE, _HIV_STATUS)):
        message = f"{hiv} in pregnancy, childbirth or the puerperium follows a code of O98.7-."
        fix = f"add O98.71- with the trimester, O98.72 or O98.73 before {hiv}"
        yield rule.finding([hiv], message, fix=fix)


def covid_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a manifestation of COVID-19, or of its late state, before the code it belongs to.

    What notes of the tabular list put in order (J12.82, the conditions named at U09.9) is left to
    code_first.
    """
    for first in case.principals:
        if any_matches(_RESPIRATORY, first) and _COVID in case.codes:
            message = (
                f"{first} ({case.system.get(first).title}) is the principal diagnosis; if COVID-19 "
                f"brought it about, {_COVID} goes first."
            )
            yield rule.finding([first, _COVID], message, mend=Mend(before=(_COVID, first)))
        remains = [code for code in case.codes if any_matches(_REMAINS, code)]
        if first == _AFTERWARDS and remains:
            message = (
                f"{_AFTERWARDS} follows the condition that COVID-19 left; {' and '.join(remains)} "
                "may be it."
            )
            mend = Mend(before=(remains[0], _AFTERWARDS))
            yield rule.finding([_AFTERWARDS, *remains], message, mend=mend)


def covid_states(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find current COVID-19 beside exposure to it, history of it, or its late state."""
    if _COVID not in case.codes:
        return
    if _EXPOSURE in case.codes:
        message = f"{_EXPOSURE} is for contact without the disease; {_COVID} says that it is there."
        yield rule.finding([_EXPOSURE, _COVID], message, mend=Mend(remove=[_EXPOSURE]))
    for code, what in ((_HISTORY, "COVID-19 that is over"), (_AFTERWARDS, "what COVID-19 left")):
        if code in case.codes:
            message = (
                f"{code} is for {what}, {_COVID} for a current infection; both are right only if "
                "the infection is a new one."
            )
            yield rule.finding([code, _COVID], message, severity="info")


def covid_pneumonia(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Point out pneumonia of no stated organism, or another viral one, beside COVID-19."""
    if _COVID in case.codes:
        for code in (code for code in case.codes if any_matches(_UNNAMED_PNEUMONIA, code)):
            message = f"{code} beside {_COVID}: pneumonia due to COVID-19 is J12.82."
            fix = f"report J12.82 instead of {code} if the record ties the pneumonia to COVID-19"
            yield rule.finding([code, _COVID], message, fix=fix)
