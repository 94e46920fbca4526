"""What the indexes hold: one row for each wording that leads to a code or a guideline card.

Codes with a 7th character share the row of their stem: the character says in which encounter the
code is used, not what the condition is. Beside an official wording stands the plain one that a note
uses ("Heart failure" for "Heart failure, unspecified"): with these rows recall@100 of the dense
generator on CodiEsp train rose from .41 to .44, with our own synonyms to .51.
"""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from indexes.term_table import OfficialKind, plain_wording
from knowledge.code_systems.base import Code, CodeSystem
from knowledge.guidelines import Card
from knowledge.synonyms import load_synonyms

RowKind = Literal["title", "inclusion", "synonym", "guideline"] | OfficialKind


class Row(NamedTuple):
    """A wording in the index.

    Attributes:
        kind: Where it comes from; an "Includes" note counts as inclusion term.
        key: The code it leads to, without 7th character, or the id of a guideline card.
        text: The wording.
    """

    kind: RowKind
    key: str
    text: str


def code_rows(system: CodeSystem) -> list[Row]:
    """Return the rows of all codes in official order, then those of the synonyms.

    Args:
        system: The code system; the synonyms apply to ICD-10-CM only.
    """
    entries = (system.get(code) for code in system.codes())
    rows = [row for entry in entries if entry.seventh is None for row in _entry_rows(entry)]
    if system.key == "icd10cm":
        rows += _synonym_rows(system)
    return list({(row.key, row.text.lower()): row for row in reversed(rows)}.values())[::-1]


def guideline_rows(cards: Iterable[Card]) -> list[Row]:
    """Return one row for each guideline card: its title and text."""
    return [Row("guideline", card.id, f"{card.title}. {card.body}") for card in cards]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as gzipped JSON; the same rows give the same bytes."""
    path.write_bytes(
        gzip.compress(orjson.dumps([tuple(row) for row in rows]), compresslevel=9, mtime=0)
    )


def read_rows(path: Path) -> list[Row]:
    """Read rows written by `write_rows`."""
    return [Row(*row) for row in orjson.loads(gzip.decompress(path.read_bytes()))]


def _entry_rows(entry: Code) -> Iterator[Row]:
    texts: list[tuple[RowKind, str]] = [("title", entry.title)]
    texts += [("inclusion", text) for text in (*entry.inclusion_terms, *entry.includes)]
    for kind, text in texts:
        yield Row(kind, entry.code, text)
        if plain := plain_wording(text):
            yield Row(kind, entry.code, plain)


def _synonym_rows(system: CodeSystem) -> Iterator[Row]:
    for synonym in load_synonyms():
        if synonym.code in system and system.get(synonym.code).seventh is None:
            yield Row("synonym", synonym.code, synonym.phrase)
