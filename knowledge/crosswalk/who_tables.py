"""Reads the WHO's mapping tables between ICD-10 and ICD-11, as the user has downloaded them.

The archive holds ``10To11MapToOneCategory``, ``10To11MapToMultipleCategories`` and
``11To10MapToOneCategory``, each as a spreadsheet and as tab-separated text; the text is read. The
first line names the columns. Used are ``icd10Code``, ``icd10Title``, ``icd11Code``, ``icd11Title``,
and ``10ClassKind`` or ``11ClassKind`` of the side mapped from, to pass over chapters and blocks.
Which side that is, the order of the columns says. Titles are indented with hyphens. A line without
a code on the other side, or with the words "No Mapping", says that there is no equivalent.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from knowledge.code_systems import CodeSystem, get_code_system
from knowledge.code_systems.icd11 import ICD11
from knowledge.crosswalk.listed import OFFICIAL_HINT, Equivalent, reverse
from knowledge.errors import UserError
from knowledge.jsonl import line_error

NAMES = (
    "10To11MapToOneCategory.txt",
    "10To11MapToMultipleCategories.txt",
    "11To10MapToOneCategory.txt",
)
_SIDES = {"10": "icd10who", "11": "icd11"}
_NONE = frozenset({"", "no mapping"})
_ANEW = "unpack or copy the table anew."


class WhoTables(NamedTuple):
    """Equivalents by direction; a direction is empty where no table of it was given.

    Attributes:
        to_icd11: ICD-10 to ICD-11, the one category first, then the further ones.
        to_icd10: ICD-11 to ICD-10.
    """

    to_icd11: tuple[Equivalent, ...]
    to_icd10: tuple[Equivalent, ...]

    def icd11(self) -> ICD11:
        """Return the ICD-11 codes that the tables name, of both directions."""
        lines = (*reverse(self.to_icd10), *self.to_icd11)
        titles = {line.target: line.target_title for line in lines if line.target}
        return ICD11(titles, "WHO mapping tables")


def read_tables(path: Path) -> WhoTables:
    """Read the tables.

    Args:
        path: One table, or the folder that the archive was unpacked to.

    Raises:
        UserError: There is no table, or one is damaged; the message names file and line.
    """
    found: dict[str, list[Equivalent]] = {"10": [], "11": []}
    for file in _files(path):
        side, lines = _read(file)
        found[side] += lines
    return WhoTables(tuple(found["10"]), tuple(found["11"]))


def _files(path: Path) -> Sequence[Path]:
    if path.is_dir():
        files = [path / name for name in NAMES if (path / name).is_file()]
        if not files:
            raise UserError(
                f"{path} holds none of the WHO's tables {', '.join(NAMES)}.", fix=OFFICIAL_HINT
            )
        return files
    if not path.is_file():
        raise UserError(f"{path}: no such file or folder.", fix=OFFICIAL_HINT)
    if path.suffix.lower() in (".xlsx", ".xls", ".zip"):
        raise UserError(
            f"{path} is not a text file; the tables are read as tab-separated text.",
            fix=f"name the .txt file of the same table, or the folder with {', '.join(NAMES)}.",
        )
    return [path]


def _read(path: Path) -> tuple[str, list[Equivalent]]:
    """Return the side mapped from, "10" or "11", and the lines of one table."""
    lines = _text_lines(path)
    header = next(lines, "").split("\t")
    columns = {name.strip(): position for position, name in enumerate(header)}
    needed = [f"icd{side}{what}" for side in _SIDES for what in ("Code", "Title")]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise line_error(
            path,
            1,
            f"no column {', '.join(missing)}; found {', '.join(columns)[:200] or 'nothing'}.",
            fix="name one of the WHO's tables as tab-separated text, its first line included.",
        )
    side = min(_SIDES, key=lambda number: columns[f"icd{number}Code"])
    equivalents: list[Equivalent] = []
    for number, line in enumerate(lines, start=2):
        fields = [text.strip().strip('"').strip() for text in line.split("\t")]
        if fields == [""]:
            continue
        if len(fields) != len(header):
            problem = f"{len(fields)} fields, but the first line names {len(header)} columns."
            raise line_error(path, number, problem, fix=_ANEW)
        row = {name: fields[position] for name, position in columns.items()}
        if row.get(f"{side}ClassKind", "category").lower() == "category":
            equivalents.append(_equivalent(row, side, path, number))
    return side, equivalents


def _text_lines(path: Path) -> Iterator[str]:
    for number, raw in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            yield raw.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            problem = f"not UTF-8 at byte {error.start} of the line."
            raise line_error(path, number, problem, fix=_ANEW) from None


def _equivalent(row: Mapping[str, str], side: str, path: Path, number: int) -> Equivalent:
    other = "11" if side == "10" else "10"
    source = _code(row[f"icd{side}Code"], side, path, number)
    if source is None:
        raise line_error(path, number, f"no icd{side}Code.", fix=_ANEW)
    return Equivalent(
        source=source,
        source_title=row[f"icd{side}Title"].lstrip("- "),
        target=_code(row[f"icd{other}Code"], other, path, number),
        target_title=row[f"icd{other}Title"].lstrip("- "),
    )


def _code(text: str, side: str, path: Path, number: int) -> str | None:
    if text.lower() in _NONE:
        return None
    system: CodeSystem = get_code_system(_SIDES[side])
    try:
        return system.normalise(text)
    except UserError as error:
        raise line_error(path, number, error.message, fix=_ANEW) from None
