"""Applies the rules to a set of codes.

A module of rules comes with a YAML file of the same name: one card for each of its rules, which
says what the rule is for, and a function named as the card. Sections in the cards refer to the
ICD-10-CM Official Guidelines for Coding and Reporting; explanations are in our own words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

from pydantic import TypeAdapter

from knowledge.code_systems import ICD10CM
from knowledge.errors import UserError
from knowledge.rules import (
    abuse,
    burns,
    circumstances,
    code_also,
    combinations,
    contradictions,
    delivery,
    drugs,
    excludes,
    external_causes,
    gestation,
    infections,
    injuries,
    laterality,
    neoplasms,
    newborn,
    once,
    pairing,
    patient,
    pregnancy,
    principal,
    sepsis,
    sequencing,
    specificity,
    ulcers,
    validity,
)
from knowledge.rules.context import Case, CodedItem, EncounterContext
from knowledge.rules.findings import SEVERITIES, Finding, RuleCard
from knowledge.strict_yaml import read_yaml

RuleFunction = Callable[[Case, RuleCard], Iterator[Finding]]

_CARDS = TypeAdapter(list[RuleCard])
# The order in which findings of equal severity are listed.
_MODULES: tuple[ModuleType, ...] = (
    validity,
    circumstances,
    excludes,
    sequencing,
    principal,
    once,
    laterality,
    patient,
    pregnancy,
    gestation,
    delivery,
    newborn,
    injuries,
    burns,
    external_causes,
    abuse,
    pairing,
    code_also,
    combinations,
    contradictions,
    specificity,
    drugs,
    sepsis,
    infections,
    neoplasms,
    ulcers,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its card and the function of the same name that applies it."""

    card: RuleCard
    function: RuleFunction

    def check(self, case: Case) -> Iterator[Finding]:
        """Yield what the rule finds in a case."""
        return self.function(case, self.card)


def _load_rules() -> Mapping[str, Rule]:
    rules = [rule for module in _MODULES for rule in _rules_of(module)]
    return MappingProxyType({rule.card.id: rule for rule in rules})


def _rules_of(module: ModuleType) -> Iterator[Rule]:
    """Yield the rules of a module: each card of its YAML file with the function of that name."""
    assert module.__file__ is not None
    entries = read_yaml(Path(module.__file__).with_suffix(".yaml"))
    for card in _CARDS.validate_python(entries):
        yield Rule(card, getattr(module, card.id))


RULES: Mapping[str, Rule] = _load_rules()
DEFAULT_RULES: tuple[str, ...] = tuple(
    name for name, rule in RULES.items() if not rule.card.on_request
)


def check(items: Sequence[CodedItem], context: EncounterContext, system: ICD10CM) -> list[Finding]:
    """Apply all rules that do not wait to be called by name.

    Args:
        items: The coded items; within equal roles their order is the order of reporting.
        context: Circumstances of the encounter.
        system: The code system.

    Returns:
        Findings by severity, then rule, then codes.
    """
    return check_rules(DEFAULT_RULES, items, context, system)


def check_rules(
    names: Iterable[str],
    items: Sequence[CodedItem],
    context: EncounterContext,
    system: ICD10CM,
) -> list[Finding]:
    """Apply the named rules only; arguments and order of findings as in `check`.

    Raises:
        UserError: No rule has one of the names.
    """
    names = list(names)
    unknown = [name for name in names if name not in RULES]
    if unknown:
        raise UserError(f"Unknown rule {unknown[0]!r}; available: {', '.join(RULES)}.")
    case = Case(items, context, system)
    findings = [
        _with_codes_of(system, finding) for name in names for finding in RULES[name].check(case)
    ]
    order = list(RULES)
    return sorted(
        findings,
        key=lambda finding: (
            SEVERITIES.index(finding.severity),
            order.index(finding.rule),
            finding.codes,
            finding.message,
        ),
    )


def _with_codes_of(system: ICD10CM, finding: Finding) -> Finding:
    """Return a finding without its mend where the release lacks a code that the mend adds."""
    if finding.mend and not all(code in system for code in finding.mend.add):
        return finding.model_copy(update={"mend": None, "fix": None})
    return finding
