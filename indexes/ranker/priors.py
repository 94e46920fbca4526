"""How often the training notes have each code."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from indexes.plm_icd.labels import category_of


@dataclass(frozen=True)
class CodePriors:
    """Counts of the training notes.

    Attributes:
        notes: Training notes in all.
        counts: Notes with each code.
    """

    notes: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, code_sets: Iterable[Set[str]]) -> Self:
        """Count the codes of notes."""
        sets = list(code_sets)
        return cls(len(sets), Counter(code for codes in sets for code in sorted(codes)))

    @cached_property
    def category_counts(self) -> Mapping[str, int]:
        """Occurrences of the codes of each category."""
        totals: Counter[str] = Counter()
        for code, count in self.counts.items():
            totals[category_of(code)] += count
        return totals

    def without(self, codes: Set[str]) -> Self:
        """Return the counts of notes whose annotators did not have some codes."""
        counts = {code: count for code, count in self.counts.items() if code not in codes}
        return replace(self, counts=counts)

    def to_json(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        return {"notes": self.notes, "counts": dict(sorted(self.counts.items()))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(int(value["notes"]), dict(value["counts"]))
