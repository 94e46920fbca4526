"""Drugs and other substances: adverse effects, underdosing, poisoning, toxic effects (I.C.19.e)."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from knowledge.notes import CodeRef, any_matches, parse_references
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend

# The 5th or 6th character tells how the substance came to act: 1 by accident, 2 by self-harm, 3 by
# assault, 4 undetermined, 5 adverse effect, 6 underdosing.
_INTENT = (5, 6)
_ADVERSE_EFFECT = CodeRef("T36", "T50", _INTENT, ("5",))
_UNDERDOSING = CodeRef("T36", "T50", _INTENT, ("6",))
_POISONING = CodeRef("T36", "T65", _INTENT, ("1", "2", "3", "4"))
_UNDETERMINED = CodeRef("T36", "T65", _INTENT, ("4",))
_SUBSTANCES = CodeRef("T36", "T65")
# By whom and why less was given: the patient, the caregiver, medical care.
_REASONS = parse_references("(Z91.12, Z91.13, Z91.14, Z91.A2, Z91.A3, Z91.A4, Y63.6, Y63.8, Y63.9)")
# Acute states that poisoning brings about: coma and altered consciousness, convulsions, failure of
# breathing and circulation, aspiration, hypoglycemia, acidosis, gastritis, acute failure of liver
# and kidney, rhabdomyolysis, encephalopathy.
_MANIFESTATIONS = parse_references(
    "(E16.0-E16.2, E87.2, G92, G93.1, G93.40, G93.41, I46, I95.2, I95.9, J69.0, J80, J81.0,"
    " J96.0, J96.9, K29.0, K72.0, M62.82, N17, R00, R06, R09.0, R09.2, R11, R23.0, R25-R27,"
    " R40-R42, R44, R55, R56, R57.0)"
)
_NOT_CONDITIONS = frozenset({"20", "21"})  # external causes and factors


def adverse_effect_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an adverse effect before what it led to, and underdosing as first diagnosis.

    An adverse effect without any condition is left to adverse_effect_nature, sequelae to
    sequela_first.
    """
    conditions = _conditions(case)
    for drug in case.codes:
        if drug.endswith("S"):
            continue
        later = [code for code in conditions if case.ranks[code] > case.ranks[drug]]
        if _ADVERSE_EFFECT.matches(drug):
            known = [code for code in conditions if _known_effect(case, drug, code)] or conditions
            if known and set(known) <= set(later):
                message = f"{drug} names a drug; what it led to goes before it."
                yield _order(rule, drug, known, message)
        elif _UNDERDOSING.matches(drug) and case.ranks[drug] == 0:
            message = f"{drug} (underdosing) cannot stand first; the condition that it led to does."
            yield _order(rule, drug, later, message)


def adverse_effect_nature(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find an adverse effect without any condition that it could have brought about."""
    if _conditions(case):
        return
    for drug in case.codes:
        if _ADVERSE_EFFECT.matches(drug) and not drug.endswith("S"):
            message = f"{drug} names the drug; what it did to the patient is not reported."
            severity: Severity = rule.severity
            if drug in case.principals:
                severity = "error"
                message += " It cannot be the principal diagnosis."
            fix = "add the nature of the effect before it"
            yield rule.finding([drug], message, severity=severity, fix=fix)


def underdosing_reason(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find underdosing without a code for the reason."""
    if any(any_matches(_REASONS, code) for code in case.codes):
        return
    drugs = [code for code in case.codes if _UNDERDOSING.matches(code)]
    if drugs:
        message = f"{' and '.join(drugs)}: why less was taken than prescribed is not reported."
        fix = "add Z91.12-, Z91.13-, Z91.14-, Z91.A- or Y63.6, Y63.8-Y63.9 if it is documented"
        yield rule.finding(drugs, message, fix=fix)


def poisoning_first(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a poisoning or toxic effect after the acute state that it brought about.

    Only the principal diagnosis is judged; a note that puts the poisoning first is left to
    code_first.
    """
    poisonings = [code for code in case.codes if _POISONING.matches(code) and code.endswith("A")]
    for first in case.principals if poisonings else ():
        if not any_matches(_MANIFESTATIONS, first):
            continue
        if any(
            note.matches(code) for note in case.notes(first, "code_first") for code in poisonings
        ):
            continue
        message = (
            f"{first} ({case.system.get(first).title}) is the principal diagnosis, but "
            f"{' and '.join(poisonings)} goes before what it brought about."
        )
        mend = Mend(before=(poisonings[0], first))
        yield rule.finding([first, *poisonings], message, mend=mend)


def one_substance_two_ways(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find one substance reported with two of poisoning by intent, adverse effect, underdosing."""
    ways: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code in case.codes:
        if _SUBSTANCES.matches(code) and case.system.get(code).seventh:
            ways[_substance(code)].append(code)
    for codes in ways.values():
        for pair in combinations(codes, 2):
            message = (
                f"{pair[0]} and {pair[1]} are one substance with two intents or ways of acting; an "
                "episode has one."
            )
            yield rule.finding(pair, message, fix="keep the one that the record supports")


def intent_undetermined(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Point out intents called undetermined."""
    for code in case.codes:
        if _UNDETERMINED.matches(code):
            message = (
                f"{code} says that the intent cannot be determined; that needs to be documented. "
                "Where nothing is said, the poisoning counts as accidental."
            )
            yield rule.finding([code], message)


def _order(rule: RuleCard, drug: str, effects: list[str], message: str) -> Finding:
    """Return a finding on the order; which of several conditions goes first, codes cannot tell."""
    if len(effects) == 1:
        return rule.finding([drug, *effects], message, mend=Mend(before=(effects[0], drug)))
    return rule.finding([drug, *effects], message, fix=f"put what it led to before {drug}")


def _conditions(case: Case) -> list[str]:
    """Return the reported conditions other than substances, external causes and factors."""
    return [
        code
        for code in case.codes
        if case.system.get(code).chapter not in _NOT_CONDITIONS and not _SUBSTANCES.matches(code)
    ]


def _known_effect(case: Case, drug: str, code: str) -> bool:
    """Tell whether a note names the condition as an effect of the drug."""
    named = (note for note in case.notes(drug, "code_first") if note.matches(code))
    asking = (
        note
        for note in case.notes(code, "use_additional")
        if note.carrier in case.system and note.matches(drug)
    )
    return _ADVERSE_EFFECT.matches(drug) and any((*named, *asking))


def _substance(code: str) -> tuple[str, str]:
    """Return what identifies the substance and the episode: the code without its intent."""
    characters = code.replace(".", "")
    intent = 5 if characters[5] != "X" else 4
    return characters[:intent] + characters[intent + 1 : 6], characters[6]
