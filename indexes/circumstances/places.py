"""Where an injury happened (Y92): a named place, else the room and the kind of dwelling."""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from indexes.circumstances.reading import Found, NoteReading
from knowledge.circumstance_cues import cue
from knowledge.note_text import Span

_cue = functools.partial(cue, "places")
# The 5th and 6th characters of Y92.0 and Y92.1: the dwelling, then the room in it.
_DWELLINGS = {
    "nursing_home": "Y92.12",
    "apartment": "Y92.03",
    "mobile_home": "Y92.02",
    "house": "Y92.01",
    "home": "Y92.00",
}
_HOUSE_ROOMS = {
    "kitchen": "0",
    "dining_room": "1",
    "bathroom": "2",
    "bedroom": "3",
    "driveway": "4",
    "garage": "5",
    "yard": "7",
    "other_room": "8",
    "": "9",
}
_ROOMS = {
    "nursing_home": {
        "kitchen": "0", "bathroom": "1", "bedroom": "2", "driveway": "3", "garage": "4",
        "yard": "6", "other_room": "8", "": "9",
    },
    "apartment": {"kitchen": "0", "bathroom": "1", "bedroom": "2", "other_room": "8", "": "9"},
    "mobile_home": _HOUSE_ROOMS,
    "house": _HOUSE_ROOMS,
    "home": {k: v for k, v in _HOUSE_ROOMS.items() if k not in ("driveway", "garage")},
}  # fmt: skip
_WITHOUT_ROOM = {"house": "at_house", "home": "at_home"}
_SAID_ANYWHERE = [name for name in _DWELLINGS if name != "home"]


def read_place(
    reading: NoteReading, near: Sequence[Span], found: Sequence[Found]
) -> Iterator[Found]:
    """Yield the place that stretches of a note name, one at most.

    Args:
        reading: The note.
        near: The stretches that tell how the injury came about.
        found: Codes by phrases, those of places among them.
    """
    named = [f for f in found if f.code.startswith("Y92") and any(a.contains(f.span) for a in near)]
    yield from named[:1] or _dwelling(reading.note.text, near)


def _dwelling(text: str, near: Sequence[Span]) -> Iterator[Found]:
    for area in near:
        room = _first(text, area, _HOUSE_ROOMS)
        dwelling = _first(text, area, _DWELLINGS) or _first(
            text, Span(0, len(text)), _SAID_ANYWHERE
        )
        stated = [_WITHOUT_ROOM.get(name, name) for name in _DWELLINGS]
        place = room or _first(text, area, stated)
        if place is None:
            continue
        kind = dwelling[0] if dwelling else "home"
        digit = _ROOMS[kind].get(room[0] if room else "")
        if digit:
            yield Found(_DWELLINGS[kind] + digit, place[1])
        return


def _first(text: str, area: Span, names: Iterable[str]) -> tuple[str, Span] | None:
    """Return the first of the named cues that stands in an area."""
    for name in filter(None, names):
        match: re.Match[str] | None = _cue(name).search(text, area.start, area.end)
        if match:
            return name, Span(*match.span())
    return None
