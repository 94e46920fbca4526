"""How the words of two proposals relate: one wording can be a part of another."""

from agent.state import Proposal
from indexes.tokens import text_stems


def words_of(proposal: Proposal) -> frozenset[str]:
    """Return the stems of the best evidence of a proposal."""
    return text_stems(proposal.evidence[0].text)


def is_fragment(part: Proposal, whole: Proposal) -> bool:
    """Tell whether the words of ``part`` are some of those of ``whole``, at the same place.

    "cancer" in "breast cancer" is a fragment; "cancer" a sentence later is not.
    """
    best = part.evidence[0]
    inside = any(
        e.start <= best.start and best.end <= e.end and e.text != best.text for e in whole.evidence
    )
    return inside and words_of(part) < text_stems(" ".join(e.text for e in whole.evidence))
