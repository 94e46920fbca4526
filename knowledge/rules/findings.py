"""What a rule says about a set of codes, and the card that describes the rule itself."""

import textwrap
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge.code_prefixes import expand
from knowledge.notes import InstructionalNote, parse_references
from knowledge.rules.context import Setting, Sex
from knowledge.rules.mends import Mend

Severity = Literal["error", "warning", "info"]
_QUOTE_LENGTH = 240
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Finding(BaseModel):
    """One thing a rule found; the shape is that of ``findings`` in a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    """Identifier of the rule."""
    severity: Severity
    """Error: the claim would be wrong; warning: probably; info: worth a look."""
    codes: list[str]
    """The codes it concerns."""
    message: str
    """What is wrong, in a coder's words."""
    citation: str
    """Guideline section, and the tabular entry where a note there is the reason."""
    fix: str | None = None
    """What would put it right, where that can be said."""
    mend: Mend | None = None
    """The same as an edit of the codes, where it follows from them alone."""


class CodeGroup(BaseModel):
    """Codes that a rule treats alike, as a card lists them; a rule reads the fields that it needs.

    Codes are prefixes (``Z51.1``) and ranges of categories (``Z00-Z02``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: list[str] = Field(min_length=1)
    """The codes."""
    other_than: list[str] = []
    """Codes among them that are left out."""
    wanted: list[str] = []
    """Codes of which one belongs beside them."""
    why: str
    """What is to be known of them, for the message."""
    citation: str | None = None
    """Where it is said; None: where the card says."""
    severity: Severity | None = None
    """Where it departs from that of the card."""
    setting: Setting | None = None
    """Where they are judged; None: everywhere."""
    sex: Sex | None = None
    """The sex that they belong to."""
    at_least: float | None = None
    """Lowest age in years; in rules on the length of pregnancy, completed weeks."""
    below: float | None = None
    """Age or length from which on they no longer fit."""

    def covers(self, code: str) -> bool:
        """Tell whether a code is of the group."""
        inside, outside, _ = self._prefixes
        return code.startswith(inside) and not code.startswith(outside)

    def wants(self, code: str) -> bool:
        """Tell whether a code is one that belongs beside those of the group."""
        return code.startswith(self._prefixes[2])

    def admits(self, value: float) -> bool:
        """Tell whether an age, or the length of a pregnancy, fits the codes."""
        enough = self.at_least is None or value >= self.at_least
        return enough and (self.below is None or value < self.below)

    @cached_property
    def _prefixes(self) -> tuple[tuple[str, ...], ...]:
        return expand(self.codes), expand(self.other_than), expand(self.wanted)


class RuleCard(BaseModel):
    """What is to be known of a rule without reading Python; one entry of a YAML file here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Name by which the rule is called and findings refer to it."""
    title: str
    """A few words for a list of rules."""
    severity: Severity
    """The usual severity; a rule may lower or raise it with a reason."""
    citation: str
    """Section of the ICD-10-CM Official Guidelines."""
    explanation: str
    """Why the rule exists and when it does not apply."""
    on_request: bool = False
    """Whether it runs only when called by name."""
    groups: list[CodeGroup] = []
    """The codes that it judges, where a list says which."""

    def group(self, code: str) -> CodeGroup | None:
        """Return the first group that a code is of."""
        return next((group for group in self.groups if group.covers(code)), None)

    def finding(
        self,
        codes: Iterable[str],
        message: str,
        *,
        severity: Severity | None = None,
        note: InstructionalNote | None = None,
        group: CodeGroup | None = None,
        fix: str | None = None,
        mend: Mend | None = None,
    ) -> Finding:
        """Return a finding of this rule.

        Args:
            codes: The codes it concerns.
            message: What is wrong.
            severity: Where it departs from the usual one.
            note: The note that is the reason; its place is added to the citation.
            group: The group that is the reason; its severity and citation go before the card's.
            fix: What would put it right; None: the words of the mend.
            mend: The same as an edit of the codes.
        """
        citation = (group and group.citation) or self.citation
        return Finding(
            rule=self.id,
            severity=severity or (group and group.severity) or self.severity,
            codes=list(codes),
            message=message,
            citation=f"{citation}; tabular list at {place(note)}" if note else citation,
            fix=fix or (str(mend) if mend else None),
            mend=mend,
        )


def place(note: InstructionalNote) -> str:
    """Return where a note stands, for example ``E10`` or ``chapter 10``."""
    return f"chapter {note.carrier}" if note.carrier.isdigit() else note.carrier


def quote(note: InstructionalNote, code: str | None = None) -> str:
    """Return the words of a note in quotation marks, cut where they run long.

    Args:
        note: The note.
        code: A code that the note refers to; of a long list its line is kept.
    """
    text = str(note)
    if code and len(text) > _QUOTE_LENGTH:
        head, colon, listed = note.text.partition(": ")
        line = _line(listed if colon else head, code)
        text = f"{note.heading} {head}: … {line} …" if colon else f"{note.heading} … {line} …"
    return f'"{textwrap.shorten(text, _QUOTE_LENGTH, placeholder=" …")}"'


def _line(listed: str, code: str) -> str:
    lines = listed.split("; ")
    return next(
        (line for line in lines if any(ref.matches(code) for ref in parse_references(line))),
        listed,
    )
