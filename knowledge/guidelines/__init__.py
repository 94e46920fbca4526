"""Guideline cards: what a section of the ICD-10-CM Official Guidelines asks for, in our own words.

Each Markdown file of this folder is one card: YAML front matter, then a few sentences and one
example. The cards explain and cite; the rules themselves are data elsewhere (``knowledge/rules``,
``knowledge/data/policy.yaml``).
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from knowledge.code_prefixes import expand, longest_match
from knowledge.strict_yaml import parse_yaml

_FOLDER = Path(__file__).parent
_FENCE = "---\n"
_SECTION = re.compile(r"\b(?:IV|I{1,3})(?:\.[A-Za-z0-9]+)*\b")


@dataclass(frozen=True, slots=True)
class Card:
    """One section of the guidelines.

    Attributes:
        id: Section number as cited, for example ``"I.B.5"``.
        section: The heading under which it stands, for example "General coding guidelines".
        title: What it is about.
        year: Fiscal year of the guidelines it was written from.
        codes: Prefixes of the codes it governs; empty for a section that governs all.
        rules: Identifiers of rules and policies that apply it.
        body: Markdown text: the requirement in our own words and an example.
    """

    id: str
    section: str
    title: str
    year: int
    codes: tuple[str, ...]
    rules: tuple[str, ...]
    body: str


class _FrontMatter(BaseModel):
    """The YAML head of a card."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=r"^(I|II|III|IV)(\.[A-Za-z0-9]+)*$")
    section: str = Field(min_length=1)
    title: str = Field(min_length=1)
    year: int = Field(ge=2016)
    codes: list[str]
    rules: list[str]


def parse_card(text: str) -> Card:
    """Parse one card.

    Args:
        text: A Markdown document that starts with front matter between two ``---`` lines.

    Returns:
        The card, ranges of its codes expanded.

    Raises:
        ValueError: If the front matter is missing, has unknown or repeated keys or a wrong type,
            or the body is empty.
    """
    empty, fence, rest = text.partition(_FENCE)
    head, closing, body = rest.partition(_FENCE)
    if empty or not fence or not closing or not body.strip():
        raise ValueError("a card is front matter between two '---' lines, then a body")
    data = _FrontMatter.model_validate(parse_yaml(head))
    codes, rules = expand(data.codes), tuple(data.rules)
    return Card(data.id, data.section, data.title, data.year, codes, rules, body.strip())


@cache
def load_cards() -> tuple[Card, ...]:
    """Return every card, sorted by id, so that a section stands before those below it.

    Raises:
        ValueError: If a card cannot be parsed or two share an id.
    """
    cards = tuple(_read(path) for path in sorted(_FOLDER.glob("*.md"), key=_id))
    ids = [card.id for card in cards]
    if len(set(ids)) < len(ids):
        repeated = sorted({card_id for card_id in ids if ids.count(card_id) > 1})
        raise ValueError(f"guideline cards with the same id: {', '.join(repeated)}")
    return cards


def _id(path: Path) -> str:
    return path.stem


def _read(path: Path) -> Card:
    try:
        return parse_card(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"guideline card {path.name}: {error}") from error


def card(section: str) -> Card | None:
    """Return the card of a cited section, or of the nearest section above it.

    Args:
        section: A section number; ``"I.A.12.a"`` finds the card ``"I.A.12"``.

    Returns:
        The card, None if neither the section nor one above it has one.
    """
    by_id = {c.id: c for c in load_cards()}
    parts = section.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((by_id[prefix] for prefix in prefixes if prefix in by_id), None)


def cited_sections(citation: str) -> tuple[str, ...]:
    """Return the section numbers in a citation, such as those of a finding, in order.

    Args:
        citation: Text such as ``"ICD-10-CM Guidelines I.A.13; tabular list at J18"``.
    """
    return tuple(dict.fromkeys(_SECTION.findall(citation)))


def cards_for(code: str) -> tuple[Card, ...]:
    """Return the cards that govern a code, the one with the most specific prefix first.

    Args:
        code: A dotted ICD-10-CM code.

    Returns:
        Cards with a prefix of ``code`` among their codes; sections that govern all codes are left
        out.
    """
    matches = [(longest_match(code, c.codes), c) for c in load_cards()]
    found = [(len(prefix), c) for prefix, c in matches if prefix]
    return tuple(c for _, c in sorted(found, key=lambda pair: -pair[0]))
