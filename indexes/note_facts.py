"""What a whole note says that makes single codes more specific: sides, episodes, the patient."""

import re
from functools import cached_property
from typing import Final

from indexes.episodes import EpisodeReader
from indexes.surroundings import SideReader, Surroundings, attributes, has_site
from knowledge.note_text import Note, Span

_FEMALE = re.compile(
    r"\b(?:female|woman|women|lady|girl|she|her|mother|pregnant|wife)\b|\b\d{1,3}\s?(?:yo|y/o|yr)?\s?F\b"
)
_MALE = re.compile(
    r"\b(?:male|man|gentleman|boy|he|his|husband)\b|\b\d{1,3}\s?(?:yo|y/o|yr)?\s?M\b"
)
# What has a site is localized, as titles put it.
_LOCAL = frozenset({"local"})
_REACH: Final = 40  # characters around a mention within which a stage belongs to it


class NoteFacts:
    """Facts of one note, each read when first asked for.

    Args:
        note: The note.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._sides = SideReader(note)
        self._episodes = EpisodeReader(note)

    def around(self, span: Span, near: frozenset[str], wording: frozenset[str]) -> Surroundings:
        """Return what supports a more specific code of a mention.

        Args:
            span: The mention.
            near: Stems near it.
            wording: Stems of its term and code.
        """
        return Surroundings(
            near=near | _LOCAL if has_site(near) else near,
            attributes=attributes(self._vicinity(span)),
            side=self._sides.of(span, wording | near),
            patient=self._patient,
            episode=self._episodes.of(span),
        )

    def _vicinity(self, span: Span) -> str:
        """Return the text around a mention within its line."""
        text = self._note.text
        start = max(text.rfind("\n", 0, span.start) + 1, span.start - _REACH)
        end = text.find("\n", span.end)
        return text[start : min(len(text) if end < 0 else end, span.end + _REACH)]

    @cached_property
    def _patient(self) -> frozenset[str]:
        female, male = _FEMALE.search(self._note.text), _MALE.search(self._note.text)
        if female and (male is None or female.start() < male.start()):
            return frozenset({"femal"})
        return frozenset({"male"}) if male else frozenset()
