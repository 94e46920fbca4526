"""Circumstances that are coded from how a note is written: the wordings and their codes, as data.

Four files share one form (``statuses.yaml``, ``histories.yaml``, ``encounter_reasons.yaml``,
``external_causes.yaml``): groups of rules, each a code with the phrases that stand for it and with
what has to be true of their place. ``long_term_drugs.yaml`` and ``allergens.yaml`` hold names by
class. Finding them in a note is the work of `indexes.circumstances`; `knowledge.phrases` explains
how phrases are written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from knowledge.note_text import SectionKind
from knowledge.phrases import PhraseTree
from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data"

Side = Literal["right", "left"]
When = Literal["holds", "past", "history", "family", "present", "said"]
CircumstanceFile = Literal["statuses", "histories", "encounter_reasons", "external_causes"]
CIRCUMSTANCE_FILES: tuple[CircumstanceFile, ...] = get_args(CircumstanceFile)


@dataclass(frozen=True, slots=True)
class CircumstanceRule:
    """One code and the place its words need.

    Attributes:
        group: Name of the group it stands in.
        code: The code; of a sided rule what stands before the character of the side.
        sided: Whether 1 (right), 2 (left) or 9 (not stated) follows.
        both: The code for both sides; None where each side has its own.
        neither: The code where no side is stated; None where it ends in 9.
        citation: Guideline section.
        when: What must be said of the words: "holds" that it is or was so, "past" that it is over
            or was done before this encounter, "history" that it is over, a mere place in a list
            of past diseases not being enough, "family" that it is a relative's, "present" that it
            is so now, "said" that it is not denied.
        asks: Words that the sentence needs besides; None if none.
        forbids: Words that the sentence must not hold.
        note_asks: Words that the note needs somewhere.
        note_forbids: Words that the note must not hold.
        sections: Kinds of section that count; empty for all.
        barred: Kinds of section that do not.
        minor: True for patients under 18 only, False for others only.
    """

    group: str
    code: str
    sided: bool
    both: str | None
    neither: str | None
    citation: str
    when: When
    asks: re.Pattern[str] | None
    forbids: re.Pattern[str] | None
    note_asks: re.Pattern[str] | None
    note_forbids: re.Pattern[str] | None
    sections: frozenset[SectionKind]
    barred: frozenset[SectionKind]
    minor: bool | None

    def codes(self, sides: frozenset[Side]) -> tuple[str, ...]:
        """Return the codes for the sides that the words name; none stands for not stated."""
        if not self.sided:
            return (self.code,)
        if len(sides) == 2 and self.both:
            return (self.both,)
        if not sides:
            return (self.neither or f"{self.code}9",)
        return tuple(f"{self.code}{1 if side == 'right' else 2}" for side in sorted(sides)[::-1])

    def possible_codes(self) -> tuple[str, ...]:
        """Return every code that the rule can give."""
        sides: Sequence[frozenset[Side]] = (
            frozenset(),
            frozenset({"right"}),
            frozenset({"left"}),
            frozenset({"right", "left"}),
        )
        return tuple(dict.fromkeys(code for chosen in sides for code in self.codes(chosen)))


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Rule(_Model):
    code: str
    phrases: list[str] = Field(min_length=1)
    sided: bool = False
    both: str | None = None
    neither: str | None = None
    when: When | None = None
    asks: str | None = None
    forbids: str | None = None
    note_asks: str | None = None
    note_forbids: str | None = None
    sections: list[str] = []
    barred: list[str] | None = None
    minor: bool | None = None


class _Group(_Model):
    citation: str
    when: When
    forbids: str | None = None
    barred: list[str] = []
    rules: list[_Rule] = Field(min_length=1)


class _File(_Model):
    words: dict[str, str] = {}
    groups: dict[str, _Group]


def _pattern(*sources: str | None) -> re.Pattern[str] | None:
    given = [source for source in sources if source]
    return re.compile("|".join(f"(?:{source})" for source in given), re.I) if given else None


def _kinds(names: Sequence[str]) -> frozenset[SectionKind]:
    kinds: list[SectionKind] = [kind for kind in get_args(SectionKind) if kind in names]
    if unknown := set(names).difference(kinds):
        raise ValueError(f"no kinds of section: {', '.join(sorted(unknown))}")
    return frozenset(kinds)


def _rules(name: str, group: _Group) -> Iterator[tuple[_Rule, CircumstanceRule]]:
    for entry in group.rules:
        yield (
            entry,
            CircumstanceRule(
                group=name,
                code=entry.code,
                sided=entry.sided,
                both=entry.both,
                neither=entry.neither,
                citation=group.citation,
                when=entry.when or group.when,
                asks=_pattern(entry.asks),
                forbids=_pattern(group.forbids, entry.forbids),
                note_asks=_pattern(entry.note_asks),
                note_forbids=_pattern(entry.note_forbids),
                sections=_kinds(entry.sections),
                barred=_kinds(group.barred if entry.barred is None else entry.barred),
                minor=entry.minor,
            ),
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """One file of rules.

    Attributes:
        rules: All rules in the order of the file.
        tree: Their phrases; a phrase may stand for several rules.
    """

    rules: tuple[CircumstanceRule, ...]
    tree: PhraseTree[tuple[CircumstanceRule, ...]]


@cache
def load_circumstances(name: CircumstanceFile) -> Circumstances:
    """Return the rules of one file.

    Raises:
        ValueError: If the file repeats a key or breaks its schema.
    """
    file = _File.model_validate(read_yaml(_DATA / f"{name}.yaml"))
    pairs = [pair for key, group in file.groups.items() for pair in _rules(key, group)]
    tree: PhraseTree[tuple[CircumstanceRule, ...]] = PhraseTree(file.words)
    by_phrase: dict[str, dict[CircumstanceRule, None]] = {}
    for entry, rule in pairs:
        for phrase in (p for template in entry.phrases for p in tree.phrases(template)):
            by_phrase.setdefault(phrase, {})[rule] = None
    for phrase, rules in by_phrase.items():
        tree.put(phrase, tuple(rules))
    return Circumstances(tuple(rule for _, rule in pairs), tree)


@dataclass(frozen=True, slots=True)
class DrugClass:
    """A class of drugs.

    Attributes:
        id: Its name.
        code: The code of long-term use; None where the class has none of its own.
        evidence: What long-term use takes: "listed" a home medication or a running treatment,
            "chronic" besides that the note calls the use long-term.
        note_asks: Words that the note needs for long-term use; None if none.
        unnamed: Whether the name is that of a group; a drug of the group that the note names, too,
            is the one meant.
        poisoning: The code of poisoning and adverse effect up to the character of the intent, that
            one left out ("T46.4X"); None where the class has several.
    """

    id: str
    code: str | None
    evidence: Literal["listed", "chronic"]
    poisoning: str | None
    note_asks: re.Pattern[str] | None
    unnamed: bool


class _DrugClass(_Model):
    code: str | None = None
    evidence: Literal["listed", "chronic"] = "listed"
    poisoning: str | None = None
    note_asks: str | None = None
    unnamed: bool = False
    names: list[str] = Field(min_length=1)


class _DrugFile(_Model):
    citation: str
    classes: dict[str, _DrugClass]


@cache
def load_drug_classes() -> tuple[Mapping[str, DrugClass], PhraseTree[DrugClass]]:
    """Return the classes by id, and the tree of drug names.

    Raises:
        ValueError: If the file repeats a key or a name, or breaks its schema.
    """
    file = _DrugFile.model_validate(read_yaml(_DATA / "long_term_drugs.yaml"))
    tree: PhraseTree[DrugClass] = PhraseTree({})
    classes: dict[str, DrugClass] = {}
    names: set[str] = set()
    for key, entry in file.classes.items():
        classes[key] = DrugClass(
            key,
            entry.code,
            entry.evidence,
            entry.poisoning,
            _pattern(entry.note_asks),
            entry.unnamed,
        )
        for name in entry.names:
            if name in names:
                raise ValueError(f"long_term_drugs.yaml: {name!r} stands twice")
            names.add(name)
            tree.add(name, classes[key])
    return classes, tree


class _AllergenFile(_Model):
    citation: str
    allergens: dict[str, list[str]]


@cache
def load_allergens() -> PhraseTree[str]:
    """Return the tree of allergens with the code of each.

    Raises:
        ValueError: If the file repeats a key or an allergen, or breaks its schema.
    """
    file = _AllergenFile.model_validate(read_yaml(_DATA / "allergens.yaml"))
    tree: PhraseTree[str] = PhraseTree({})
    seen: set[str] = set()
    for code, names in file.allergens.items():
        for name in names:
            if name in seen:
                raise ValueError(f"allergens.yaml: {name!r} stands twice")
            seen.add(name)
            tree.add(name, code)
    return tree
