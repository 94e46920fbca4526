"""How far the evidence makes a candidate believable.

The voices of the generators and of the LLM are added as log-odds, with weights set by hand so that
a wording that stands in the note counts most and resemblance alone never suffices; the sums were
compared on training notes only (docs/experiments.md). They order candidates well but are no
calibrated probability; under the policy "mentions" the trained ranker takes their place.
"""

import math
from collections.abc import Mapping

from knowledge.assertion import Assertion
from knowledge.note_text import SectionKind

EVIDENCE_THRESHOLD = 0.5  # confidence of evidence alone from which a candidate is accepted
_BASE = -2.5
_WORDING_WEIGHT = 3.0
_DENSE_WEIGHT = 2.0
_DENSE_ORIGIN = 0.5  # cosine below which similarity says nothing
_BM25_WEIGHT = 1.0
# Where diagnoses are made, as against where findings are listed.
_SECTION_VOICE: Mapping[SectionKind, float] = {"diagnoses": 0.5, "assessment": 0.4}

# Under the policy "mentions" a negated finding may be coded too: half of those with a matching
# wording are in CodiEsp's gold, as many as of the others. There the assertion is one more voice.
ASSERTION_VOICE: Mapping[Assertion, float] = {
    "present": 0.0,
    "historical": 0.0,
    "possible": 0.0,
    "absent": -0.5,
    "hypothetical": -0.5,
    "family": -1.0,
}


def log_odds(probability: float) -> float:
    """Return ln(p / (1 - p)), p kept away from 0 and 1."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def probability(odds: float) -> float:
    """Return the inverse of `log_odds`."""
    return 1 / (1 + math.exp(-odds))


def evidence_odds(sources: Mapping[str, float], sections: frozenset[SectionKind]) -> float:
    """Return the log-odds that the voices of the generators give a candidate.

    Args:
        sources: Score by generator, each in [0, 1].
        sections: Kinds of the sections in which the candidate has evidence.
    """
    wording = max(sources.get(name, 0.0) for name in ("terms", "figures", "circumstances"))
    similarity = max(0.0, sources.get("dense", 0.0) - _DENSE_ORIGIN)
    odds = _BASE + _WORDING_WEIGHT * wording
    odds += _DENSE_WEIGHT * similarity + _BM25_WEIGHT * sources.get("bm25", 0.0)
    return odds + max(map(section_voice, sections), default=0.0)


def section_voice(kind: SectionKind) -> float:
    """Return what a section adds to the log-odds of the findings in it."""
    return _SECTION_VOICE.get(kind, 0.0)
