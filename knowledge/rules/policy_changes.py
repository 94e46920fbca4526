"""What the data of the coding policy say of a case: combinations that are due, integral symptoms.

The rules use the data that the agent's policy applies (`knowledge.policy_data`), so that a set of
codes which the agent has finished passes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.policy_data import (
    Change,
    Combination,
    IntegralSymptom,
    apply_combination,
    load_policy,
)
from knowledge.rules.context import Case
from knowledge.rules.mends import Mend


@dataclass(frozen=True, slots=True)
class Joining:
    """Reported codes for which the classification has a combination.

    Attributes:
        codes: The reported codes concerned, in order.
        removed: Those of them that go.
        added: What comes.
        rules: The combinations behind it; of several, each works on what the ones before have left.
    """

    codes: tuple[str, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    rules: tuple[Combination, ...]


def joinings(case: Case) -> list[Joining]:
    """Return the combinations that are due, those that build on each other as one."""
    codes = list(case.codes)
    found: list[Joining] = []
    for rule in load_policy().combinations:
        change = apply_combination(rule, codes)
        if change is None:
            continue
        touched = {*change.because, *change.removed}
        built_on = [joining for joining in found if touched & set(joining.added)]
        found = [joining for joining in found if joining not in built_on]
        found.append(_joined(case, built_on, change, touched, rule))
        codes = [code for code in codes if code not in change.removed] + list(change.added)
    return found


def integral_disease(case: Case, symptom: str) -> tuple[str, IntegralSymptom] | None:
    """Return a reported disease that a symptom belongs to, with the entry that says so.

    The classification has the last word: where a note asks for the symptom beside the disease, it
    is reported.
    """
    diseases = [code for code in sorted(case.codes) if not _asked_for(case, symptom, code)]
    return load_policy().integral_to(symptom, diseases)


def mend_of_joining(case: Case, joining: Joining) -> Mend:
    """Return the edit that puts a combination in the place of its parts.

    A combination that a code among them calls to be coded first goes before it.
    """
    removed = joining.removed
    place = min((case.ranks[code] for code in removed), default=len(case.ranks))
    for code in joining.codes:
        if code in removed or case.ranks[code] > place:
            continue
        for new in joining.added:
            if any(note.matches(new) for note in case.notes(code, "code_first")):
                return Mend(remove=[*removed], add=[*joining.added], before=(new, code))
    return Mend(remove=[*removed], add=[*joining.added])


def mend_of_pair(case: Case, pair: tuple[str, str]) -> Mend | None:
    """Return the edit by which one of two codes gives way, None where the data know of none."""
    for joining in joinings(case):
        if set(pair) <= set(joining.codes) and set(pair) & set(joining.removed):
            return mend_of_joining(case, joining)
    for symptom, disease in (pair, pair[::-1]):
        if load_policy().integral_to(symptom, [disease]):
            return Mend(remove=[symptom])
    return None


def _joined(
    case: Case,
    built_on: list[Joining],
    change: Change,
    touched: set[str],
    rule: Combination,
) -> Joining:
    reported = touched.union(*(joining.codes for joining in built_on)) & set(case.codes)
    gone: Mapping[str, str | None] = change.removed
    removed = {code for joining in built_on for code in joining.removed} | (set(gone) & reported)
    before = [code for joining in built_on for code in joining.added if code not in gone]
    return Joining(
        codes=tuple(code for code in case.codes if code in reported),
        removed=tuple(code for code in case.codes if code in removed),
        added=tuple(dict.fromkeys([*before, *change.added])),
        rules=(*(r for joining in built_on for r in joining.rules), rule),
    )


def _asked_for(case: Case, symptom: str, disease: str) -> bool:
    added = (*case.notes(disease, "use_additional"), *case.notes(disease, "code_also"))
    return any(note.matches(symptom) for note in added) or any(
        note.matches(disease) for note in case.notes(symptom, "code_first")
    )
