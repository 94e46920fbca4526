"""External causes of an injury, with place, activity and status of the patient (I.C.20)."""

import re
from collections.abc import Iterator, Sequence

from indexes.circumstances.episode import is_long_past, seventh_character, with_seventh
from indexes.circumstances.poisoning import is_poisoned
from indexes.circumstances.phrase_rules import read_rules
from indexes.circumstances.reading import Found, NoteReading
from indexes.circumstances.transport import read_crashes
from knowledge.circumstances import load_circumstances
from knowledge.note_text import Span

_INJURY = re.compile(
    r"\b(?:fractur\w*|fx|lacerat\w*|sprain\w*|strain\w*|contusion\w*|abrasion\w*|burns?|burned|scald\w*|wound\w*|"
    r"dislocat\w*|concussion|hematoma|injur\w+|trauma\w*|bite|bites|stab\w*|amputat\w*|avulsion|rupture\w*|"
    r"hemorrhage|foreign body|crush\w*|puncture\w*|tear|torn|poison\w*|overdose\w*|ingest\w+|frostbite|"
    r"hypothermia|heat ?stroke|sting|blister\w*|subdural|subluxation|ecchymos\w+|gsw|gunshot|drowning|exposure)\b",
    re.I,
)
_DETAILS = ("Y92", "Y93")
_WITHOUT_SEVENTH = ("Y09",)
# Who tells less gives way to who tells more of the same fall.
_VAGUE = ("W19", "W18.30", "W18.39")
_FALLS = ("W0", "W1", "V00", "V80", "V18", "V28", "V1", "V86")
_TRIPPING = ("W01.0",)
_TELLING = (
    "W00",
    "W01.1",
    "W06",
    "W07",
    "W08",
    "W10",
    "W11",
    "W12",
    "W13",
    "W14",
    "W17",
    "W18.1",
    "W18.2",
    "V00",
    "V18",
)
_TAKEN = re.compile(
    r"\b(?:found|took|taken|ingest\w+|overdos\w+|swallow\w+|snort\w+|inject\w+|unresponsive)\b",
    re.I,
)
_NEAR = 260  # characters around a cause in which place and activity belong to it
_AT_WORK = re.compile(
    r"\b(?:at work|on the job|while (?:at work|working|on duty)|work[- ]related|workers?'? comp(?:ensation)?|"
    r"works? as an? \w+ and|at (?:his|her) job|on shift|job ?site|occupational injury)\b",
    re.I,
)
_NOT_AT_WORK = re.compile(
    r"\b(?:not|non)[- ](?:at work|work[- ]related)|return to work|off work|missed work", re.I
)
_ROOMS = (
    ("kitchen", re.compile(r"\bkitchen\b", re.I)),
    ("bathroom", re.compile(r"\b(?:bathroom|bathtub|shower|toilet|tub)\b", re.I)),
    ("bedroom", re.compile(r"\b(?:bedroom|(?:out of|from|off) (?:the |his |her )?bed)\b", re.I)),
    ("dining room", re.compile(r"\bdining room\b", re.I)),
    ("driveway", re.compile(r"\bdriveway\b", re.I)),
    ("garage", re.compile(r"\b(?<!parking )garage\b", re.I)),
    ("yard", re.compile(r"\b(?:yard|backyard|garden|lawn)\b", re.I)),
    ("other", re.compile(r"\b(?:living room|basement|stairs at home|hallway|porch|deck|laundry room|attic|den)\b", re.I)),
)  # fmt: skip
_DWELLINGS = (
    ("nursing home", re.compile(r"\b(?:nursing home|snf|skilled nursing|assisted living|long-term care facility|memory care)\b", re.I)),
    ("apartment", re.compile(r"\b(?:apartment|condo|condominium)\b", re.I)),
    ("mobile home", re.compile(r"\b(?:mobile home|trailer home)\b", re.I)),
    ("house", re.compile(r"\b(?:single[- ]family|house|townhouse)\b(?! fire)", re.I)),
    ("home", re.compile(r"\b(?:at home|in (?:the|his|her|their|my) home|home)\b", re.I)),
)  # fmt: skip
_ROOM_DIGITS = {
    "home": {"kitchen": "0", "dining room": "1", "bathroom": "2", "bedroom": "3", "yard": "7", "other": "8", "": "9"},
    "house": {"kitchen": "0", "dining room": "1", "bathroom": "2", "bedroom": "3", "driveway": "4", "garage": "5", "yard": "7", "other": "8", "": "9"},
    "mobile home": {"kitchen": "0", "dining room": "1", "bathroom": "2", "bedroom": "3", "driveway": "4", "garage": "5", "yard": "7", "other": "8", "": "9"},
    "apartment": {"kitchen": "0", "bathroom": "1", "bedroom": "2", "other": "8", "": "9"},
    "nursing home": {"kitchen": "0", "bathroom": "1", "bedroom": "2", "yard": "6", "other": "8", "": "9"},
}  # fmt: skip
_DWELLING_STEMS = {"home": "Y92.00", "house": "Y92.01", "mobile home": "Y92.02", "apartment": "Y92.03", "nursing home": "Y92.12"}  # fmt: skip


def read_causes(reading: NoteReading) -> Iterator[Found]:
    """Yield causes with the episode of the injury; of its first encounter place and activity too."""
    if not _INJURY.search(reading.note.text):
        return
    found = list(read_rules(reading, load_circumstances("external_causes")))
    crashes = [Found(crash.code, crash.span) for crash in read_crashes(reading)]
    causes = _telling([f for f in found if not f.code.startswith(_DETAILS)] + crashes)
    if not causes and is_poisoned(reading):
        # Of a poisoning the place alone is told (I.C.20.b-c), where the patient was found.
        yield from _places(reading, _found_at(reading), found)
    if not causes:
        return
    character = seventh_character(reading)
    for code, span in causes:
        sentence = reading.note.sentence_at(span.start)
        past = sentence is not None and is_long_past(reading.note.slice(sentence.span))
        filled = with_seventh(code, "S" if past else character)
        yield Found(code if code in _WITHOUT_SEVENTH else filled, span)
    if character == "A":
        details = [f for f in found if f.code.startswith(_DETAILS)]
        yield from _details(reading, [span for _, span in causes], details)


def _telling(causes: Sequence[Found]) -> list[Found]:
    """Drop what tells less of a fall than another cause does."""
    codes = {code for code, _ in causes}
    exact = any(c.startswith(_FALLS) and c not in _VAGUE for c in codes) or any(
        c[0] == "V" for c in codes
    )
    kept = [f for f in causes if not (exact and f.code in _VAGUE)]
    if any(f.code == "W18.30" for f in kept):
        kept = [f for f in kept if f.code != "W19"]
    if any(f.code.startswith(_TELLING) for f in kept):
        kept = [f for f in kept if f.code not in _TRIPPING]
    return kept


def _details(
    reading: NoteReading, causes: Sequence[Span], details: Sequence[Found]
) -> Iterator[Found]:
    near = [
        Span(max(0, s.start - _NEAR), min(len(reading.note.text), s.end + _NEAR)) for s in causes
    ]
    close = [f for f in details if any(area.contains(f.span) for area in near)]
    yield from (f for f in close if f.code.startswith("Y93"))
    yield from _places(reading, near, close)
    for area in near:
        work = _AT_WORK.search(reading.note.text, area.start, area.end)
        if work and not _NOT_AT_WORK.search(reading.note.text, area.start, area.end):
            yield Found("Y99.0", Span(*work.span()))
            return


def _places(reading: NoteReading, near: Sequence[Span], found: Sequence[Found]) -> Iterator[Found]:
    """Yield the place that the areas name: one of a kind, else a room or a dwelling."""
    places = [
        f for f in found if f.code.startswith("Y92") and any(a.contains(f.span) for a in near)
    ]
    yield from places[:1] or _dwelling(reading, near)


def _found_at(reading: NoteReading) -> list[Span]:
    """Return the sentences that tell how a poisoned patient was found or what was taken."""
    return [
        s.span
        for s in reading.sentences
        if s.kind not in ("plan", "disposition", "past_history", "medications")
        and _TAKEN.search(s.text)
    ]


def _dwelling(reading: NoteReading, near: Sequence[Span]) -> Iterator[Found]:
    """Yield the place in a dwelling: the room near the cause, the kind of dwelling in the story."""
    text = reading.note.text
    for area in near:
        room = _first(text, area, _ROOMS)
        dwelling = _first(text, area, _DWELLINGS) or _first(
            text, Span(0, len(text)), _DWELLINGS[:-1]
        )
        if room is None and dwelling is None:
            continue
        kind = dwelling[0] if dwelling else "home"
        digits = _ROOM_DIGITS[kind]
        name = room[0] if room else ""
        place = room or dwelling
        if place and name in digits:
            yield Found(_DWELLING_STEMS[kind] + digits[name], place[1])
        return


def _first(
    text: str, area: Span, patterns: Sequence[tuple[str, re.Pattern[str]]]
) -> tuple[str, Span] | None:
    for name, pattern in patterns:
        match = pattern.search(text, area.start, area.end)
        if match:
            return name, Span(*match.span())
    return None
