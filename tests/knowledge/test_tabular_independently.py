"""A second reading of the tabular list, without the engine's parser, to hold the engine against.

It reads the XML with the standard library and knows the plain forms of a reference only: a code, a
range, a list of these. Entries whose notes use any other form are left out of the draw.
"""

import random
import re
from collections import defaultdict
from functools import cached_property
from importlib import util
from pathlib import Path
from xml.etree import ElementTree

import pytest

from knowledge.code_systems import get_code_system
from knowledge.rules import CodedItem, EncounterContext, check_rules

PAIRS = 1_000
CODE = r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?"
PLAIN = re.compile(rf"{CODE}\.?-?(?:-{CODE}-?)?(?:, {CODE}\.?-?(?:-{CODE}-?)?)*")
PART = re.compile(rf"({CODE})\.?-?(?:-({CODE})-?)?(?:, |$)")
WITH_CODE = re.compile(rf"[(\[](?=[^()\[\]]*{CODE})([^()\[\]]*)[)\]]")


class Reading:
    """What excludes what, by the words of the XML and the order of the official code list."""

    def __init__(self) -> None:
        spec = util.find_spec("simple_icd_10_cm")
        folder = Path(spec.submodule_search_locations[0]) / "data"
        lines = next(folder.glob("code-list-*.txt")).read_text("utf-8").splitlines()
        # Chapters ("1.") and blocks ("A00-A09") stand between the codes; a block of one category
        # repeats it.
        codes = (self.dotted(line.strip()) for line in lines)
        self.codes = list(dict.fromkeys(c for c in codes if re.fullmatch(CODE, c)))
        self.root = ElementTree.parse(next(folder.glob("*.xml"))).getroot()
        self.notes: dict[str, list[str]] = {}
        self.above: dict[str, tuple[str, ...]] = {}
        for chapter in self.root.iter("chapter"):
            self._walk(chapter, ())

    @staticmethod
    def dotted(code: str) -> str:
        return code if "." in code or len(code) == 3 else f"{code[:3]}.{code[3:]}"

    def _walk(self, element: ElementTree.Element, above: tuple[str, ...]) -> None:
        name = element.get("id") or element.findtext("name")
        own = [note.text for group in element.findall("excludes1") for note in group]
        # A block of one category bears its name: the notes of both hold.
        self.notes[name] = self.notes.get(name, []) + own
        self.above[name] = (*(a for a in above if a != name), name)
        for child in element:
            if child.tag in ("section", "diag"):
                self._walk(child, self.above[name])

    def governing(self, code: str) -> tuple[str, ...]:
        """Return the entries whose notes govern a code: itself and all above it."""
        stem = code
        while stem not in self.above:
            stem = stem[:-1].rstrip(".")
        return self.above[stem]

    @cached_property
    def excluded(self) -> dict[str, list[range]]:
        """Positions in the code list that the notes of each entry exclude; only of plain notes."""
        return {
            name: [span for text in notes for span in self._spans(text)]
            for name, notes in self.notes.items()
            if all(PLAIN.fullmatch(inside) for text in notes for inside in WITH_CODE.findall(text))
        }

    def _spans(self, text: str) -> list[range]:
        return [
            self._span(first, last or first)
            for inside in WITH_CODE.findall(text)
            for first, last in PART.findall(inside)
        ]

    def _span(self, first: str, last: str) -> range:
        if first not in self.extents or last not in self.extents:
            return range(0)
        return range(self.extents[first].start, self.extents[last].stop)

    @cached_property
    def extents(self) -> dict[str, range]:
        """For every beginning of a code the positions from the first to the last that has it."""
        extents: dict[str, range] = {}
        for at, code in enumerate(self.codes):
            for end in range(3, len(code) + 1):
                start = extents[code[:end]].start if code[:end] in extents else at
                extents[code[:end]] = range(start, at + 1)
        return extents

    def readable(self, code: str) -> bool:
        return all(name in self.excluded for name in self.governing(code))

    def excludes(self, code: str, other: str) -> bool:
        """Tell whether a note that governs the code excludes the other one."""
        place = self.position[other]
        return any(
            place in span
            for name in self.governing(code)
            # A note does not speak against what stands below it itself.
            if name not in self.governing(other)
            for span in self.excluded[name]
        )

    @cached_property
    def position(self) -> dict[str, int]:
        return {code: at for at, code in enumerate(self.codes)}

    @cached_property
    def below(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = defaultdict(list)
        for code in self.codes:
            for name in self.governing(code):
                below[name].append(code)
        return below


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading()


def draw(reading: Reading, rng: random.Random, carriers: list[str]) -> tuple[str, str]:
    """Draw two codes: by turns of one note, of one chapter, and from anywhere."""
    kind = rng.randrange(4)
    if kind < 2:
        carrier = rng.choice(carriers)
        there = [reading.codes[at] for span in reading.excluded[carrier] for at in span]
        return rng.choice(reading.below[carrier]), rng.choice(there)
    first = rng.choice(reading.codes)
    near = reading.below[reading.governing(first)[0]] if kind == 2 else reading.codes
    return first, rng.choice(near)


def test_the_engine_reads_excludes1_as_the_tabular_list_says(reading):
    system = get_code_system()
    assert sorted(reading.codes) == sorted(system.codes())
    carriers = [name for name, spans in reading.excluded.items() if any(map(len, spans))]
    rng, pairs = random.Random(1000), set()
    while len(pairs) < PAIRS:
        first, second = draw(reading, rng, carriers)
        lineage = first in reading.governing(second) or second in reading.governing(first)
        if not lineage and reading.readable(first) and reading.readable(second):
            pairs.add((first, second))
    differ, excluding = [], 0
    for first, second in sorted(pairs):
        told = reading.excludes(first, second) or reading.excludes(second, first)
        items = [CodedItem(first, "principal"), CodedItem(second)]
        found = bool(check_rules(["excludes1"], items, EncounterContext(), system))
        excluding += told
        if found != told:
            differ.append((first, second, told))
    assert differ == []
    assert excluding > PAIRS / 4
