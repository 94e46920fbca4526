"""Candidates that a figure decides: the body mass index.

Z68 is chosen by a number that no wording holds. Only adult codes are given; those of patients under
20 go by percentile. Whether a weight diagnosis stands beside it (guideline section I.B.14) is for
the coding policy.
"""

import re

from indexes.candidates import Candidate, Mention
from knowledge.note_text import Note, Span

_BMI = re.compile(
    r"\b(?:BMI|body mass index(?: \(BMI\))?)(?:\s*(?:is|was|of|:|=|-|today))*\s*"
    r"(?P<value>\d{2}(?:\.\d+)?)(?!\s*(?:%|percentile|th\b|\d))",
    re.IGNORECASE,
)
_TERM = "Body mass index, adult"
_PLAUSIBLE = (10.0, 99.9)
# Above 40 the classification goes in steps: lower bound and code, highest first.
_STEPS = ((70, "Z68.45"), (60, "Z68.44"), (50, "Z68.43"), (45, "Z68.42"), (40, "Z68.41"))


def bmi_code(value: float) -> str:
    """Return the adult code of a body mass index in kg/m2."""
    for bound, code in _STEPS:
        if value >= bound:
            return code
    return f"Z68.{int(value)}" if value >= 20 else "Z68.1"


class FigureGenerator:
    """Candidate codes by measured figures."""

    name = "figures"

    def candidates(self, note: Note, k: int) -> list[Candidate]:
        """Return the code of the last body mass index in the note, if it names one."""
        found = [
            match
            for match in _BMI.finditer(note.text)
            if _PLAUSIBLE[0] <= float(match["value"]) <= _PLAUSIBLE[1]
        ]
        if not found or k < 1:
            return []
        last = found[-1]
        mention = Mention(Span(*last.span()), 1.0, _TERM, self.name)
        return [Candidate(bmi_code(float(last["value"])), 1.0, (mention,), {self.name: 1.0})]
