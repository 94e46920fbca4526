"""Weeks of gestation (Z3A) and supervision of a normal pregnancy (Z34), both by numbers."""

import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, NoteReading
from knowledge.note_text import Span

_PREGNANT = re.compile(
    r"\b(?:G\d+\s*P\d+|gravid\w*|pregnan\w+|prenatal|OB (?:visit|return|follow)|IUP|EDD|EDC|EGA|FHT|fetal|antepartum|in labor|labor and delivery|L&D)\b",
    re.I,
)
_NOT_THE_MOTHER = re.compile(
    r"\b(?:DOL|day of life|newborn|neonat\w+|infant|well[- ]child|born at|postpartum (?:visit|check|follow)|miscarriage|abortion|ectopic|"
    r"year[- ]old (?:male|man|boy))\b",
    re.I,
)
_THREATENED = re.compile(
    r"\bthreatened (?:miscarriage|abortion)|\bno ectopic|\bectopic (?:ruled out|excluded)", re.I
)
_DELIVERY = re.compile(
    r"\b(?:delivered|delivery|cesarean performed|live(?:born)? (?:male|female|infant))\b", re.I
)
_WEEKS = re.compile(
    r"\b(?P<weeks>[4-9]|[1-3]\d|4[0-4])\s*(?:"
    r"w(?:ee)?ks?\s*(?:and\s*)?\d\s*d(?:ays?)?|w\s*\d\s*d?|\+\s*\d(?:\s*w(?:ee)?ks?)?|\s*\d/7(?:\s*w(?:ee)?ks?)?|"
    r"(?:[- ]?w(?:ee)?ks?'?|w)\s*(?:gestation(?:al)?(?: age)?|pregnant|ega|ga\b|iup|by (?:lmp|us|ultrasound|dates))|"
    r"[- ]w(?:ee)?ks?\b(?=\s+(?:IUP|pregnan|gestation))|w\b(?=\s|,|\.))",
    re.I,
)
_AT_WEEKS = re.compile(
    r"\b(?:at|@|IUP at|IUP|EGA|GA)[: ]+(?P<weeks>[4-9]|[1-3]\d|4[0-4])\s*(?:weeks?|wks?|w)\b", re.I
)
_AHEAD = re.compile(
    r"(?:\b(?:at|until|after|before|by|dx|diagnosed|in|since|=|history|prior|delivered|screen|us|ultrasound|growth|scan|~)\s*)$",
    re.I,
)
_ROUTINE = re.compile(
    r"\b(?:routine prenatal|prenatal visit|ob (?:return )?visit|return ob|ob follow[- ]?up|rob\b|routine ob|new ob|initial prenatal)\b",
    re.I,
)
_HIGH_RISK = re.compile(
    r"\b(?:high[- ]risk|AMA\b|advanced maternal age|gestational diabetes|GDM|preeclampsia|hypertension|HTN|twins?|anemia|"
    r"prior (?:cesarean|c-section|ltcs|c/s|preterm)|previous cesarean|diabetes|smok\w+|placenta previa|hypothyroid\w*|IVF|obes\w+|"
    r"growth restriction|rh[- ]neg\w*|epilepsy|asthma|depress\w+|teen|bleeding|use disorder|cholestasis|breech|GBS bacteriuria|UTI|bacteriuria)\b",
    re.I,
)
_PARITY = re.compile(r"\bG\s*(?P<gravida>\d+)\s*P\s*(?P<para>\d)", re.I)
_FIRST = re.compile(r"\b(?:primigravid\w*|first pregnancy|nulliparous|primip)\b", re.I)


def read_pregnancy(reading: NoteReading) -> Iterator[Found]:
    """Yield the weeks of gestation of the encounter and the supervision of a normal pregnancy."""
    text = reading.note.text
    if not _PREGNANT.search(text) or _of_a_child(_THREATENED.sub("", text)):
        return
    weeks = _weeks(text)
    if weeks is None:
        return
    number, span = weeks
    yield Found(weeks_code(number), span)
    visit = _ROUTINE.search(text)
    if visit and not _HIGH_RISK.search(text):
        yield Found(supervision_code(number, first=_is_first(text)), Span(*visit.span()))


def weeks_code(weeks: int) -> str:
    """Return the code of completed weeks of gestation, 0 to 44."""
    if weeks < 8:
        return "Z3A.01"
    return f"Z3A.{weeks:02d}" if weeks <= 42 else "Z3A.49"


def supervision_code(weeks: int, *, first: bool | None) -> str:
    """Return the code of supervision of a normal pregnancy.

    Args:
        weeks: Completed weeks; trimesters end before 14 weeks 0 days and 28 weeks 0 days (I.C.15.a.3).
        first: Whether it is the first pregnancy; None where the note does not tell.
    """
    trimester = 1 if weeks < 14 else 2 if weeks < 28 else 3
    kind = {True: "0", False: "8", None: "9"}[first]
    return f"Z34.{kind}{trimester}"


def _of_a_child(text: str) -> bool:
    mother = _DELIVERY.search(text) and re.search(
        r"\b(?:G\d+\s*P\d+|admitted|presented) .{0,60}\b(?:labor|induction|cesarean|SROM|PROM)",
        text,
        re.I,
    )
    return _NOT_THE_MOTHER.search(text) is not None and not mother


def _weeks(text: str) -> tuple[int, Span] | None:
    for pattern in (_WEEKS, _AT_WEEKS):
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - 14) : match.start()]
            if (
                pattern is _WEEKS
                and _AHEAD.search(before)
                and not re.search(r"\bat\s*$", before, re.I)
            ):
                continue
            return int(match["weeks"]), Span(*match.span())
    return None


def _is_first(text: str) -> bool | None:
    parity = _PARITY.search(text)
    if parity:
        return int(parity["gravida"]) == 1
    return True if _FIRST.search(text) else None
