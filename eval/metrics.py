"""Exact metrics of predicted code sets and candidate rankings.

Throughout, `gold` maps each note of the reference to its codes; a note that `predicted` or
`rankings` lacks counts as predicted empty, and notes outside `gold` are passed over. Codes are
compared as they are: bring both sides to one form with `normalise` first. A ratio with an empty
denominator is 0. Results do not depend on the order of the notes.

Reading files lives in `eval.score`.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

CodeSets = Mapping[str, frozenset[str]]
Rankings = Mapping[str, Sequence[str]]

RECALL_DEPTHS = (5, 8, 15, 50, 100)
DEFAULT_RESAMPLES = 1000
PAIRED_RESAMPLES = 10_000  # of a comparison, which is fast and whose p-values need them
_CATEGORY_LENGTH = 3
_CHAPTER_LENGTH = 1
_SEED = 0
_NO_CODES: frozenset[str] = frozenset()


class MicroScores(NamedTuple):
    """Precision, recall and F1 over all (note, code) pairs pooled."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of_counts(cls, hits: int, predicted: int, gold: int) -> Self:
        """Return P = hits / predicted, R = hits / gold and F1 = 2 hits / (predicted + gold)."""
        return cls(
            precision=ratio(hits, predicted),
            recall=ratio(hits, gold),
            f1=ratio(2 * hits, predicted + gold),
        )


class MacroF1(NamedTuple):
    """Macro-averaged F1 by the three definitions that papers mean by the name.

    Attributes:
        gold_codes: Mean F1 of the codes that occur in the reference (Edin et al. 2023).
        any_codes: Mean F1 of the codes in the reference or predicted, as scikit-learn has it.
        of_means: Harmonic mean of mean precision and mean recall of the codes of the reference
            (Mullenbach et al. 2018).
    """

    gold_codes: float
    any_codes: float
    of_means: float


class Interval(NamedTuple):
    """Lower and upper end of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every figure of one comparison; the functions of this module define them one by one.

    Attributes:
        notes: Number of notes in the reference.
        micro: Micro-averaged precision, recall and F1.
        micro_f1_ci95: 95 % bootstrap interval of micro-F1; None where it was not asked for.
        macro: Macro-F1 by each definition in use.
        exact_match: Share of notes whose predicted set equals the reference.
        category_micro_f1: Micro-F1 after cutting codes to their three-character category.
        chapter_letter_micro_f1: Micro-F1 after cutting codes to their first letter.
        mean_average_precision: MAP of the rankings.
        recall_at: Micro recall within the first k of the rankings, by k.
        codes_per_note: Mean number of predicted codes.
    """

    notes: int
    micro: MicroScores
    micro_f1_ci95: Interval | None
    macro: MacroF1
    exact_match: float
    category_micro_f1: float
    chapter_letter_micro_f1: float
    mean_average_precision: float
    recall_at: Mapping[int, float]
    codes_per_note: float


def normalise(code: str) -> str:
    """Return a code in the form codes are compared in: upper case, no dots, no outer blanks."""
    return code.upper().replace(".", "").strip()


def evaluate(
    gold: CodeSets,
    predicted: CodeSets,
    rankings: Rankings,
    *,
    resamples: int = DEFAULT_RESAMPLES,
) -> Metrics:
    """Compute every metric of this module.

    Args:
        gold: Reference codes by note id.
        predicted: Predicted codes by note id.
        rankings: Candidate codes by note id, best first and distinct.
        resamples: Bootstrap samples for the interval of micro-F1; 0 leaves it out.
    """
    return Metrics(
        notes=len(gold),
        micro=micro_scores(gold, predicted),
        micro_f1_ci95=bootstrap_interval(gold, predicted, resamples=resamples),
        macro=macro_f1(gold, predicted),
        exact_match=exact_match(gold, predicted),
        category_micro_f1=truncated_micro_f1(gold, predicted, _CATEGORY_LENGTH),
        chapter_letter_micro_f1=truncated_micro_f1(gold, predicted, _CHAPTER_LENGTH),
        mean_average_precision=mean_average_precision(gold, rankings),
        recall_at={depth: recall_at(gold, rankings, depth) for depth in RECALL_DEPTHS},
        codes_per_note=codes_per_note(gold, predicted),
    )


def micro_scores(gold: CodeSets, predicted: CodeSets) -> MicroScores:
    """Return P = tp / (tp + fp), R = tp / (tp + fn) and F1 = 2 tp / (2 tp + fp + fn).

    Counts are summed over the notes before dividing, so a note weighs by its number of codes.
    """
    gold_total = sum(map(len, gold.values()))
    predicted_total = sum(len(predicted.get(note, _NO_CODES)) for note in gold)
    hits = sum(len(codes & predicted.get(note, _NO_CODES)) for note, codes in gold.items())
    return MicroScores.of_counts(hits, predicted_total, gold_total)


def macro_f1(gold: CodeSets, predicted: CodeSets) -> MacroF1:
    """Return the three macro-averaged F1; a code's own F1 is 2 tp / (2 tp + fp + fn).

    A code that is only predicted has an F1 of 0: it counts in ``any_codes`` and nowhere else.
    """
    in_gold: Counter[str] = Counter()
    guessed: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for note, codes in gold.items():
        guesses = predicted.get(note, _NO_CODES)
        in_gold.update(codes)
        guessed.update(guesses)
        hits.update(codes & guesses)
    total = math.fsum(2 * hits[code] / (in_gold[code] + guessed[code]) for code in in_gold)
    precision = _mean([ratio(hits[code], guessed[code]) for code in in_gold])
    recall = _mean([hits[code] / in_gold[code] for code in in_gold])
    return MacroF1(
        gold_codes=ratio(total, len(in_gold)),
        any_codes=ratio(total, len(in_gold.keys() | guessed.keys())),
        of_means=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    )


def exact_match(gold: CodeSets, predicted: CodeSets) -> float:
    """Return the share of notes whose predicted codes are exactly those of the reference."""
    return ratio(sum(predicted.get(n, _NO_CODES) == codes for n, codes in gold.items()), len(gold))


def truncated_micro_f1(gold: CodeSets, predicted: CodeSets, length: int) -> float:
    """Return micro-F1 of the sets of code prefixes; several codes with one prefix count once.

    Args:
        gold: Reference codes by note id.
        predicted: Predicted codes by note id.
        length: Characters kept: 3 is the ICD-10 category, 1 the letter that opens a chapter.
    """
    return micro_scores(_truncated(gold, length), _truncated(predicted, length)).f1


def mean_average_precision(gold: CodeSets, rankings: Rankings) -> float:
    """Return MAP: the mean of `average_precision` over the notes that have reference codes."""
    return _mean(
        [average_precision(codes, rankings.get(note, ())) for note, codes in gold.items() if codes]
    )


def average_precision(relevant: frozenset[str], ranking: Sequence[str]) -> float:
    """Return the sum of precision at the rank of each relevant code, over the number relevant.

    Relevant codes that the ranking lacks add nothing (as in trec_eval's ``map``).
    """
    hits = 0
    total = 0.0
    for rank, code in enumerate(ranking, start=1):
        if code in relevant:
            hits += 1
            total += hits / rank
    return ratio(total, len(relevant))


def recall_at(gold: CodeSets, rankings: Rankings, depth: int) -> float:
    """Return the share of all (note, reference code) pairs within the first `depth` ranks."""
    found = sum(len(codes.intersection(rankings.get(n, ())[:depth])) for n, codes in gold.items())
    return ratio(found, sum(map(len, gold.values())))


def codes_per_note(gold: CodeSets, predicted: CodeSets) -> float:
    """Return the mean number of predicted codes over the notes of the reference."""
    return ratio(sum(len(predicted.get(note, _NO_CODES)) for note in gold), len(gold))


def bootstrap_interval(
    gold: CodeSets, predicted: CodeSets, *, resamples: int = DEFAULT_RESAMPLES
) -> Interval | None:
    """Return the 95 % percentile interval of micro-F1 over notes drawn with replacement.

    Draws come from a fixed seed over the sorted ids, so the interval is reproducible.

    Returns:
        None without resamples or without notes.
    """
    pairs = [_counts(gold[note], predicted.get(note, _NO_CODES)) for note in sorted(gold)]
    return ratio_interval(pairs, resamples=resamples)


def ratio_interval(
    pairs: Sequence[tuple[float, int]], *, resamples: int = DEFAULT_RESAMPLES
) -> Interval | None:
    """Return the 95 % percentile interval of a ratio of sums over units drawn with replacement.

    Args:
        pairs: What each unit adds to numerator and denominator.
        resamples: Draws, from a fixed seed.

    Returns:
        None without resamples or without units.
    """
    if not pairs or resamples < 1:
        return None
    generator = random.Random(_SEED)
    ratios = []
    for _ in range(resamples):
        above, below = zip(*[generator.choice(pairs) for _ in pairs], strict=True)
        ratios.append(ratio(sum(above), sum(below)))
    ratios.sort()
    return Interval(ratios[int(0.025 * resamples)], ratios[int(0.975 * resamples) - 1])


def _counts(codes: frozenset[str], guesses: frozenset[str]) -> tuple[int, int]:
    """Return what a note adds to micro-F1: 2 tp, and 2 tp + fp + fn (the two set sizes)."""
    return 2 * len(codes & guesses), len(codes) + len(guesses)


def _truncated(code_sets: CodeSets, length: int) -> dict[str, frozenset[str]]:
    return {note: frozenset(code[:length] for code in codes) for note, codes in code_sets.items()}


def _mean(values: Sequence[float]) -> float:
    # fsum rounds once, at the end: the order in which sets and files are walked leaves no trace.
    return ratio(math.fsum(values), len(values))


def ratio(numerator: float, denominator: int) -> float:
    """Return a quotient; with an empty denominator 0."""
    return numerator / denominator if denominator else 0.0
