"""What a whole note says that makes single codes more specific: sides, episodes, the patient."""

import re
from functools import cached_property, lru_cache

from indexes.episodes import EpisodeReader
from indexes.gestation import Gestation, read_gestation
from indexes.surroundings import Side, SideReader, Surroundings, attributes, has_site
from indexes.tokens import text_stems
from knowledge.note_text import Note, Span

_FEMALE = re.compile(
    r"\b(?:female|woman|women|lady|girl|she|her|mother|pregnant|wife)\b"
    r"|\b\d{1,3}\s?(?:yo|y/o|yr)?\s?F\b"
)
_MALE = re.compile(
    r"\b(?:male|man|gentleman|boy|he|his|husband)\b|\b\d{1,3}\s?(?:yo|y/o|yr)?\s?M\b"
)
_MAN = re.compile(
    r"\b(?:man|gentleman|boy)\b|\b\d{1,3}[- ]?(?:year[- ]old|yo|y/o|yr)?[- ]*(?:male|M)\b"
)
_LEFT_HANDED = re.compile(r"\b(?:left[- ]hand(?:ed| dominan\w+)|LHD)\b", re.I)
_RIGHT_HANDED = re.compile(r"\b(?:right[- ]hand(?:ed| dominan\w+)|RHD)\b", re.I)
_REACH = 40  # characters around a mention within which a stage belongs to it


class NoteFacts:
    """Facts of one note, each read when first asked for.

    Args:
        note: The note.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._sides = SideReader(note)
        self._episodes = EpisodeReader(note)

    @cached_property
    def gestation(self) -> Gestation:
        """The pregnancy, or that the patient is a newborn."""
        found = read_gestation(self._note)
        return Gestation() if found.stage == "pregnancy" and self._is_man else found

    def around(
        self, span: Span, near: frozenset[str], absent: frozenset[str], wording: frozenset[str]
    ) -> Surroundings:
        """Return what supports a more specific code of a mention.

        Args:
            span: The mention.
            near: Stems near it.
            absent: Stems near it that are ruled out.
            wording: Stems of its term and code.
        """
        side = self._sides.of(span, wording | near)
        patient = self._sex | self._dominance(side) | _stems(self.gestation.words)
        return Surroundings(
            near=near,
            absent=absent,
            attributes=attributes(self._vicinity(span)),
            side=side,
            # What has a site is localized, as titles put it.
            patient=patient | _stems(frozenset({"localized"})) if has_site(near) else patient,
            episode=self._episodes.of(span),
        )

    def _vicinity(self, span: Span) -> str:
        """Return the text around a mention within its line."""
        text = self._note.text
        start = max(text.rfind("\n", 0, span.start) + 1, span.start - _REACH)
        end = text.find("\n", span.end)
        return text[start : min(len(text) if end < 0 else end, span.end + _REACH)]

    def _dominance(self, side: Side | None) -> frozenset[str]:
        """Return the word of titles for a paralyzed side: right is dominant by default (I.C.6.a).

        Of patients who use both hands, and by default of no others, the left is dominant too.
        """
        if side not in ("right", "left"):
            return frozenset()
        if self._hand is None:
            return _stems(frozenset({"dominant" if side == "right" else "nondominant"}))
        return _stems(frozenset({"dominant" if side == self._hand else "nondominant"}))

    @cached_property
    def _hand(self) -> Side | None:
        if _LEFT_HANDED.search(self._note.text):
            return "left"
        return "right" if _RIGHT_HANDED.search(self._note.text) else None

    @cached_property
    def _is_man(self) -> bool:
        # A "live male" is the child of the patient.
        return "male" in self._sex and _MAN.search(self._note.text) is not None

    @cached_property
    def _sex(self) -> frozenset[str]:
        female, male = _FEMALE.search(self._note.text), _MALE.search(self._note.text)
        if female and (male is None or female.start() < male.start()):
            return _stems(frozenset({"female"}))
        return _stems(frozenset({"male"})) if male else frozenset()


@lru_cache(maxsize=64)
def _stems(words: frozenset[str]) -> frozenset[str]:
    return text_stems(" ".join(sorted(words)))
