"""Readers of the Alphabetic Index, the external-cause index, the neoplasm and the drug table.

All four are one schema: letters of main terms, and terms below terms. An entry has a title, in
which ``nemod`` marks nonessential modifiers, and either a code or the cells of a table.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from knowledge.official.codes import PRINTED_CODE
from knowledge.official.records import (
    DrugColumn,
    DrugRow,
    IndexEntry,
    NeoplasmColumn,
    NeoplasmRow,
)
from knowledge.xml_reading import clean_text, damaged, line_of, xml_units

INDEX_ROOT = "ICD10CM.index"
_NEOPLASM_COLUMNS: Mapping[str, NeoplasmColumn] = {
    "2": "primary",
    "3": "secondary",
    "4": "in_situ",
    "5": "benign",
    "6": "uncertain",
    "7": "unspecified",
}
_DRUG_COLUMNS: Mapping[str, DrugColumn] = {
    "2": "accidental",
    "3": "self_harm",
    "4": "assault",
    "5": "undetermined",
    "6": "adverse_effect",
    "7": "underdosing",
}
_EMPTY_CELL = re.compile(r"[-–]*")
_BRACKETED = re.compile(r"\[[^\]]*\]")
_MODIFIER = re.compile(r"\(([^()]*)\)")

Column = TypeVar("Column", bound=str)


class _Entry(NamedTuple):
    """An element with the titles that lead to it."""

    element: Element
    path: tuple[str, ...]
    modifiers: tuple[str, ...]

    @property
    def line(self) -> int:
        return line_of(self.element)

    def text(self, *tags: str) -> str | None:
        """Return the text of the first child with one of the tags, None where there is none."""
        for tag in tags:
            child = self.element.find(tag)
            if child is not None:
                return clean_text("".join(child.itertext())) or None
        return None


def read_index(path: Path) -> list[IndexEntry]:
    """Read an Alphabetic Index or an external-cause index.

    Raises:
        UserError: The file is damaged; names the line.
    """
    return [_index_entry(entry) for entry in _entries(path)]


def read_neoplasms(path: Path) -> list[NeoplasmRow]:
    """Read a neoplasm table.

    Raises:
        UserError: The file is damaged; names the line.
    """
    return [
        NeoplasmRow(
            site=entry.path[1:],
            modifiers=entry.modifiers,
            codes=_cells(entry, _NEOPLASM_COLUMNS, path),
            see=entry.text("see"),
            see_also=entry.text("seeAlso"),
            line=entry.line,
        )
        for entry in _entries(path)
    ]


def read_drugs(path: Path) -> list[DrugRow]:
    """Read a table of drugs and chemicals.

    Raises:
        UserError: The file is damaged; names the line.
    """
    return [
        DrugRow(
            substance=entry.path,
            modifiers=entry.modifiers,
            codes=_cells(entry, _DRUG_COLUMNS, path),
            see=entry.text("see"),
            see_also=entry.text("seeAlso"),
            line=entry.line,
        )
        for entry in _entries(path)
    ]


def _entries(path: Path) -> Iterator[_Entry]:
    count = 0
    for letter in xml_units(path, INDEX_ROOT, "letter"):
        for main in letter.findall("mainTerm"):
            for entry in _below(main, (), path):
                count += 1
                yield entry
    if not count:
        raise damaged(path, 1, "holds no main terms")


def _below(element: Element, above: tuple[str, ...], path: Path) -> Iterator[_Entry]:
    title = element.find("title")
    if title is None:
        raise damaged(path, line_of(element), f"<{element.tag}> has no <title>")
    words, modifiers = _title(title)
    # A title may consist of nonessential modifiers alone; then they are all there is to say.
    own = (*above, words or ", ".join(modifiers))
    yield _Entry(element, own, modifiers)
    for child in element.findall("term"):
        yield from _below(child, own, path)


def _title(title: Element) -> tuple[str, tuple[str, ...]]:
    """Return the words that count and the nonessential modifiers."""
    words = [title.text or ""]
    modifiers: list[str] = []
    for child in title:
        inside = clean_text("".join(child.itertext()))
        if child.tag == "nemod":
            modifiers += _MODIFIER.findall(inside) or [inside]
        else:
            words.append(inside)
        words.append(child.tail or "")
    found = tuple(clean_text(modifier) for modifier in modifiers if modifier.strip())
    return re.sub(r"\s+,", ",", clean_text(" ".join(words))), found


def _index_entry(entry: _Entry) -> IndexEntry:
    printed = entry.text("code") or ""
    bracketed = " ".join(_BRACKETED.findall(printed))
    beside = f"{bracketed} {entry.text('manif') or ''}"
    return IndexEntry(
        path=entry.path,
        modifiers=entry.modifiers,
        code=clean_text(_BRACKETED.sub(" ", printed)) or None,
        manifestations=tuple(match.group() for match in PRINTED_CODE.finditer(beside)),
        see=entry.text("see"),
        see_also=entry.text("seeAlso"),
        see_category=entry.text("seecat", "subcat"),
        line=entry.line,
    )


def _cells(entry: _Entry, columns: Mapping[str, Column], path: Path) -> dict[Column, str]:
    codes: dict[Column, str] = {}
    for cell in entry.element.findall("cell"):
        number = cell.get("col", "")
        if number not in columns:
            raise damaged(path, line_of(cell), f"<cell> has the column {number!r}, not 2 to 7")
        text = clean_text(cell.text)
        if not _EMPTY_CELL.fullmatch(text):
            codes[columns[number]] = text
    return codes
