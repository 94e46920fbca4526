"""Data of the ``guidelines`` coding policy: which code gives way to which, and by what guideline.

``data/policy.yaml`` is loaded into the types below. In all of them a code belongs to a group if it
starts with one of the group's prefixes, and where several entries fit, the longest prefix decides.

How a policy is meant to use them on the codes of a note:

1. **Past conditions** (assertion historical): `Policy.past` tells for a code whether it stays
   because the condition is chronic, becomes a history code, or goes because it is over.
2. **Family conditions**: `Policy.family` gives the family history code; without one the code goes.
3. **Combinations**, from top to bottom, each on the set that the ones before have left, once each:
   `apply_combination` gives what one of them removes and adds. It fires if

   * every group of ``when`` is matched by at least one code of the set, and
   * no code of the set matches ``unless``.

   It then removes every code that matches a key of ``replace`` and puts that key's value in its
   place (the longest key decides), removes every code that matches ``drop``, and adds the codes of
   ``add``. A code that is already there is never added twice, and one that the rule adds is never
   removed by it. An added code rests on the evidence of all codes that matched ``when`` and takes
   the place of the first code it replaces, else of the first match of the first group.
4. **Integral symptoms**: `Policy.integral_to` names the disease of the set that makes a symptom
   redundant. This comes after the combinations, some of which need the symptom ("hyperglycemia" in
   diabetes).

5. **Open symptoms**: where the table says nothing, `Policy.may_explain` tells whether a disease of
   the set may explain a symptom, so that it is worth a judgement.
6. **One condition**: of two codes of such a category the unspecified one gives way to the other
   (guideline I.B.18), whatever words the two rest on.
7. **Vague codes**: what a bare common word leads to ("bleeding", "scar"), so that it takes more
   than the word to report them.
8. **Mended warnings**: rules whose mends are applied although they only warn.

Only codes that are asserted as present take part in 3 to 5. A record that calls two conditions
unrelated overrides a presumed link (guideline I.A.15); that is for the caller to know.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from knowledge.code_prefixes import expand, longest_match
from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "policy.yaml"
_EACH = "{each}"
_OVER = "III.A"  # a condition that is over is not coded


@dataclass(frozen=True, slots=True)
class IntegralSymptom:
    """A symptom that routinely belongs to a disease (guideline I.B.5).

    Attributes:
        id: Name of the entry in traces: its section and its first prefixes.
        symptoms: Prefixes of the symptom codes.
        diseases: Prefixes of the diseases beside which the symptom is not coded.
        why: The clinical reason, for the trace.
        citation: Guideline section.
    """

    id: str
    symptoms: tuple[str, ...]
    diseases: tuple[str, ...]
    why: str
    citation: str


@dataclass(frozen=True, slots=True)
class OpenSymptom:
    """Symptoms and the diseases beside which it is worth asking whether they are integral.

    The table of `IntegralSymptom` says nothing of the two; they share a body system.

    Attributes:
        symptoms: Prefixes of the symptom codes.
        diseases: Prefixes of the diseases that may explain them.
    """

    symptoms: tuple[str, ...]
    diseases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryCode:
    """What becomes of the code of an active disease when the disease is past, or a relative's.

    Attributes:
        id: Name of the entry in traces: its section and its first prefix.
        active: Prefixes of the active disease.
        history: The code for its history; None if a past one is not coded at all.
        citation: Guideline section.
    """

    id: str
    active: tuple[str, ...]
    history: str | None
    citation: str


@dataclass(frozen=True, slots=True)
class ChronicCondition:
    """Conditions that stay current although a note says "history of".

    Attributes:
        id: Name of the entry in traces: its section and its first prefix.
        codes: Their prefixes.
        why: The clinical reason, for the trace.
        citation: Guideline section.
    """

    id: str
    codes: tuple[str, ...]
    why: str
    citation: str


@dataclass(frozen=True, slots=True)
class Combination:
    """A rule that turns several codes into the combination the classification has for them.

    The meaning of the fields is given in the docstring of this module.

    Attributes:
        id: Name of the rule; the rules of one template share it (one for each type of diabetes).
        when: Groups of prefixes, all of which need a match.
        unless: Prefixes that keep the rule from firing.
        replace: Code to put in the place of the codes that start with the key.
        drop: Prefixes of codes to remove.
        add: Codes to add.
        citation: Guideline section.
        message: What the rule says, for the trace.
    """

    id: str
    when: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...]
    replace: Mapping[str, str]
    drop: tuple[str, ...]
    add: tuple[str, ...]
    citation: str
    message: str


class Change(NamedTuple):
    """What a combination does to a set of codes.

    Attributes:
        removed: Codes that go, each with the code that takes its place, None where nothing does.
        added: Codes that come and were not in the set.
        because: The codes that matched ``when``, in the order of the set.
    """

    removed: dict[str, str | None]
    added: tuple[str, ...]
    because: tuple[str, ...]


class Past(NamedTuple):
    """What becomes of a code whose condition the note places in the past.

    Attributes:
        action: Keep it (chronic), replace it by `code`, or drop it.
        code: The history code to use, for "replace" only.
        citation: Guideline section.
        why: Why it stays, for "keep" only.
        entry: Id of the entry that says so, that of the step where no entry fits.
    """

    action: Literal["keep", "replace", "drop"]
    code: str | None
    citation: str
    why: str | None
    entry: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything in ``policy.yaml``.

    Attributes:
        integral_symptoms: Symptoms that belong to a disease, by table.
        open_symptoms: Where the table is silent, what is worth a question.
        history_codes: What becomes of a past condition.
        family_history_codes: What becomes of a relative's condition.
        chronic: What stays current although it is called past.
        combinations: In the order in which they apply.
        one_condition: Prefixes of codes that differ by type, stage or severity of one condition.
        vague: Prefixes of codes that a bare common word leads to.
        mended_warnings: Why the mends of a rule are applied although it only warns, by rule.
    """

    integral_symptoms: tuple[IntegralSymptom, ...]
    open_symptoms: tuple[OpenSymptom, ...]
    history_codes: tuple[HistoryCode, ...]
    family_history_codes: tuple[HistoryCode, ...]
    chronic: tuple[ChronicCondition, ...]
    combinations: tuple[Combination, ...]
    one_condition: tuple[str, ...]
    vague: tuple[str, ...]
    mended_warnings: Mapping[str, str]

    def past(self, code: str) -> Past:
        """Tell what becomes of ``code`` when its condition is historical.

        Where both a chronic and a history entry fit, the longer prefix decides. A code that fits
        neither goes: a condition that is over is not coded (guideline III.A).
        """
        chronic = _best(code, ((entry.codes, entry) for entry in self.chronic))
        history = _best(code, ((entry.active, entry) for entry in self.history_codes))
        if chronic and (history is None or chronic[0] > history[0]):
            entry = chronic[1]
            return Past("keep", None, entry.citation, entry.why, entry.id)
        if history is None:
            return Past("drop", None, _OVER, None, "past_conditions")
        over = history[1]
        action: Literal["replace", "drop"] = "replace" if over.history else "drop"
        return Past(action, over.history, over.citation, None, over.id)

    def family(self, code: str) -> HistoryCode | None:
        """Return the family history entry for a relative's disease, None where there is none."""
        best = _best(code, ((entry.active, entry) for entry in self.family_history_codes))
        return best[1] if best else None

    def integral_to(self, symptom: str, codes: Iterable[str]) -> tuple[str, IntegralSymptom] | None:
        """Find a disease that makes a symptom redundant.

        Args:
            symptom: The code to judge.
            codes: The codes of the note that are present.

        Returns:
            The first such disease with the entry that says so, None if the symptom stands.
        """
        entries = [e for e in self.integral_symptoms if symptom.startswith(e.symptoms)]
        others = [code for code in codes if code != symptom] if entries else []
        for entry in entries:
            for code in others:
                if code.startswith(entry.diseases):
                    return code, entry
        return None

    def is_symptom(self, code: str) -> bool:
        """Tell whether a code is a sign or symptom by any entry, or by its chapter."""
        entries: tuple[IntegralSymptom | OpenSymptom, ...] = (
            *self.integral_symptoms,
            *self.open_symptoms,
        )
        return code.startswith("R") or any(code.startswith(e.symptoms) for e in entries)

    def may_explain(self, disease: str, symptom: str) -> bool:
        """Tell whether it is worth asking if a symptom is integral to a disease."""
        return any(
            symptom.startswith(entry.symptoms)
            and disease.startswith(entry.diseases)
            and not disease.startswith(entry.symptoms)
            for entry in self.open_symptoms
        )


_T = TypeVar("_T")


def _best(code: str, groups: Iterable[tuple[tuple[str, ...], _T]]) -> tuple[int, _T] | None:
    matches = [(longest_match(code, prefixes), entry) for prefixes, entry in groups]
    found = [(len(prefix), entry) for prefix, entry in matches if prefix]
    return max(found, key=lambda pair: pair[0], default=None)


def apply_combination(rule: Combination, codes: Sequence[str]) -> Change | None:
    """Tell what ``rule`` does to ``codes``; see the docstring of this module.

    Args:
        rule: The combination.
        codes: Codes that are present, in order.

    Returns:
        The change, None if the rule does not fire or would change nothing.
    """
    if any(code.startswith(rule.unless) for code in codes):
        return None
    if not all(any(code.startswith(group) for code in codes) for group in rule.when):
        return None
    because = tuple(c for c in codes if any(c.startswith(group) for group in rule.when))
    removed: dict[str, str | None] = {}
    for code in codes:
        key = longest_match(code, rule.replace)
        if key is not None:
            removed[code] = rule.replace[key]
        elif code.startswith(rule.drop):
            removed[code] = None
    wanted = dict.fromkeys([*filter(None, removed.values()), *rule.add])
    removed = {code: new for code, new in removed.items() if code not in wanted}
    added = tuple(code for code in wanted if code not in codes)
    return Change(removed, added, because) if removed or added else None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _IntegralEntry(_Model):
    symptoms: list[str] = Field(min_length=1)
    diseases: list[str] = Field(min_length=1)
    why: str
    citation: str | None = None


class _HistoryEntry(_Model):
    active: list[str] = Field(min_length=1)
    history: str | None
    citation: str | None = None


class _ChronicEntry(_Model):
    codes: list[str] = Field(min_length=1)
    why: str
    citation: str | None = None


_E = TypeVar("_E", bound=_Model)


class _Section(_Model, Generic[_E]):
    citation: str
    entries: list[_E]


class _CombinationEntry(_Model):
    id: str
    each: list[str] = Field(default=[_EACH], min_length=1)
    when: list[list[str]] = Field(min_length=1)
    unless: list[str] = []
    replace: dict[str, str] = {}
    drop: list[str] = []
    add: list[str] = []
    citation: str
    message: str

    def rules(self) -> list[Combination]:
        """Return a rule for each value of ``each``, which stands for ``{each}`` in the codes."""
        return [self._rule(value) for value in self.each]

    def _rule(self, value: str) -> Combination:
        def fill(items: Iterable[str]) -> tuple[str, ...]:
            return expand(item.replace(_EACH, value) for item in items)

        return Combination(
            id=self.id,
            when=tuple(fill(group) for group in self.when),
            unless=fill(self.unless),
            replace=dict(zip(fill(self.replace), fill(self.replace.values()), strict=True)),
            drop=fill(self.drop),
            add=fill(self.add),
            citation=self.citation,
            message=self.message,
        )


class _OpenSymptom(_Model):
    symptoms: list[str] = Field(min_length=1)
    diseases: list[str] = Field(min_length=1)


class _MendedWarning(_Model):
    rule: str
    why: str


class _File(_Model):
    integral_symptoms: _Section[_IntegralEntry]
    open_symptoms: list[_OpenSymptom]
    history_codes: _Section[_HistoryEntry]
    family_history_codes: _Section[_HistoryEntry]
    chronic: _Section[_ChronicEntry]
    combinations: list[_CombinationEntry]
    one_condition: list[str]
    vague: list[str]
    mended_warnings: list[_MendedWarning]


def _history(name: str, section: _Section[_HistoryEntry]) -> tuple[HistoryCode, ...]:
    return tuple(
        HistoryCode(
            id=f"{name}:{entry.active[0]}",
            active=expand(entry.active),
            history=entry.history,
            citation=entry.citation or section.citation,
        )
        for entry in section.entries
    )


def _integral(section: _Section[_IntegralEntry]) -> tuple[IntegralSymptom, ...]:
    return tuple(
        IntegralSymptom(
            id=f"integral_symptoms:{entry.symptoms[0]}/{entry.diseases[0]}",
            symptoms=expand(entry.symptoms),
            diseases=expand(entry.diseases),
            why=entry.why,
            citation=entry.citation or section.citation,
        )
        for entry in section.entries
    )


def _chronic(section: _Section[_ChronicEntry]) -> tuple[ChronicCondition, ...]:
    return tuple(
        ChronicCondition(
            id=f"chronic:{entry.codes[0]}",
            codes=expand(entry.codes),
            why=entry.why,
            citation=entry.citation or section.citation,
        )
        for entry in section.entries
    )


@cache
def load_policy() -> Policy:
    """Return the policy data.

    Raises:
        ValueError: If the file repeats a key or breaks its schema, or an item is not a prefix.
    """
    file = _File.model_validate(read_yaml(_DATA))
    return Policy(
        integral_symptoms=_integral(file.integral_symptoms),
        open_symptoms=tuple(
            OpenSymptom(expand(e.symptoms), expand(e.diseases)) for e in file.open_symptoms
        ),
        history_codes=_history("history_codes", file.history_codes),
        family_history_codes=_history("family_history_codes", file.family_history_codes),
        chronic=_chronic(file.chronic),
        combinations=tuple(rule for entry in file.combinations for rule in entry.rules()),
        one_condition=expand(file.one_condition),
        vague=expand(file.vague),
        mended_warnings={entry.rule: entry.why for entry in file.mended_warnings},
    )
