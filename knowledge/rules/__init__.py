"""Coding rules over a set of codes: `check` applies them, `RULES` lists them."""

from knowledge.rules.context import CodedItem, EncounterContext
from knowledge.rules.engine import DEFAULT_RULES, RULES, Rule, check, check_rules
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend, apply_mend

__all__ = [
    "DEFAULT_RULES",
    "RULES",
    "CodedItem",
    "EncounterContext",
    "Finding",
    "Mend",
    "Rule",
    "RuleCard",
    "Severity",
    "apply_mend",
    "check",
    "check_rules",
]
