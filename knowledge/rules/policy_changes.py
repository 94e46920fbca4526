"""What the data of the coding policy say of a case: combinations that are due, integral symptoms.

The rules use the data that the agent's policy applies (`knowledge.policy_data`), so that a set of
codes which the agent has finished passes them.
"""

from dataclasses import dataclass
from functools import lru_cache

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


def joinings(case: Case) -> tuple[Joining, ...]:
    """Return the combinations that are due, those that build on each other as one."""
    return _joinings(case.codes)


def integral_disease(case: Case, symptom: str) -> tuple[str, IntegralSymptom] | None:
    """Return a reported disease that a symptom belongs to, with the entry that says so.

    The classification has the last word: where a note asks for the symptom beside the disease, it
    is reported.
    """
    # Few codes are symptoms: for the others nothing of this is looked at.
    diseases = (code for code in sorted(case.codes) if not _asked_for(case, symptom, code))
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


@lru_cache(maxsize=64)
def _joinings(reported: tuple[str, ...]) -> tuple[Joining, ...]:
    """Apply the combinations from top to bottom, each to what the ones before have left."""
    codes = list(reported)
    found: list[Joining] = []
    for rule in load_policy().combinations:
        change = apply_combination(rule, codes)
        if change is None:
            continue
        touched = {*change.because, *change.removed}
        parts = [joining for joining in found if touched & set(joining.added)]
        found = [joining for joining in found if joining not in parts]
        found.append(_joined(reported, parts, change, rule))
        codes = [code for code in codes if code not in change.removed] + list(change.added)
    return tuple(found)


def _joined(
    reported: tuple[str, ...], parts: list[Joining], change: Change, rule: Combination
) -> Joining:
    """Return a change as a joining, together with those whose codes it works on."""
    codes = {*change.because, *change.removed, *(code for part in parts for code in part.codes)}
    removed = {*change.removed, *(code for part in parts for code in part.removed)}
    added = [code for part in parts for code in part.added if code not in change.removed]
    return Joining(
        codes=tuple(code for code in reported if code in codes),
        removed=tuple(code for code in reported if code in removed),
        added=tuple(dict.fromkeys([*added, *change.added])),
        rules=(*(earlier for part in parts for earlier in part.rules), rule),
    )


def _asked_for(case: Case, symptom: str, disease: str) -> bool:
    added = (*case.notes(disease, "use_additional"), *case.notes(disease, "code_also"))
    return any(note.matches(symptom) for note in added) or any(
        note.matches(disease) for note in case.notes(symptom, "code_first")
    )
