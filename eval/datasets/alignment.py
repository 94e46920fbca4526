"""Length-based alignment of a text's sentences with those of its translation.

After W. A. Gale and K. W. Church, "A program for aligning sentences in bilingual corpora",
Computational Linguistics 19(1), 1993: long sentences translate into long ones, so the cheapest
sequence of beads (one sentence to one, one to two, ...) is found by dynamic programming over
lengths in characters alone. Two simplifications: the misfit is charged as d^2 / 2, the negative
logarithm of the normal density up to a constant, in place of the logarithm of its tail; and the
expected ratio of lengths is that of the two texts at hand.
"""

import math
import re
from collections.abc import Sequence
from itertools import accumulate, product
from typing import NamedTuple

# A sentence ends at . ! or ? before a capital, an opening mark or a quotation, and at line breaks.
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡\"(])|\n+")
_LINE = re.compile(r"[^\n]+")

# s^2 in the paper (section 3.2): variance of the translation's length per character.
_LENGTH_VARIANCE = 6.8


class TextSpan(NamedTuple):
    """Offsets of a piece of text, the end exclusive."""

    start: int
    end: int


class Bead(NamedTuple):
    """A number of source sentences that translate into a number of target sentences.

    The penalty is the negative logarithm of how often such a bead occurs, relative to 1-1.
    """

    sources: int
    targets: int
    penalty: float


# Of beads that cost the same the first is taken.
_BEADS = (
    Bead(2, 2, 4.4),
    Bead(2, 1, 2.3),
    Bead(1, 2, 2.3),
    Bead(1, 1, 0.0),
    Bead(1, 0, 6.0),
    Bead(0, 1, 6.0),
)


def sentence_spans(text: str) -> list[TextSpan]:
    """Return the sentences of a Spanish text, without the blanks between them."""
    breaks = [match.span() for match in _SENTENCE_BREAK.finditer(text)]
    starts = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(text)]
    spans = map(TextSpan, starts, ends)
    return [span for span in spans if text[span.start : span.end].strip()]


def line_spans(text: str) -> list[TextSpan]:
    """Return the lines of a text that are not blank, without their line breaks."""
    spans = (TextSpan(*match.span()) for match in _LINE.finditer(text))
    return [span for span in spans if text[span.start : span.end].strip()]


def align(sources: Sequence[TextSpan], targets: Sequence[TextSpan]) -> list[range]:
    """Align two sequences of sentences.

    Returns:
        For each source sentence the indices of its target sentences: a run, in order, that may be
        empty. Sentences of one bead share their run.
    """
    beads = _cheapest_beads(_cumulative_lengths(sources), _cumulative_lengths(targets))
    runs = [range(0)] * len(sources)
    source, target = len(sources), len(targets)
    while source or target:
        bead = beads[source, target]
        for index in range(source - bead.sources, source):
            runs[index] = range(target - bead.targets, target)
        source, target = source - bead.sources, target - bead.targets
    return runs


def _cumulative_lengths(spans: Sequence[TextSpan]) -> list[int]:
    # One more a sentence, for the blank or line break that parts it from the next.
    return list(accumulate((span.end - span.start + 1 for span in spans), initial=0))


def _cheapest_beads(sources: list[int], targets: list[int]) -> dict[tuple[int, int], Bead]:
    """Return, for each pair of prefixes but the empty one, the last bead of their best alignment.

    Args:
        sources: Cumulative lengths of the source sentences, from 0.
        targets: Cumulative lengths of the target sentences, from 0.
    """
    ratio = targets[-1] / max(1, sources[-1])
    cost = {(0, 0): 0.0}
    last: dict[tuple[int, int], Bead] = {}
    for i, j in product(range(len(sources)), range(len(targets))):
        for bead in _BEADS:
            before = (i - bead.sources, j - bead.targets)
            if min(before) < 0:
                continue
            misfit = _misfit(
                (sources[i] - sources[before[0]]) * ratio, targets[j] - targets[before[1]]
            )
            total = cost[before] + bead.penalty + misfit
            if total < cost.get((i, j), math.inf):
                cost[i, j], last[i, j] = total, bead
    return last


def _misfit(expected: float, length: int) -> float:
    """Return d^2 / 2 for a target of `length` characters where `expected` were due."""
    mean = max(1, (expected + length) / 2)
    deviation = (length - expected) / math.sqrt(_LENGTH_VARIANCE * mean)
    return deviation * deviation / 2
