"""ICD-11 for Mortality and Morbidity Statistics, as far as a seed or the WHO's tables give it.

No package carries ICD-11. Its codes and titles here are those of the mappings that are at hand: a
small seed of our own, or the WHO's mapping tables that the user names. Whether a code is complete
can be told only within what they list.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Self

from knowledge.code_systems._tree import CodeTree
from knowledge.code_systems.base import Code
from knowledge.errors import UserError
from knowledge.icd11_seed import load_seed

# As in ICD-10-PCS there is no I and no O. The second character of a stem code is a letter and the
# third a digit; extension codes begin with X.
_ANY = "0-9A-HJ-NP-Z"
_STEM = re.compile(rf"([1-9A-HJ-NP-WYZ][A-HJ-NP-Z][0-9][{_ANY}])(?:\.?([{_ANY}]{{1,3}}))?")
_EXTENSION = re.compile(rf"X[A-HJ-NP-Z][{_ANY}]{{2,4}}(?:\.[{_ANY}]{{1,2}})?")
_JOINS = re.compile("([&/])")
# The first character counts the chapters; V (functioning) and X (extension codes) have no number.
_CHAPTERS = "123456789ABCDEFGHJKLMNPQRS"


class ICD11(CodeTree):
    """ICD-11 MMS, in part.

    Args:
        titles: Title by code.
        release: Where the titles are from, as there is no release in full.
    """

    name = "ICD-11 MMS"
    key = "icd11"

    def __init__(self, titles: Mapping[str, str], release: str) -> None:
        self.release = release
        super().__init__(_entries(titles), ())

    @classmethod
    def load(cls) -> Self:
        """Read the codes of the seed."""
        return cls({row.icd11: row.title for row in load_seed()}, "seed")

    def get(self, code: str) -> Code:
        """Return a code.

        Raises:
            UserError: The lists at hand do not have it; it may exist all the same.
        """
        if code not in self:
            raise UserError(
                f"{code!r} is not among the {self.name} codes at hand ({self.release}); "
                "the whole of ICD-11 is in no package.",
                fix=f"icd-agent show {code} --system {self.key} --tables FOLDER, where the folder "
                "holds the WHO's mapping tables; or look it up at icd.who.int.",
            )
        return super().get(code)

    def normalise(self, raw: str) -> str:
        """Bring a code, or a cluster of codes, into official form.

        Args:
            raw: For example ``ba00z``, ``BA00.Z``, or a cluster: ``2C25.Z&XA8HQ6`` joins a stem
                code and an extension code, ``A/B`` two stem codes.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        pieces = _JOINS.split("".join(raw.upper().split()))
        codes = [_official(piece) for piece in pieces[::2]]
        whole = [code for code in codes if code]
        if len(whole) < len(codes) or (_EXTENSION.fullmatch(whole[0]) and len(whole) > 1):
            raise UserError(
                f"{raw!r} is not shaped like an {self.name} code: four characters, the second a "
                "letter and the third a digit, a dot and up to three more, as in 5A11 or BA00.Z; "
                "& and / join codes to a cluster that begins with a stem code."
            )
        pieces[::2] = whole
        return "".join(pieces)


def _official(piece: str) -> str | None:
    if _EXTENSION.fullmatch(piece):
        return piece
    match = _STEM.fullmatch(piece)
    if match is None:
        return None
    category, rest = match.groups()
    return f"{category}.{rest}" if rest else str(category)


def _entries(titles: Mapping[str, str]) -> Iterator[Code]:
    parents: dict[str, str | None] = {}
    for code in sorted(titles):
        beginnings = (code[:end].rstrip(".") for end in range(len(code) - 1, 3, -1))
        parents[code] = next((start for start in beginnings if start in titles), None)
    above = frozenset(parents.values())
    for code, parent in parents.items():
        yield Code(
            code=code,
            title=titles[code],
            billable=code not in above,
            parent=parent,
            chapter=str(_CHAPTERS.index(code[0]) + 1) if code[0] in _CHAPTERS else code[0],
        )
