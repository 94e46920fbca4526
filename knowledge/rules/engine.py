"""Applies the rules to a set of codes. What a rule is for stands in ``rules.yaml``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml

from knowledge.code_systems import ICD10CM
from knowledge.errors import UserError
from knowledge.rules import excludes, laterality, pairing, patient, sequencing, validity
from knowledge.rules.context import Case, CodedItem, EncounterContext
from knowledge.rules.findings import SEVERITIES, Finding, RuleCard

RuleFunction = Callable[[Case, RuleCard], Iterator[Finding]]

_CARDS = Path(__file__).parent / "rules.yaml"
_FUNCTIONS: tuple[RuleFunction, ...] = (
    validity.unknown_code,
    validity.billable,
    validity.seventh_character,
    validity.duplicates,
    excludes.excludes1,
    excludes.excludes2,
    sequencing.code_first,
    sequencing.manifestation_principal,
    sequencing.external_cause_principal,
    sequencing.external_cause_once,
    sequencing.sequela_first,
    laterality.laterality,
    patient.sex_conflict,
    patient.age_conflict,
    patient.pregnancy_first,
    patient.pregnancy_weeks,
    pairing.body_mass_index,
    pairing.coma_scale,
    pairing.use_additional,
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
    entries = yaml.safe_load(_CARDS.read_text(encoding="utf-8"))
    functions = {function.__name__: function for function in _FUNCTIONS}
    cards = [RuleCard.model_validate(entry) for entry in entries]
    if [card.id for card in cards] != list(functions):
        raise ValueError(f"{_CARDS.name} and the rule functions differ: {list(functions)}")
    return MappingProxyType({card.id: Rule(card, functions[card.id]) for card in cards})


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
    findings = [finding for name in names for finding in RULES[name].check(case)]
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
