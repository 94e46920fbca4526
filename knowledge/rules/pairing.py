"""Codes that need company: use additional code, body mass index, coma scale."""

import re
from collections.abc import Iterator

from knowledge.notes import CodeRef, InstructionalNote, parse_references
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, place, quote
from knowledge.rules.mends import Mend

# One closed question that every case of the code answers: which type, which stage.
_ALWAYS_ANSWERED = re.compile(r"\bto (?:identify|specify) (?:the )?(?:type|stage|severity) of\b")

# The rule outcome_of_delivery asks for it, beside all codes of delivery.
_OUTCOME_OF_DELIVERY = "outcome of delivery"

_BODY_MASS_INDEX = CodeRef("Z68", "Z68")
# Malnutrition, obesity, eating disorders, gain or loss of weight, in pregnancy too.
_OF_WEIGHT = tuple(
    parse_references("(E40-E46, E64.0, E65-E68, F50, O25, O26.0, O26.1, O99.21, O99.84, R62-R64)")
)
_COMA_SCALE = {"R40.21": "eyes open", "R40.22": "verbal", "R40.23": "motor"}


def use_additional(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find notes that ask for a further code when none of those they name is there.

    Codes that share a note share the finding. Notes that name no codes are left to the coder, and
    so are those of blocks and chapters: they say what may be added to hundreds of codes.
    """
    waiting: dict[InstructionalNote, list[str]] = {}
    for code in case.codes:
        for note in case.notes(code, "use_additional"):
            if _OUTCOME_OF_DELIVERY in note.text:
                continue
            if note.carrier in case.system and note.refs and not case.others(code, note):
                waiting.setdefault(note, []).append(code)
    for note, codes in waiting.items():
        asked = _ALWAYS_ANSWERED.search(note.text) and not note.conditional
        message = f"{place(note)} says of {' and '.join(codes)}: {quote(note)}. None is reported."
        wanted = ", ".join(map(str, note.refs))
        yield rule.finding(
            codes,
            message,
            severity="warning" if asked else None,
            note=note,
            fix=f"add a code of {wanted} if the record supports one",
        )


def body_mass_index(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a body mass index without a diagnosis of weight that it belongs to."""
    if any(reference.matches(code) for code in case.codes for reference in _OF_WEIGHT):
        return
    for code in case.codes:
        if _BODY_MASS_INDEX.matches(code):
            message = f"{code} is reported without a diagnosis of weight, such as obesity."
            fix = f"add the diagnosis if the provider documents one, else drop {code}"
            yield rule.finding([code], message, fix=fix)


def coma_scale(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a coma scale of which a part is missing, at the same time of assessment."""
    parts: dict[str, dict[str, str]] = {}
    for code in case.codes:
        for subcategory in _COMA_SCALE:
            if code.startswith(subcategory):
                parts.setdefault(code[-1], {})[subcategory] = code
    for found in parts.values():
        missing = [f"{what} ({sub}-)" for sub, what in _COMA_SCALE.items() if sub not in found]
        if missing:
            codes = list(found.values())
            message = f"{' and '.join(codes)}: the coma scale lacks {' and '.join(missing)}."
            yield rule.finding(codes, message, fix="report one code of each of the three parts")


def coma_total(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a total coma score beside single scores of the same time."""
    single = case.starting(*_COMA_SCALE)
    for total in case.starting("R40.24"):
        scores = [code for code in single if code[-1] == total[-1]]
        if scores:
            message = f"{total} is a total score, for records that have no single scores: here are "
            message += f"{' and '.join(scores)}."
            yield rule.finding([total, *scores], message, mend=Mend(remove=[total]))
