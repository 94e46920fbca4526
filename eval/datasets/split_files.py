"""Published splits: files that say which admission is in which part.

Two forms are read. A list has one id a line, with or without a header, and its file name says the
part (Mullenbach et al. 2018: ``train_full_hadm_ids.csv``, ``dev_50_hadm_ids.csv``; MDACE:
``MDace-code-ev-val.csv``). A table has a column of ids (``_id``, ``hadm_id`` or ``id``) and one of
parts (``split`` or ``splits``), as Edin et al. 2023 publish ``mimiciii_clean_splits.feather``; CSV
and Parquet are read as they are, Feather by pyarrow where it is installed.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.datasets.csv_table import literal
from knowledge.errors import UserError

# Names that publications use, and ours.
PARTS = {"train": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev"} | {
    "test": "test"
}
_ID_COLUMNS = ("_id", "hadm_id", "id")
_PART_COLUMNS = ("split", "splits")
_WORD = re.compile(r"[^\W_]+")
_FORM_FIX = (
    "give lists with one hadm_id a line, named for their part (train_full_hadm_ids.csv), or a "
    "table with the columns hadm_id and split (.csv, .parquet, .feather)."
)


class _Placed(NamedTuple):
    admission: str
    part: str


def read_split_files(paths: Sequence[Path]) -> dict[str, str]:
    """Return the part ("train", "dev", "test") of each admission.

    Raises:
        UserError: A file cannot be read or has another form, or an admission is in two parts.
    """
    parts: dict[str, str] = {}
    for path in paths:
        for admission, part in _read(path):
            if parts.setdefault(admission, part) != part:
                raise UserError(
                    f"{path}: admission {admission} is in {part} and in {parts[admission]}.",
                    fix="give each admission one part.",
                )
    return parts


def _read(path: Path) -> Iterator[_Placed]:
    if not path.is_file():
        raise UserError(
            f"--split {path}: no such file.",
            fix="give files, or one of the words chronological and random.",
        )
    if path.suffix == ".feather":
        return _from_table(path, _feather(path))
    if path.suffix == ".parquet":
        return _from_table(path, _parquet(path))
    return _from_text(path)


def _from_text(path: Path) -> Iterator[_Placed]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [fields for fields in csv.reader(stream) if any(map(str.strip, fields))]
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8.", fix=_FORM_FIX) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    if not lines:
        raise UserError(f"{path} holds no ids.", fix=_FORM_FIX)
    header = [name.strip().casefold() for name in lines[0]]
    if not set(header).intersection(_ID_COLUMNS):
        part = part_of_name(path)
        return (_Placed(_admission(path, fields[0]), part) for fields in lines)
    columns = {name: [fields[at] for fields in lines[1:]] for at, name in enumerate(header)}
    if set(header).intersection(_PART_COLUMNS):
        return _from_table(path, columns)
    part = part_of_name(path)
    return (_Placed(_admission(path, value), part) for value in columns[_id_column(path, columns)])


def part_of_name(path: Path) -> str:
    """Return the part that the name of a list says.

    Raises:
        UserError: It names none, or two.
    """
    words = {PARTS[word] for word in _WORD.findall(path.stem.casefold()) if word in PARTS}
    if len(words) != 1:
        raise UserError(
            f"{path}: the name of a list must have one of the words {', '.join(PARTS)} in it.",
            fix=_FORM_FIX,
        )
    return words.pop()


def _from_table(path: Path, columns: Mapping[str, Iterable[object]]) -> Iterator[_Placed]:
    by_name = {name.casefold(): values for name, values in columns.items()}
    ids = by_name[_id_column(path, by_name)]
    parts = next((by_name[name] for name in _PART_COLUMNS if name in by_name), None)
    if parts is None:
        raise UserError(
            f"{path} has no column {' or '.join(_PART_COLUMNS)}; found: {', '.join(columns)}.",
            fix=_FORM_FIX,
        )
    for value, name in zip(ids, parts, strict=True):
        if str(name).casefold() not in PARTS:
            raise UserError(
                f'{path}: "{name}" is no part; allowed: {", ".join(PARTS)}.', fix=_FORM_FIX
            )
        yield _Placed(_admission(path, str(value)), PARTS[str(name).casefold()])


def _id_column(path: Path, columns: Mapping[str, object]) -> str:
    found = next((name for name in _ID_COLUMNS if name in columns), None)
    if found is None:
        raise UserError(
            f"{path} has no column {', '.join(_ID_COLUMNS)}; found: {', '.join(columns)}.",
            fix=_FORM_FIX,
        )
    return found


def _admission(path: Path, value: str) -> str:
    # A column that once had gaps is written as 100001.0.
    admission = value.strip().removesuffix(".0")
    if not admission.isdecimal():
        raise UserError(f'{path}: "{value[:40]}" is no hadm_id.', fix=_FORM_FIX)
    return admission


def _parquet(path: Path) -> dict[str, list[object]]:
    import duckdb

    try:
        found = duckdb.connect().execute(f"SELECT * FROM read_parquet({literal(str(path))})")
        names = [column[0] for column in found.description or ()]
        return dict(zip(names, map(list, zip(*found.fetchall(), strict=True)), strict=True))
    except (duckdb.Error, ValueError) as error:
        raise UserError(
            f"{path} cannot be read ({str(error).splitlines()[0]}).", fix=_FORM_FIX
        ) from None


def _feather(path: Path) -> dict[str, list[object]]:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.feather import read_table
    except ModuleNotFoundError:
        raise UserError(
            f"{path}: Feather needs pyarrow, which is not installed.",
            fix="pip install pyarrow, or save the file as CSV.",
        ) from None
    try:
        columns: dict[str, list[object]] = read_table(path).to_pydict()
    except ArrowInvalid as error:
        raise UserError(f"{path} cannot be read ({error}).", fix=_FORM_FIX) from None
    return columns
