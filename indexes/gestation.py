"""Pregnancy and newborns: whose note it is, the completed weeks, the trimester (I.C.15.a.3)."""

import re
from typing import Literal, NamedTuple

from knowledge.life_stages import LifeStage
from knowledge.note_text import Note

Part = Literal["pregnancy", "childbirth", "puerperium"]

_WEEKS = re.compile(
    r"(?<![\d.-])(?P<weeks>\d{1,2})(?:"
    r"\s?(?:w|wk|wks|weeks?)\s?(?:and )?\d\s?(?:d|days?)?\b(?! (?:US|ultrasound|ago))"
    r"|\s?(?:\+\s?[0-6]|[0-6]/7)\s?(?:w|wks?|weeks?)?\b"
    r"|[\s-]?(?:w|wks?|weeks?)[\s-]?(?:of )?"
    r"(?:gestation(?:al)?|GA|pregnan\w+|IUP|intrauterine|EGA)\b"
    r")"
    r"|\b(?:EGA|GA|IUP|gestational age|gestation|pregnan\w+|gravid|gravida|G\dP\d+)\b"
    r"[^.;\n\d]{0,25}?(?P<after>\d{1,2})[\s-]?(?:w|wks?|weeks?)\b"
    r"(?![\s-]?(?:US|ultrasound|ago|postpartum|scan))",
    re.I,
)
_POSSIBLE_WEEKS = range(4, 44)
_PREGNANT = re.compile(
    r"(?<!not )(?<!never )(?<!previous )(?<!prior )\bpregnant\b(?! test)"
    r"|\bIUP\b|\bintrauterine pregnancy\b"
    r"|\b(?:anemia|diabetes|hypertension|cystitis|UTI|infection|nausea) (?:of|in) pregnancy\b",
    re.I,
)
_DELIVERED = re.compile(
    r"\b(?:NSVD|SVD|(?:spontaneous |assisted |normal )?vaginal delivery|delivered|delivery) "
    r"(?:of )?"
    r"(?:by |via )?(?:an? )?(?:live|viable|liveborn|healthy|male|female|infant|baby|term)\b"
    r"|\bApgars?\b|\bplacenta (?:was )?(?:delivered|spontaneous)\b"
    r"|\b(?:underwent|had|by) (?:an? )?(?:\w+ ){0,4}cesarean (?:section|delivery)\b",
    re.I,
)
_PUERPERAL = re.compile(r"\bpostpartum\b|\bpuerper(?:al|ium)\b|\bPPD\s?#?\d\b", re.I)
_NEWBORN = re.compile(
    r"\b(?:newborns?|neonat(?:e|al)|NICU|DOL|days? of life|baby (?:boy|girl)|infant (?:boy|girl)"
    r"|\d{1,2}[- ](?:day|hour)s?[- ]old)\b",
    re.I,
)
_OPENING = 160  # characters at the beginning of a note, which tell whose it is
_SECOND, _THIRD = 14, 28  # completed weeks at which a trimester begins (tabular list, chapter 15)
_ORDINALS = ("first", "second", "third")


class Gestation(NamedTuple):
    """What a note says of a pregnancy, or of its patient's birth.

    Attributes:
        stage: Whether the patient is pregnant or a newborn; None for everyone else.
        weeks: Completed weeks of a pregnancy, where they are stated.
        part: How far the pregnancy is, by the end of the encounter.
    """

    stage: LifeStage | None = None
    weeks: int | None = None
    part: Part = "pregnancy"

    @property
    def words(self) -> frozenset[str]:
        """Words with which titles of chapter 15 name the part or the trimester."""
        if self.stage != "pregnancy":
            return frozenset()
        if self.part != "pregnancy" or self.weeks is None:
            return frozenset({self.part})
        number = (self.weeks >= _SECOND) + (self.weeks >= _THIRD)
        return frozenset({self.part, "trimester", _ORDINALS[number]})


def read_gestation(note: Note) -> Gestation:
    """Return what a note says of a pregnancy or a birth."""
    text = note.text
    newborn = _NEWBORN.search(text, 0, min(len(text), _OPENING))
    if newborn and not re.search(r"\bG\dP\d", text[: newborn.start()]):
        return Gestation("newborn")
    stated = next((m for m in _WEEKS.finditer(text) if _weeks(m) in _POSSIBLE_WEEKS), None)
    puerperal = _PUERPERAL.search(text)
    delivered = _DELIVERED.search(text)
    if stated is None and not (puerperal or _PREGNANT.search(text)):
        return Gestation()
    part: Part = "pregnancy"
    if delivered and (stated or puerperal):
        part = "childbirth"
    elif puerperal and stated is None:
        part = "puerperium"
    if stated is None:
        return Gestation("pregnancy", part=part)
    return Gestation("pregnancy", _weeks(stated), part)


def _weeks(match: re.Match[str]) -> int:
    return int(match["weeks"] or match["after"])
