"""Road traffic: who was injured against what, and the code that both give (V43-V49, V89)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexes.circumstances.reading import NoteReading
from knowledge.note_text import SectionKind, Span

_BARRED: frozenset[SectionKind] = frozenset(
    {"family_history", "past_history", "plan", "disposition", "social_history"}
)
_CRASH = re.compile(
    r"\b(?:mvc|mva|motor[- ]vehicle (?:collision|accident|crash)|(?:car|auto|automobile) (?:accident|crash|"
    r"wreck|collision)|rear-?ended|t-?boned|head-on collision|rollover(?: (?:mvc|accident|crash))?|"
    r"(?:car|vehicle|suv|truck) (?:was )?(?:hit|struck|collided|crashed)|crashed (?:his|her|the|into))\b",
    re.I,
)
_NOT_OCCUPANT = re.compile(
    r"\b(?:pedestrian|cyclist|bicycl\w+|bike|motorcycl\w+|atv|scooter)\b", re.I
)
_DRIVER = re.compile(
    r"\b(?:driver|driving|(?:he|she) drove|was rear-?ended while (?:stopped|driving))\b", re.I
)
_PASSENGER = re.compile(r"\b(?:passenger|backseat|back seat|rear seat|riding in)\b", re.I)
_OTHER_DRIVER = re.compile(
    r"\b(?:other|another|drunk|at-fault) driver\b|\bdriver (?:of|in) the other\b", re.I
)
# Counterpart, from the most telling; the role takes the place of the "*".
_COUNTERPARTS = (
    (re.compile(r"\b(?:semi|semi-?truck|tractor[- ]trailer|18-wheeler|dump truck|bus|box truck)\b", re.I), "V44.*"),
    (re.compile(r"\b(?:into|hit|struck|vs\.?|against|with) (?:a |an |the )?(?:\w+ )?(?:tree|pole|guardrail|guard rail|wall|"
                r"barrier|median|utility pole|telephone pole|light pole|ditch|fence|building)\b", re.I), "V47.*"),
    (re.compile(r"\b(?:by|with|into|another|an?) (?:\w+ )?(?:suv|sport utility)\b", re.I), "V43.*1"),
    (re.compile(r"\b(?:by|with|into|another|an?) (?:\w+ )?pick-?up\b", re.I), "V43.*3"),
    (re.compile(r"\b(?:by|with|into|another) (?:an? )?(?:\w+ )?(?:mini)?van\b", re.I), "V43.*4"),
    (re.compile(r"\b(?:by|with|into) (?:an? )?(?:another |other |oncoming |second )?(?:car|sedan)\b|\banother car\b", re.I), "V43.*2"),
    (re.compile(r"\broll(?:ed)?[ -]?over\b", re.I), "V48.*"),
)  # fmt: skip
_ROLES = {"driver": "5", "passenger": "6", "": "9"}
_UNKNOWN_COUNTERPART = {"driver": "V49.40", "passenger": "V49.50", "": "V89.2"}


class Crash(NamedTuple):
    """A crash with its code, without the 7th character."""

    code: str
    span: Span


def read_crashes(reading: NoteReading) -> Iterator[Crash]:
    """Yield the first road traffic accident of a car occupant that the note tells."""
    for sentence in reading.sentences:
        if sentence.kind in _BARRED or _NOT_OCCUPANT.search(sentence.text):
            continue
        crash = _CRASH.search(sentence.text)
        if crash is None:
            continue
        span = Span(sentence.span.start + crash.start(), sentence.span.start + crash.end())
        if reading.assertion(span) not in ("present", "historical"):
            continue
        # Who and what often stand in the next sentence.
        story = reading.note.text[max(0, sentence.span.start - 100) : sentence.span.end + 200]
        yield Crash(crash_code(story), span)
        return


def crash_code(story: str) -> str:
    """Return the code of a car occupant's traffic accident from its story."""
    role = _role(story)
    for pattern, template in _COUNTERPARTS:
        if pattern.search(story):
            return template.replace("*", _ROLES[role])
    return _UNKNOWN_COUNTERPART[role]


def _role(story: str) -> str:
    own = _OTHER_DRIVER.sub("", story)
    if _PASSENGER.search(own) and not re.search(r"\bpassenger side\b", own, re.I):
        return "passenger"
    return "driver" if _DRIVER.search(own) else ""
