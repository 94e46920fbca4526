"""Codes whose tabular entry asks for a second code, in whatever order."""

from collections.abc import Iterator

from knowledge.notes import InstructionalNote
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, place, quote


def code_also(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find notes that ask for a further code when none of those they name is there.

    Codes that share a note share the finding. Notes that name no codes, apply only where the case
    has what they name ("if applicable"), or stand at a block or chapter are left to the coder.
    """
    waiting: dict[InstructionalNote, list[str]] = {}
    for code in case.codes:
        for note in case.notes(code, "code_also"):
            asks = note.carrier in case.system and note.refs and not note.conditional
            if asks and not case.others(code, note):
                waiting.setdefault(note, []).append(code)
    for note, codes in waiting.items():
        message = f"{place(note)} says of {' and '.join(codes)}: {quote(note)}. None is reported."
        wanted = ", ".join(map(str, note.refs))
        fix = f"add a code of {wanted} if the record supports one; the order is free"
        yield rule.finding(codes, message, note=note, fix=fix)
