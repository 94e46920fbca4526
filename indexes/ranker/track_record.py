"""How often what the untrained generators propose turned out right in coded notes.

That a title stands in a note does not make its code one that annotators give: what they pass over,
and which of two near codes they prefer, shows in the notes where it was proposed before. Generators
that learned from these notes have no record, since they know them by heart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self, TypeAlias

from indexes.plm_icd.labels import category_of

# The share of a code that was seldom proposed is drawn to that of all codes by as many proposals.
_PRIOR_PROPOSALS = 2.0


class Proposal(NamedTuple):
    """A code that a generator proposed for a note.

    Attributes:
        generator: Name of the generator.
        code: The code.
        wording: The wording that it matched, in lower case; "" where it is not counted by wording.
    """

    generator: str
    code: str
    wording: str


class Tally(NamedTuple):
    """What came of proposals.

    Attributes:
        proposed: Notes for which the code was proposed.
        right: Those of them that have it.
        near: Those of them that have a code of its category.
    """

    proposed: int
    right: int
    near: int

    def share_right(self, total: "Tally") -> float:
        """Return the share of right proposals, shrunk to that of all proposals."""
        return _shrunken(self.right, self.proposed, total.right, total.proposed)

    def share_near(self, total: "Tally") -> float:
        """Return the share of proposals of the right category, shrunk to that of all proposals."""
        return _shrunken(self.near, self.proposed, total.near, total.proposed)


Wordings: TypeAlias = Mapping[str, Tally]
_NEVER = Tally(0, 0, 0)


@dataclass(frozen=True)
class TrackRecord:
    """What came of the proposals for the training notes.

    Attributes:
        tallies: By generator, code and wording.
    """

    tallies: Mapping[str, Mapping[str, Wordings]]

    @classmethod
    def of(cls, notes: Iterable[tuple[Iterable[Proposal], Set[str]]]) -> Self:
        """Count what came of proposals.

        Args:
            notes: For each note the proposals, none twice, and the codes it has.
        """
        proposed: Counter[Proposal] = Counter()
        right: Counter[Proposal] = Counter()
        near: Counter[Proposal] = Counter()
        for proposals, gold in notes:
            categories = {category_of(code) for code in gold}
            for proposal in proposals:
                proposed[proposal] += 1
                right[proposal] += proposal.code in gold
                near[proposal] += category_of(proposal.code) in categories
        tallies: dict[str, dict[str, dict[str, Tally]]] = defaultdict(lambda: defaultdict(dict))
        for proposal, count in sorted(proposed.items()):
            tally = Tally(count, right[proposal], near[proposal])
            tallies[proposal.generator][proposal.code][proposal.wording] = tally
        return cls(tallies)

    def without(self, codes: Set[str]) -> Self:
        """Return the record of a release that did not have some codes: none was ever proposed."""
        return type(self)(
            {
                generator: {code: found for code, found in by_code.items() if code not in codes}
                for generator, by_code in self.tallies.items()
            }
        )

    def of_code(self, generator: str, code: str) -> Tally:
        """Return what came of the proposals of a code by a generator, whatever the wording."""
        return _sum(self.tallies.get(generator, {}).get(code, {}).values())

    def of_wording(self, generator: str, code: str, wording: str) -> Tally:
        """Return what came of the proposals of a code by a generator for one wording."""
        return self.tallies.get(generator, {}).get(code, {}).get(wording, _NEVER)

    @cached_property
    def totals(self) -> Mapping[str, Tally]:
        """What came of all proposals of each generator."""
        return {
            generator: _sum(tally for found in by_code.values() for tally in found.values())
            for generator, by_code in self.tallies.items()
        }

    def to_json(self) -> dict[str, dict[str, dict[str, str]]]:
        """Return the tallies, ready for JSON, each as its three numbers in one string."""
        return {
            generator: {
                code: {wording: " ".join(map(str, tally)) for wording, tally in found.items()}
                for code, found in by_code.items()
            }
            for generator, by_code in self.tallies.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Self:
        """Read what `to_json` returned."""
        return cls(
            {
                generator: {
                    code: {w: Tally(*map(int, numbers.split())) for w, numbers in found.items()}
                    for code, found in by_code.items()
                }
                for generator, by_code in value.items()
            }
        )


def _sum(tallies: Iterable[Tally]) -> Tally:
    return Tally(*map(sum, zip(_NEVER, *tallies, strict=True)))


def _shrunken(hits: int, count: int, all_hits: int, all_count: int) -> float:
    """Return hits / count, drawn to the share of all by a few counts more."""
    share = all_hits / max(all_count, 1)
    return (hits + _PRIOR_PROPOSALS * share) / (count + _PRIOR_PROPOSALS)
