"""The releases of ICD-10-CM that a user has at hand, and the way to load one.

A folder is either one of official files with a tabular list, or one that
``icd-agent index build --cdc DIR --out OUT`` wrote: OUT keeps the tabular list it was built for.
"""

import datetime
import gzip
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from knowledge.code_systems import ICD10CM, get_code_system
from knowledge.code_systems._tabular import decode_table, encode_table, load_table_of
from knowledge.code_systems.icd9cm import ICD9CM
from knowledge.errors import UserError
from knowledge.official.folder import EXPECTED, OfficialFolder, find_official_files
from knowledge.releases import Release, release_of

ADOPTED_TABULAR = "tabular.json.gz"
_INDEX_MANIFEST = "manifest.json"


def icd10cm_of(folder: Path | None) -> ICD10CM:
    """Return the ICD-10-CM release of a folder, the installed one where it has none of its own.

    Args:
        folder: A folder of search indexes or of official files; None for the installed release.

    Raises:
        UserError: The folder is neither, or its tabular list is damaged.
    """
    return get_code_system() if folder is None else _load(folder.resolve())


def release_of_files(folder: OfficialFolder) -> ICD10CM | None:
    """Return the release whose tabular list is among official files, None without one.

    Raises:
        UserError: The tabular list is damaged.
    """
    source = folder.tabular_source()
    return ICD10CM(load_table_of(source)) if source else None


def write_adopted(path: Path, system: ICD10CM) -> None:
    """Write the tabular list of a release; the same release gives the same bytes."""
    path.write_bytes(gzip.compress(encode_table(system.table), compresslevel=6, mtime=0))


def releases_at_hand(folders: Iterable[Path] = ()) -> tuple[Release, ...]:
    """Return the installed releases and those of folders, earliest first.

    Args:
        folders: As in `icd10cm_of`.
    """
    systems = [icd10cm_of(None), *map(icd10cm_of, folders)]
    starts = sorted({system.release for system in systems} | {ICD9CM.release})
    return tuple(release_of(datetime.date.fromisoformat(start)) for start in starts)


@lru_cache(maxsize=4)
def _load(folder: Path) -> ICD10CM:
    adopted = folder / ADOPTED_TABULAR
    if adopted.is_file():
        try:
            return ICD10CM(decode_table(gzip.decompress(adopted.read_bytes())))
        except (OSError, EOFError, ValueError) as error:
            raise UserError(
                f"{adopted} is damaged.", fix=f"icd-agent index build --cdc DIR --out {folder}"
            ) from error
    if (folder / _INDEX_MANIFEST).is_file():
        return get_code_system()
    system = release_of_files(find_official_files(folder))
    if system is None:
        raise UserError(
            f"{folder} holds no tabular list, which is the release itself.",
            fix=f"put icd10cm-tabular-YYYY-MM-DD.xml beside the others ({EXPECTED})",
        )
    return system
