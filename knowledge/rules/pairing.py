"""Use additional code: what a second code should add to the first."""

import re
from collections.abc import Iterator

from knowledge.notes import InstructionalNote
from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, place, quote

# One closed question that every case of the code answers: which type, which stage.
_ALWAYS_ANSWERED = re.compile(r"\bto (?:identify|specify) (?:the )?(?:type|stage|severity) of\b")


def use_additional(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find notes that ask for a further code when none of those they name is there.

    Codes that share a note share the finding. Notes that name no codes are left to the coder, and
    so are those of blocks and chapters: they say what may be added to hundreds of codes.
    """
    waiting: dict[InstructionalNote, list[str]] = {}
    for code in case.codes:
        for note in case.notes(code, "use_additional"):
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
