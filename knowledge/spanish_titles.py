"""Spanish titles of ICD-10, for learning which Spanish words mean which English ones.

They come with the package cie (MIT), which copied them from the Spanish edition of the WHO's
classification. No title is shipped with icd-agent: what is learned from them is a word list.
"""

import csv
import io
import zipfile
from collections.abc import Mapping
from functools import cache

from knowledge.data_packages import CIE_10

_ARCHIVE = "cie-10.zip"
_TABLE = "cie-10.csv"
_CODE_LENGTHS = range(3, 6)


@cache
def spanish_titles() -> Mapping[str, str]:
    """Return the Spanish title of each code of the WHO's ICD-10, dotted.

    Raises:
        UserError: The package that carries them is not installed.
    """
    with zipfile.ZipFile(CIE_10.file(_ARCHIVE)) as archive:
        rows = csv.DictReader(io.StringIO(archive.read(_TABLE).decode("utf-8")))
        titles: dict[str, str] = {}
        for row in rows:
            code = row["code"].replace(".", "")
            if len(code) in _CODE_LENGTHS and code.isalnum():
                titles.setdefault(_dotted(code), " ".join(row["description"].split()))
    return titles


def _dotted(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code
