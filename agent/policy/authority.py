"""What a decision rests on: a step, an entry of the policy data or a rule, and where it is written.

Every citation has a guideline card; one that has none is a defect and raises.
"""

from typing import NamedTuple

from knowledge.guidelines import Card, card, cited_sections


class Authority(NamedTuple):
    """What a decision rests on.

    Attributes:
        rule: Id of the step, the entry of the policy data or the rule.
        citation: Guideline section, as findings and results cite it.
    """

    rule: str
    citation: str

    @property
    def sections(self) -> tuple[str, ...]:
        """The section numbers of the citation."""
        return cited_sections(self.citation)

    @property
    def card(self) -> Card:
        """The card of the section that is cited first.

        Raises:
            LookupError: The citation names no section that has a card.
        """
        for section in self.sections:
            found = card(section)
            if found:
                return found
        raise LookupError(f"{self.rule} cites {self.citation!r}, which has no guideline card")
