"""Weeks of gestation (Z3A) and supervision of a normal pregnancy (Z34), both by numbers."""

import functools
import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, NoteReading
from knowledge.circumstance_cues import cue
from knowledge.note_text import Span

_cue = functools.partial(cue, "pregnancy")
_NUMBER = r"\b(?P<weeks>[4-9]|[1-3]\d|4[0-4])"
_WEEKS = re.compile(
    rf"{_NUMBER}(?:\s+\d/7\b|\s*(?:"
    r"w(?:ee)?ks?\s*(?:and\s*)?\d\s*d(?:ays?)?|w\s*\d\s*d?|"
    r"\+\s*\d(?:\s*w(?:ee)?ks?)?|"
    r"(?:[- ]?w(?:ee)?ks?'?|w)\s*(?:gestation(?:al)?(?: age)?|pregnant|ega|ga\b|iup|"
    r"by (?:lmp|us|ultrasound|dates))|"
    r"[- ]w(?:ee)?ks?\b(?=\s+(?:IUP|pregnan|gestation))|w\b(?=\s|,|\.)))",
    re.I,
)
_AT_WEEKS = re.compile(
    r"\b(?:at|@|IUP at|IUP|EGA|GA)[: ]+(?P<weeks>[4-9]|[1-3]\d|4[0-4])\s*(?:weeks?|wks?|w)\b", re.I
)
_PARITY = re.compile(r"\bG\s*(?P<gravida>\d+)\s*P\s*(?P<para>\d)", re.I)


def read_pregnancy(reading: NoteReading) -> Iterator[Found]:
    """Yield the weeks of gestation of the encounter and the supervision of a normal pregnancy."""
    text = reading.note.text
    if not _cue("pregnant").search(_cue("not_pregnant").sub("", text)):
        return
    if _of_a_child(_cue("threatened").sub("", text)):
        return
    weeks = _weeks(text)
    if weeks is None:
        return
    number, span = weeks
    yield Found(weeks_code(number), span)
    visit = _cue("routine").search(text)
    if visit and not _cue("high_risk").search(text):
        yield Found(supervision_code(number, first=_is_first(text)), Span(*visit.span()))


def weeks_code(weeks: int) -> str:
    """Return the code of completed weeks of gestation, 0 to 44."""
    if weeks < 8:
        return "Z3A.01"
    return f"Z3A.{weeks:02d}" if weeks <= 42 else "Z3A.49"


def supervision_code(weeks: int, *, first: bool | None) -> str:
    """Return the code of supervision of a normal pregnancy.

    Args:
        weeks: Completed weeks; the 2nd trimester begins with 14, the 3rd with 28 (I.C.15.a.3).
        first: Whether it is the first pregnancy; None where the note does not tell.
    """
    trimester = 1 if weeks < 14 else 2 if weeks < 28 else 3
    kind = {True: "0", False: "8", None: "9"}[first]
    return f"Z34.{kind}{trimester}"


def _of_a_child(text: str) -> bool:
    mother = _cue("delivery").search(text) and re.search(
        r"\b(?:G\d+\s*P\d+|admitted|presented) .{0,60}\b(?:labor|induction|cesarean|SROM|PROM)",
        text,
        re.I,
    )
    return _cue("not_the_mother").search(text) is not None and not mother


def _weeks(text: str) -> tuple[int, Span] | None:
    for pattern in (_WEEKS, _AT_WEEKS):
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - 14) : match.start()]
            if (
                pattern is _WEEKS
                and _cue("ahead").search(before)
                and not re.search(r"\bat\s*$", before, re.I)
            ):
                continue
            return int(match["weeks"]), Span(*match.span())
    return None


def _is_first(text: str) -> bool | None:
    parity = _PARITY.search(text)
    if parity:
        return int(parity["gravida"]) == 1
    return True if _cue("first").search(text) else None
