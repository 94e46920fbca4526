"""Stems of titles that words of a note stand for: "heel" is read as foot too, "renal" as kidney."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from indexes.tokens import stem, text_stems, tokenise
from knowledge.body_sites import Reading, load_readings, site_words


class Implied(NamedTuple):
    """What a word or phrase implies.

    Attributes:
        place: Index of its last token.
        stems: Stems that titles use instead.
    """

    place: int
    stems: frozenset[str]


class Implications:
    """Looks up what the words of a sentence imply.

    Args:
        readings: Phrases and what titles say instead.
    """

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._by_last: dict[str, list[tuple[tuple[str, ...], frozenset[str]]]] = defaultdict(list)
        for reading in readings:
            phrase = tuple(stem(token.text) for token in tokenise(reading.phrase))
            implied = frozenset().union(*map(text_stems, reading.titles)) - {phrase[-1]}
            self._by_last[phrase[-1]].append((phrase[:-1], implied))

    def read(self, places: Mapping[str, Collection[int]]) -> Iterator[Implied]:
        """Yield what the phrases of a sentence imply.

        Args:
            places: Indices of the tokens of each stem.
        """
        for last in self._by_last.keys() & places.keys():
            for before, stems in self._by_last[last]:
                for place in places[last]:
                    if _stands_before(before, place, places):
                        yield Implied(place, stems)


@cache
def larger_sites() -> Mapping[str, frozenset[str]]:
    """Return the stems of the larger sites that single words for sites imply, by their stem."""
    found: dict[str, frozenset[str]] = {}
    for reading in load_readings():
        if " " not in reading.phrase and reading.phrase in site_words():
            implied = frozenset().union(*map(text_stems, reading.titles))
            found[stem(reading.phrase)] = found.get(stem(reading.phrase), frozenset()) | implied
    return found


def _stands_before(
    phrase: tuple[str, ...], place: int, places: Mapping[str, Collection[int]]
) -> bool:
    """Tell whether the words of a phrase stand right before a token."""
    return all(
        place - distance in places.get(word, ())
        for distance, word in enumerate(reversed(phrase), start=1)
    )
