"""Codes that learning must not know: drawn at random, taken out of notes, hidden from voices.

A code that came into the classification after training has titles, inclusion terms and perhaps
synonyms, and nothing else. Such codes are simulated here with known ones, so that there are notes
to judge by.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from indexes.candidates import Candidate
from indexes.coded_notes import CodedNote
from indexes.ranker.features import LEARNED, Rankings


def draw_codes(code_sets: Iterable[Set[str]], share: float, seed: int) -> frozenset[str]:
    """Draw a share of the codes of notes, frequent and rare ones alike.

    The codes are ordered by the number of notes that have them and cut into as many strata as codes
    are wanted; each gives one of its codes.

    Args:
        code_sets: The codes of each note.
        share: From 0 to 1; the number of codes is rounded, to none where they are few.
        seed: Decides order within a frequency and choice.
    """
    import numpy as np

    counts = Counter(code for codes in code_sets for code in codes)
    wanted = round(share * len(counts))
    if not wanted:
        return frozenset()
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(sorted(counts)).tolist()
    strata = np.array_split(sorted(shuffled, key=lambda code: -counts[code]), wanted)
    return frozenset(str(generator.choice(stratum)) for stratum in strata)


def without_codes(coded: CodedNote, codes: Set[str]) -> CodedNote:
    """Return a note as annotators who did not have the codes would have coded it.

    The text stays as it is; the codes and all evidence of them go.
    """
    row = coded.row
    return replace(
        coded,
        codes=coded.codes - codes,
        evidence=tuple(item for item in coded.evidence if item.code not in codes),
        row=row.model_copy(
            update={
                "codes": tuple(code for code in row.codes or () if code not in codes),
                "evidence": tuple(item for item in row.evidence if item.code not in codes),
            }
        ),
    )


def hide(rankings: Rankings, codes: Set[str]) -> Mapping[str, Sequence[Candidate]]:
    """Return the rankings of a note as they were if the learned generators did not know codes."""
    return {
        name: [c for c in ranking if c.code not in codes] if name in LEARNED else ranking
        for name, ranking in rankings.items()
    }
