"""Reads an ICD-10-CM tabular list from its XML once and keeps it as columns in a cache file.

The XML of the installed release comes with the package simple-icd-10-cm, whose import parses it
anew on every start (seconds). Its data files are located without importing it. The XML of another
release is a file that the user names. Which 7th-character codes exist follows from the
``sevenChrDef`` elements, so they are not stored; the few that the definitions allow but the
official code list lacks are.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import orjson

from knowledge.errors import UserError
from knowledge.paths import cache_dir
from knowledge.xml_reading import clean_text, damaged, line_of, xml_units

PACKAGE = "simple_icd_10_cm"
DISTRIBUTION = "simple-icd-10-cm"
XML_NAME = "icd10c-tabular-April-1-2026.xml"
LIST_NAME = "code-list-April-2026.txt"
RELEASE = "2026-04-01"
CACHE_FORMAT = 2
TABULAR_ROOT = "ICD10CM.tabular"

# A line of a code list or, behind a running number, of an order file.
_LISTED = re.compile(r"(?:[0-9]{5}\s+)?([A-Z][0-9A][0-9AB]\.?[0-9A-Z]{0,4})(?:\s|$)")

CHAPTER, BLOCK, DIAGNOSIS = "c", "b", "d"
NOTE_TAGS = {
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code_first",
    "useAdditionalCode": "use_additional",
    "codeAlso": "code_also",
    "sevenChrNote": "seventh_character",
    "notes": "note",
}


@dataclass(slots=True)
class TabularTable:
    """The tabular list as parallel columns, entries in official order (parents before children).

    Attributes:
        release: First day on which the release is in force, ``YYYY-MM-DD``.
        names: Chapter number, block id or dotted code.
        titles: Official titles.
        kinds: One letter an entry: chapter, block or diagnosis.
        parents: Position of the entry above, -1 for chapters.
        ends: Position after the last descendant.
        terms: Inclusion terms of the entries that have some.
        includes: "Includes" notes of the entries that have some.
        notes: Instructional notes as (kind, lines), one pair an XML element.
        sevenths: 7th characters with their meanings, at the entry that defines them.
        withheld: Characters that the definition gives a stem but the code list does not.
    """

    release: str
    names: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    kinds: str = ""
    parents: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    terms: dict[int, list[str]] = field(default_factory=dict)
    includes: dict[int, list[str]] = field(default_factory=dict)
    notes: dict[int, list[tuple[str, list[str]]]] = field(default_factory=dict)
    sevenths: dict[int, dict[str, str]] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)


SPARSE_COLUMNS = ("terms", "includes", "notes", "sevenths", "withheld")


class TabularSource(NamedTuple):
    """The files of a release.

    Attributes:
        xml: The tabular list.
        code_list: All codes of the release, one a line; None where only the XML is at hand.
        release: First day on which the release is in force, ``YYYY-MM-DD``.
    """

    xml: Path
    code_list: Path | None
    release: str


def load_table() -> TabularTable:
    """Return the installed release from the cache, or parse its XML and fill the cache."""
    return _cached(cache_path(), installed_source)


def load_table_of(source: TabularSource) -> TabularTable:
    """Return the release of files that a user names, cached by their content.

    Raises:
        UserError: A file cannot be read or is damaged.
    """
    name = f"icd10cm-{_digest(source)}-format{CACHE_FORMAT}.json"
    return _cached(cache_dir("knowledge") / name, lambda: source)


def _cached(path: Path, source: Callable[[], TabularSource]) -> TabularTable:
    cached = read_cache(path)
    if cached is not None:
        return cached
    table = build_table(source())
    write_cache(table, path)
    return table


def installed_source() -> TabularSource:
    """Return the files of the installed release."""
    folder = package_data()
    return TabularSource(folder / XML_NAME, folder / LIST_NAME, RELEASE)


def package_data() -> Path:
    """Return the folder that holds the package's data files, without importing the package."""
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"The ICD-10-CM tabular list is missing: package {DISTRIBUTION} is not installed.",
            fix=f"pip install {DISTRIBUTION}==1.5.0",
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    if not (folder / XML_NAME).is_file():
        version = metadata.version(DISTRIBUTION)
        raise UserError(
            f"{DISTRIBUTION} {version} does not carry {XML_NAME}; version 1.5.0 does.",
            fix=f"pip install {DISTRIBUTION}==1.5.0",
        )
    return folder


def cache_path() -> Path:
    """Return the cache file; its name changes with the package version and our format."""
    version = metadata.version(DISTRIBUTION)
    return cache_dir("knowledge") / f"icd10cm-{version}-format{CACHE_FORMAT}.json"


def read_cache(path: Path) -> TabularTable | None:
    """Return the cached table, or None where the file is missing or damaged."""
    try:
        return decode_table(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_cache(table: TabularTable, path: Path) -> None:
    """Write the table in one step, so that a reader never sees half a file."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_table(table))
        Path(temporary).replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def encode_table(table: TabularTable) -> bytes:
    """Return a table as JSON; the same table gives the same bytes."""
    columns: dict[str, Any] = {item.name: getattr(table, item.name) for item in fields(table)}
    for name in SPARSE_COLUMNS:
        columns[name] = list(columns[name].items())
    return orjson.dumps(columns)


def decode_table(payload: bytes) -> TabularTable:
    """Return the table that `encode_table` wrote.

    Raises:
        ValueError: The bytes are something else.
    """
    try:
        columns: dict[str, Any] = orjson.loads(payload)
        for name in SPARSE_COLUMNS:
            columns[name] = dict(columns[name])
        table = TabularTable(**columns)
    except (TypeError, KeyError) as error:
        raise ValueError("not the columns of a tabular list") from error
    dense = (table.names, table.titles, table.kinds, table.parents, table.ends)
    if not table.names or any(len(column) != len(table.names) for column in dense):
        raise ValueError("columns of a tabular list have different lengths")
    return table


def build_table(source: TabularSource) -> TabularTable:
    """Parse a tabular XML and compare its 7th-character codes with the official list.

    Where there is no list, the exceptions of the installed release hold for the codes that it
    shares.

    Raises:
        UserError: A file cannot be read or is damaged; names the line.
    """
    builder = _Builder(source)
    for chapter in xml_units(source.xml, TABULAR_ROOT, "chapter"):
        builder.add_chapter(chapter)
    table = builder.table
    if not table.names:
        raise damaged(source.xml, 1, "holds no chapters")
    table.kinds = "".join(builder.kinds)
    if source.code_list is None:
        table.withheld = _withheld_as_installed(table)
    else:
        table.withheld = _withheld(table, listed_codes(source.code_list))
    return table


def listed_codes(path: Path) -> frozenset[str]:
    """Return the undotted codes of a code list, with or without titles, or of an order file.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix="name a file") from error
    return frozenset(m.group(1).replace(".", "") for m in map(_LISTED.match, lines) if m)


def expansion(name: str, character: str) -> str:
    """Return a stem with its 7th character, padded with the placeholder X (I.A.4, I.A.5)."""
    undotted = name.replace(".", "").ljust(6, "X") + character
    return f"{undotted[:3]}.{undotted[3:]}"


def seventh_definition(table: TabularTable, position: int) -> dict[str, str]:
    """Return the 7th characters that apply at an entry: its own or the nearest ancestor's."""
    while position >= 0:
        if position in table.sevenths:
            return table.sevenths[position]
        position = table.parents[position]
    return {}


def _withheld(table: TabularTable, listed: frozenset[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for position, kind in enumerate(table.kinds):
        if kind != DIAGNOSIS or table.ends[position] != position + 1:
            continue
        missing = "".join(
            character
            for character in seventh_definition(table, position)
            if expansion(table.names[position], character).replace(".", "") not in listed
        )
        if missing:
            found[position] = missing
    return found


def _withheld_as_installed(table: TabularTable) -> dict[int, str]:
    installed = load_table()
    by_name = {installed.names[position]: found for position, found in installed.withheld.items()}
    return {
        position: by_name[name]
        for position, name in enumerate(table.names)
        if name in by_name and table.kinds[position] == DIAGNOSIS
    }


def _digest(source: TabularSource) -> str:
    digest = hashlib.sha256(source.release.encode("ascii"))
    for path in (source.xml, source.code_list):
        if path is not None:
            try:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as error:
                raise UserError(
                    f"{path} cannot be read: {error.strerror}.", fix="name a file"
                ) from error
    return digest.hexdigest()[:32]


class _Builder:
    """Appends the entries of one chapter after the other to a table."""

    def __init__(self, source: TabularSource) -> None:
        self.table = TabularTable(source.release)
        self._path = source.xml
        self.kinds: list[str] = []

    def add_chapter(self, chapter: Element) -> None:
        """Append a chapter, its blocks and their codes.

        Blocks stand side by side in the XML even where one spans others (V00-X58 over V00-V99
        over V00-V09). A block without codes of its own spans the following ones in its range.
        """
        number = chapter.findtext("name", "").strip()
        position = self._open(number, CHAPTER, -1, chapter)
        spanning: list[tuple[str, int]] = []
        for section in chapter.findall("section"):
            name = section.get("id", "")
            while spanning and not _covers(spanning[-1][0], name):
                self._close(spanning.pop()[1])
            parent = spanning[-1][1] if spanning else position
            block = self._open(name, BLOCK, parent, section)
            if section.find("diag") is None:
                spanning.append((name, block))
                continue
            for diagnosis in section.findall("diag"):
                self._add_diagnosis(diagnosis, block)
            self._close(block)
        for _, block in reversed(spanning):
            self._close(block)
        self._close(position)

    def _add_diagnosis(self, element: Element, parent: int) -> None:
        name = element.findtext("name", "").strip()
        position = self._open(name, DIAGNOSIS, parent, element)
        for child in element.findall("diag"):
            self._add_diagnosis(child, position)
        self._close(position)

    def _open(self, name: str, kind: str, parent: int, element: Element) -> int:
        table, position = self.table, len(self.table.names)
        title = clean_text(element.findtext("desc"))
        if not name or not title:
            missing = "a title (<desc>)" if name else "a name"
            raise damaged(self._path, line_of(element), f"<{element.tag}> stands without {missing}")
        table.names.append(name)
        table.titles.append(title.removesuffix(f"({name})").rstrip())
        table.parents.append(parent)
        table.ends.append(position)
        self.kinds.append(kind)
        _store(table.terms, position, _lines(element, "inclusionTerm"))
        _store(table.includes, position, _lines(element, "includes"))
        _store(table.notes, position, _notes(element))
        definition = element.find("sevenChrDef")
        if definition is not None:
            table.sevenths[position] = {
                extension.get("char", ""): clean_text(extension.text)
                for extension in definition.findall("extension")
            }
        return position

    def _close(self, position: int) -> None:
        self.table.ends[position] = len(self.table.names)


def _covers(outer: str, inner: str) -> bool:
    first, _, last = outer.partition("-")
    start, _, end = inner.partition("-")
    return first <= start and (end or start) <= last


def _lines(element: Element, tag: str) -> list[str]:
    texts = (clean_text(note.text) for found in element.findall(tag) for note in found)
    return [text for text in texts if text]


def _notes(element: Element) -> list[tuple[str, list[str]]]:
    found = []
    for child in element:
        kind = NOTE_TAGS.get(child.tag)
        if kind:
            lines = [clean_text(note.text) for note in child]
            found.append((kind, [line for line in lines if line]))
    return found


def _store(column: dict[int, Any], position: int, values: Sequence[object]) -> None:
    if values:
        column[position] = values
