"""Whether evidence is what a system's belief in a code rests on (faithfulness).

After DeYoung et al. 2020, "ERASER: a benchmark to evaluate rationalized NLP models" (ACL):
*comprehensiveness* is how far the belief in a code falls when its evidence is taken out of the
note, *sufficiency* how far it falls when nothing else is left. A faithful system has a high first
and a low second figure. Beside them stand the same figures for words drawn at random, as many as
the evidence has: without this a system that doubts every shortened note would look faithful.
"""

import random
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from eval.metrics import DEFAULT_RESAMPLES, Interval, ratio_interval
from knowledge.note_text import Span

_WORD = re.compile(r"\S+")

# From a text to the belief in each code, 0 to 1; a code that it lacks has none.
Belief: TypeAlias = Callable[[str], Mapping[str, float]]


class Cited(NamedTuple):
    """A code that a system assigned to a note, with its evidence."""

    note: str
    text: str
    code: str
    evidence: tuple[Span, ...]


class Drop(NamedTuple):
    """How far the belief in one code falls.

    Attributes:
        note: Note id.
        code: The code.
        belief: In the whole note.
        comprehensiveness: Less by this without the evidence.
        sufficiency: Less by this with the evidence alone.
        random_comprehensiveness: As the first, for random words.
        random_sufficiency: As the second, for random words.
    """

    note: str
    code: str
    belief: float
    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: float
    random_sufficiency: float


class FaithfulnessReport(NamedTuple):
    """Means over all judged codes, with 95 % bootstrap intervals over notes.

    Attributes:
        notes: Notes with a judged code.
        codes: Judged pairs of a note and a code.
        means: By the names of `Drop`.
        intervals: Of the means.
    """

    notes: int
    codes: int
    means: dict[str, float]
    intervals: dict[str, Interval | None]

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        figures: dict[str, Any] = {"notes": self.notes, "codes": self.codes}
        for name, mean in self.means.items():
            interval = self.intervals[name]
            figures[name] = mean
            figures[f"{name}_ci95"] = list(interval) if interval else None
        return figures


def measure_drops(cited: Iterable[Cited], belief: Belief, *, seed: int = 0) -> Iterator[Drop]:
    """Yield how far the belief in each code falls; codes without evidence are passed over.

    Args:
        cited: Assigned codes, those of a note after each other.
        belief: The system; asked once for each text.
        seed: Draws the random words.
    """
    generator = random.Random(seed)
    whole: tuple[str, Mapping[str, float]] = ("", {})
    for item in cited:
        words = [Span(*m.span()) for m in _WORD.finditer(item.text)]
        marked = {w for w in words if any(w.overlaps(span) for span in item.evidence)}
        if not marked:
            continue
        if whole[0] != item.text:
            whole = (item.text, belief(item.text))
        full = whole[1].get(item.code, 0.0)
        drawn = set(generator.sample(words, len(marked)))

        def fall(kept: Sequence[Span], item: Cited = item, full: float = full) -> float:
            return full - belief(_joined(item.text, kept)).get(item.code, 0.0)

        yield Drop(
            note=item.note,
            code=item.code,
            belief=full,
            comprehensiveness=fall([w for w in words if w not in marked]),
            sufficiency=fall([w for w in words if w in marked]),
            random_comprehensiveness=fall([w for w in words if w not in drawn]),
            random_sufficiency=fall([w for w in words if w in drawn]),
        )


def summarise(drops: Sequence[Drop], *, resamples: int = DEFAULT_RESAMPLES) -> FaithfulnessReport:
    """Return the means over all codes.

    Raises:
        ValueError: There are none.
    """
    if not drops:
        raise ValueError("no code with evidence")
    names = Drop._fields[2:]
    notes = sorted({drop.note for drop in drops})
    return FaithfulnessReport(
        notes=len(notes),
        codes=len(drops),
        means={name: statistics.fmean(getattr(d, name) for d in drops) for name in names},
        intervals={
            name: ratio_interval(
                [_sum([getattr(d, name) for d in drops if d.note == note]) for note in notes],
                resamples=resamples,
            )
            for name in names
        },
    )


def _sum(values: Sequence[float]) -> tuple[float, int]:
    return sum(values), len(values)


def _joined(text: str, kept: Sequence[Span]) -> str:
    """Return the kept words, each with the white space that follows it: lines stay lines."""
    parts = []
    for word in kept:
        end = word.end
        while end < len(text) and text[end].isspace():
            end += 1
        parts.append(text[word.start : end])
    return "".join(parts)
