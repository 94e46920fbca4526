"""From the terms found in a note to codes: each as specific as the note allows, and as a whole.

A code found at one place gives way to the more specific one found at another, the mentions of one
injury share its 7th character, and what a pregnant patient or a newborn has takes the code of
chapter 15 or 16 besides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from indexes.candidates import Mention
from indexes.episodes import Episode
from indexes.note_facts import NoteFacts
from indexes.specificity import compose, finish, gives_way, specify
from indexes.surroundings import Surroundings
from knowledge.code_systems.base import CodeSystem
from knowledge.life_stages import code_in_stage

_PLAIN = 0.4  # of the code that the words of a mention alone lead to, beside the composed one
_GIVES_WAY = 0.5  # of a code that leaves open what another code of the note names
_SAME_INJURY = 5  # characters of codes that name one injury: S42.0 is of the clavicle


class Found(NamedTuple):
    """A code that a mention leads to, complete but for a 7th character."""

    code: str
    mention: Mention
    around: Surroundings


class TermCodes:
    """Turns terms into codes.

    Args:
        system: The code system.
    """

    def __init__(self, system: CodeSystem) -> None:
        self._system = system

    def of(self, code: str, mention: Mention, around: Surroundings) -> Iterator[Found]:
        """Yield the codes of a term, the most specific ones first.

        The code that the words of the mention alone lead to stays beside them, worth less: coders
        of research data use it.

        Args:
            code: Where the term leads.
            mention: The words of the note.
            around: What stands around them.
        """
        composed = compose(self._system, code, around)
        for found in composed:
            yield Found(found, mention, around)
        plain = specify(self._system, code, around.near)
        stem = self._stem(plain) if plain else None
        if stem is not None and stem not in composed:
            yield Found(stem, replace(mention, score=_PLAIN * mention.score), around)

    def settle(self, found: Iterable[Found], facts: NoteFacts) -> Mapping[str, Sequence[Mention]]:
        """Return the mentions of each billable code, all mentions of the note considered."""
        found = list(found)
        found += self._in_stage(found, facts)
        codes = {one.code for one in found}
        open_codes = {c for c in codes if gives_way(self._system, c, codes)}
        episodes = _episodes(found)
        mentions: dict[str, list[Mention]] = defaultdict(list)
        for one in found:
            around = replace(one.around, episode=episodes.get(one.code[:_SAME_INJURY]))
            worth = _GIVES_WAY if one.code in open_codes else 1.0
            mention = replace(one.mention, score=worth * one.mention.score)
            mentions[finish(self._system, one.code, around)].append(mention)
        return mentions

    def _stem(self, code: str) -> str:
        entry = self._system.get(code)
        return code if entry.seventh is None or entry.parent is None else entry.parent

    def _in_stage(self, found: Iterable[Found], facts: NoteFacts) -> Iterator[Found]:
        stage = facts.gestation.stage
        for one in found if stage else ():
            target = code_in_stage(stage, one.code) if stage else None
            if target is not None and target in self._system:
                for code in compose(self._system, target, one.around):
                    yield one._replace(code=code)


def _episodes(found: Iterable[Found]) -> Mapping[str, Episode]:
    """Return the episode of each injury, by the beginning of its code."""
    episodes: dict[str, Episode] = {}
    for one in found:
        key, own = one.code[:_SAME_INJURY], one.around.episode or Episode()
        episodes[key] = episodes[key].joined(own) if key in episodes else own
    return episodes
