"""Iterative stratification of examples with several labels each.

After K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data", ECML
PKDD 2011, algorithm 1: the rarest label that is left goes first, and each of its examples to the
part that lacks most of that label. Examples here are patients, which count a label once for each of
their admissions that has it. One thing is added: a part that is full takes no more. Most codes of a
hospital occur a few times only, and without this the largest part would take all of them and grow
far beyond its share.

The packages that offer the method take a dense matrix of examples by labels, as large as gigabytes
for the patients and codes of MIMIC-IV; this one keeps only the pairs that occur.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class LabelCounts(NamedTuple):
    """Which examples have which labels, one entry for each pair that occurs.

    Attributes:
        examples: Index of the example.
        labels: Index of the label.
        counts: How often the example has the label.
    """

    examples: Integers
    labels: Integers
    counts: Integers


class _Index:
    """The entries of each example, or of each label, one after the other."""

    def __init__(self, keys: Integers, size: int) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._starts = np.searchsorted(keys[self._order], np.arange(size + 1))

    def __getitem__(self, key: int) -> Integers:
        found: Integers = self._order[self._starts[key] : self._starts[key + 1]]
        return found


def stratify(
    pairs: LabelCounts, sizes: Integers, fractions: Sequence[float], *, seed: int
) -> Integers:
    """Deal examples into parts so that every label is spread over them as asked.

    Args:
        pairs: The labels of the examples.
        sizes: What each example counts for in the size of its part; its length is their number.
        fractions: Share of each part; they sum to 1.
        seed: Settles the order of examples and ties; the same seed gives the same parts.

    Returns:
        The part of each example, an index into `fractions`.
    """
    label_total = int(pairs.labels.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    by_example = _Index(pairs.examples, len(sizes))
    by_label = _Index(pairs.labels, label_total)
    shares = np.asarray(fractions, dtype=np.float64)
    # What each part still lacks: of each label, and of all.
    lacks = shares[:, None] * np.bincount(pairs.labels, weights=pairs.counts, minlength=label_total)
    lacks_in_all: npt.NDArray[np.float64] = shares * sizes.sum()
    left = np.bincount(pairs.labels, minlength=label_total)
    part = np.full(len(sizes), -1, dtype=np.int64)

    def best_part(wanted: npt.NDArray[np.float64]) -> int:
        # What is left to deal is what the parts lack in all, so one of them has room.
        room = np.flatnonzero(lacks_in_all > 0)
        ties = room[wanted[room] == wanted[room].max()]
        if len(ties) > 1:
            ties = ties[lacks_in_all[ties] == lacks_in_all[ties].max()]
        return int(ties[0] if len(ties) == 1 else random.choice(ties))

    def assign(example: int, to: int) -> Integers:
        entries = by_example[example]
        labels = pairs.labels[entries]
        part[example] = to
        lacks[to, labels] -= pairs.counts[entries]
        lacks_in_all[to] -= sizes[example]
        left[labels] -= 1
        return labels

    queue = [(int(count), label) for label, count in enumerate(left) if count]
    heapq.heapify(queue)
    while queue:
        count, label = heapq.heappop(queue)
        if count != left[label]:
            continue  # it has a later, smaller entry, or none of its examples is left
        waiting = pairs.examples[by_label[label]]
        touched = [
            assign(example, best_part(lacks[:, label]))
            for example in random.permutation(waiting[part[waiting] < 0])
        ]
        for other in np.unique(np.concatenate(touched)):
            if left[other]:
                heapq.heappush(queue, (int(left[other]), int(other)))
    for example in random.permutation(np.flatnonzero(part < 0)):
        assign(example, best_part(lacks_in_all))
    return part
