"""How often the training notes have each code, and what came of proposing it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from indexes.plm_icd.labels import category_of
from indexes.ranker.track_record import Proposal, TrackRecord


@dataclass(frozen=True)
class CodePriors:
    """Counts of the training notes.

    Attributes:
        notes: Training notes in all.
        counts: Notes with each code.
        record: What came of the proposals of untrained generators.
    """

    notes: int
    counts: Mapping[str, int]
    record: TrackRecord = field(default_factory=lambda: TrackRecord({}))

    @classmethod
    def of(
        cls, code_sets: Iterable[Set[str]], proposals: Iterable[Iterable[Proposal]] | None = None
    ) -> Self:
        """Count the codes of notes.

        Args:
            code_sets: The codes of each note.
            proposals: What untrained generators proposed for each note; None keeps no record.
        """
        sets = list(code_sets)
        counts = Counter(code for codes in sets for code in sorted(codes))
        pairs = zip(proposals, sets, strict=True) if proposals is not None else ()
        return cls(len(sets), counts, TrackRecord.of(pairs))

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
        return replace(self, counts=counts, record=self.record.without(codes))

    def to_json(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        return {
            "notes": self.notes,
            "counts": dict(sorted(self.counts.items())),
            "record": self.record.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        record = TrackRecord.from_json(value.get("record", {}))
        return cls(int(value["notes"]), dict(value["counts"]), record)
