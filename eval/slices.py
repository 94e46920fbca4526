"""Micro scores of slices of the codes: by chapter, and by how often training has seen them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from eval.metrics import CodeSets, MicroScores, micro_scores

_FREQUENCIES = ((10, "10+"), (3, "3-9"), (1, "1-2"), (0, "unseen"))
OTHER = "other"


class Slice(NamedTuple):
    """One slice.

    Attributes:
        codes: (note, code) pairs of the reference in it.
        scores: Precision, recall and F1 over the pairs of either side that are in it.
    """

    codes: int
    scores: MicroScores


def by_chapter(
    gold: CodeSets, predicted: CodeSets, chapter_of: Callable[[str], str | None]
) -> dict[str, Slice]:
    """Return the scores of each chapter.

    Args:
        gold: Reference codes by note id.
        predicted: Predicted codes by note id.
        chapter_of: Chapter of a code; None where it has none, which goes to ``other``.
    """
    found = _sliced(gold, predicted, lambda code: chapter_of(code) or OTHER)
    return dict(sorted(found.items(), key=lambda item: (not item[0].isdigit(), len(item[0]), item)))


def by_train_frequency(
    gold: CodeSets, predicted: CodeSets, training: Iterable[frozenset[str]]
) -> dict[str, Slice]:
    """Return the scores of codes seen in ten or more training notes, 3-9, 1-2 and none.

    Args:
        gold: Reference codes by note id.
        predicted: Predicted codes by note id.
        training: Code set of each training note.
    """
    seen: dict[str, int] = defaultdict(int)
    for codes in training:
        for code in codes:
            seen[code] += 1

    def name(code: str) -> str:
        return next(label for least, label in _FREQUENCIES if seen.get(code, 0) >= least)

    found = _sliced(gold, predicted, name)
    return {label: found[label] for _, label in _FREQUENCIES if label in found}


def _sliced(gold: CodeSets, predicted: CodeSets, name_of: Callable[[str], str]) -> dict[str, Slice]:
    split_gold = _split(gold, name_of)
    split_predicted = _split({n: predicted.get(n, frozenset()) for n in gold}, name_of)
    slices = {}
    for name in split_gold.keys() | split_predicted.keys():
        part = {note: split_gold[name].get(note, frozenset()) for note in gold}
        scores = micro_scores(part, split_predicted[name])
        slices[name] = Slice(sum(map(len, part.values())), scores)
    return slices


def _split(
    code_sets: CodeSets, name_of: Callable[[str], str]
) -> Mapping[str, dict[str, frozenset[str]]]:
    split: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for note, codes in code_sets.items():
        names = {code: name_of(code) for code in codes}
        for name in set(names.values()):
            split[name][note] = frozenset(c for c, n in names.items() if n == name)
    return split
