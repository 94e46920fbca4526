"""Abbreviations of a text written out, for the generators that compare whole wordings.

The term look-up keeps an abbreviation and its readings side by side; a vector or a bag of words
needs one text. So an abbreviation gives way to its reading where it has only one and is written as
usual; where it has several ("PE", "MS") it stays as it is.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable

from knowledge.abbreviations import Abbreviation, load_abbreviations


class Expander:
    """Writes abbreviations out.

    Args:
        abbreviations: The list; entries with several readings are left out.
    """

    def __init__(self, abbreviations: Iterable[Abbreviation]) -> None:
        readings: dict[str, list[Abbreviation]] = defaultdict(list)
        for entry in abbreviations:
            readings[entry.short].append(entry)
        self._only = {short: of[0] for short, of in readings.items() if len(of) == 1}
        self._by_lower = {short.lower(): entry for short, entry in self._only.items()}
        shorts = sorted(self._only, key=lambda short: (-len(short), short))
        alternatives = "|".join(re.escape(short) for short in shorts)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.I) if shorts else None

    def expand(self, text: str) -> str:
        """Return the text with each abbreviation replaced by its reading."""
        return self._pattern.sub(self._reading, text) if self._pattern else text

    def _reading(self, match: re.Match[str]) -> str:
        written = match.group()
        entry = self._only.get(written) or self._by_lower[written.lower()]
        as_usual = written == entry.short
        strict = entry.case_sensitive or entry.ambiguous
        return entry.expansion if as_usual or not strict else written


@functools.cache
def clinical_expander() -> Expander:
    """Return the expander of our own list (``knowledge/data/abbreviations.yaml``)."""
    return Expander(load_abbreviations())
