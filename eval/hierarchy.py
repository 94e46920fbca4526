"""Hierarchical scores: a wrong code of the right category is half right.

Count-preserving hierarchical evaluation (CoPHE; Falis et al. 2021, "CoPHE: A count-preserving
hierarchical evaluation metric in large-scale multi-label text classification", EMNLP): every code
hands its count up to the entries above it, and at each entry the true positives of a note are the
smaller of the two counts. So two codes of one category are not taken for one, as they are in a
score of truncated code sets.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from eval.metrics import CodeSets, MicroScores


def hierarchical_scores(
    gold: CodeSets, predicted: CodeSets, ancestors: Callable[[str], Sequence[str]]
) -> MicroScores:
    """Return precision, recall and F1 over all entries of the tree, codes included.

    Args:
        gold: Reference codes by note id.
        predicted: Predicted codes by note id.
        ancestors: Entries above a code, up to its chapter; none for an unknown code.
    """
    hits = in_gold = in_predicted = 0
    for note, codes in gold.items():
        wanted = _counts(codes, ancestors)
        guessed = _counts(predicted.get(note, frozenset()), ancestors)
        hits += (wanted & guessed).total()
        in_gold += wanted.total()
        in_predicted += guessed.total()
    return MicroScores.of_counts(hits, in_predicted, in_gold)


def _counts(codes: frozenset[str], ancestors: Callable[[str], Sequence[str]]) -> Counter[str]:
    return Counter(entry for code in codes for entry in (code, *ancestors(code)))
