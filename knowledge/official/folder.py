"""Finds the official files in a folder that a user names, and the release they belong to."""

import datetime
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from knowledge.code_systems._tabular import TABULAR_ROOT, TabularSource
from knowledge.errors import UserError
from knowledge.official.readers import INDEX_ROOT
from knowledge.releases import release_of
from knowledge.xml_reading import clean_text, xml_units

FileKind: TypeAlias = Literal["tabular", "index", "neoplasm", "drug", "eindex"]
KINDS: tuple[FileKind, ...] = get_args(FileKind)
EXPECTED = ", ".join(f"icd10cm-{kind}-YYYY-MM-DD.xml" for kind in KINDS)

_NAME = re.compile(rf"icd10cm?[-_ ]({'|'.join(KINDS)})(?![a-z]).*\.xml")
_CODE_LIST = re.compile(r"(?:icd10cm[-_ ](?:codes|order)|code-list)(?![a-z]).*\.txt")
_DATE = re.compile(r"(20\d\d)-(\d\d)-(\d\d)")
_MONTHS = {"jan": 1, "apr": 4, "oct": 10}
_MONTH = re.compile(rf"({'|'.join(_MONTHS)})[a-z]*[-_ ](?:1[-_ ])?(20\d\d)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")


class OfficialFile(NamedTuple):
    """One official file.

    Attributes:
        kind: Which of the tables it holds.
        path: The file.
        release: First day on which its release is in force.
    """

    kind: FileKind
    path: Path
    release: datetime.date

    @property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class OfficialFolder(NamedTuple):
    """The official files of one folder.

    Attributes:
        path: The folder.
        files: The files by kind.
        code_list: Code list or order file, which belongs to the tabular list; None without one.
    """

    path: Path
    files: Mapping[FileKind, OfficialFile]
    code_list: Path | None

    @property
    def release(self) -> datetime.date:
        """First day of the release: that of the tabular list or else the latest of the files."""
        if "tabular" in self.files:
            return self.files["tabular"].release
        return max(file.release for file in self.files.values())

    def tabular_source(self) -> TabularSource | None:
        """Return the files of the tabular list, None where the folder has none."""
        if "tabular" not in self.files:
            return None
        file = self.files["tabular"]
        return TabularSource(file.path, self.code_list, file.release.isoformat())


def find_official_files(path: Path) -> OfficialFolder:
    """Return the official files of a folder; files of other names are passed over.

    Raises:
        UserError: The folder is missing or has none, has two of a kind, a file tells no release, or
            the files belong to different fiscal years.
    """
    if not path.is_dir():
        raise UserError(f"{path} is no folder.", fix=f"name a folder with {EXPECTED}")
    found: dict[FileKind, OfficialFile] = {}
    for file in sorted(path.iterdir()):
        kind = _kind_of(file)
        if kind is None:
            continue
        if kind in found:
            raise UserError(
                f"{path} holds two files of the {kind} table: {found[kind].path.name} and "
                f"{file.name}.",
                fix="leave only those of one release in the folder",
            )
        found[kind] = OfficialFile(kind, file, _release_of(file, kind))
    if not found:
        raise UserError(
            f"{path} holds no official file; at least one of these is expected: {EXPECTED}.",
            fix="unpack the XML files of a release from CDC/NCHS into the folder",
        )
    _check_years(path, found)
    return OfficialFolder(path, found, _code_list(path))


def fiscal_year(start: datetime.date) -> int:
    """Return the US fiscal year of a release, by which the official files are named."""
    return start.year + (start.month >= 10)


def _kind_of(path: Path) -> FileKind | None:
    name = path.name.lower()
    match = _NAME.fullmatch(name)
    if match is None or "addend" in name or not path.is_file():
        return None
    return next(kind for kind in KINDS if kind == match.group(1))


def _code_list(path: Path) -> Path | None:
    names = (p for p in sorted(path.iterdir()) if _CODE_LIST.fullmatch(p.name.lower()))
    return next((p for p in names if "addend" not in p.name.lower()), None)


def _release_of(path: Path, kind: FileKind) -> datetime.date:
    root = TABULAR_ROOT if kind == "tabular" else INDEX_ROOT
    version = next(xml_units(path, root, "version"), None)
    year = clean_text(version.text) if version is not None else ""
    start = _start_in_name(path.name.lower()) or _start_of_year(year)
    if start is None:
        raise UserError(
            f"{path} tells no release, neither in its name nor in <version>.",
            fix=f"rename it, for example to icd10cm-{kind}-2026-04-01.xml",
        )
    if year.isdigit() and int(year) != fiscal_year(start):
        raise UserError(
            f"{path} is of fiscal year {year} by its <version>, of {fiscal_year(start)} by its "
            "name.",
            fix=f"rename it to icd10cm-{kind}-YYYY-MM-DD.xml with the first day of its release",
        )
    return release_of(start).start


def _start_in_name(name: str) -> datetime.date | None:
    """Return the first day that a file name tells; a bare year is a fiscal year."""
    try:
        if match := _DATE.search(name):
            return datetime.date(*map(int, match.groups()))
    except ValueError:
        return None
    if match := _MONTH.search(name):
        return datetime.date(int(match.group(2)), _MONTHS[match.group(1)], 1)
    match = _YEAR.search(name)
    return _start_of_year(match.group(1)) if match else None


def _start_of_year(year: str) -> datetime.date | None:
    return datetime.date(int(year) - 1, 10, 1) if _YEAR.fullmatch(year) else None


def _check_years(path: Path, files: Mapping[FileKind, OfficialFile]) -> None:
    by_year = {fiscal_year(file.release): file for file in files.values()}
    if len(by_year) > 1:
        listed = ", ".join(f"{file.path.name} ({year})" for year, file in sorted(by_year.items()))
        raise UserError(
            f"{path} holds files of different fiscal years: {listed}.",
            fix="leave only those of one release in the folder",
        )
