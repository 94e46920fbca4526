"""The wordings of ``knowledge/data/word_forms.yaml`` as sets of stems that replace each other."""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from indexes.tokens import text_stems
from knowledge.word_forms import load_word_forms

# Replacements in one wording: "malignant neoplasm of bronchus or lung" needs two.
_MOST_REPLACEMENTS = 2


class _Exchange(NamedTuple):
    """Stems and those that may stand in their place."""

    written: frozenset[str]
    instead: frozenset[str]


def variants(stems: frozenset[str]) -> Iterator[frozenset[str]]:
    """Yield the sets of stems that say the same in other words, each once, the given set apart.

    At most two replacements are made, never one inside the words that another one put there.
    """
    seen = {stems}
    level = [(stems, stems)]  # the words, and those of them that are as they were
    for _ in range(_MOST_REPLACEMENTS):
        following = []
        for words, untouched in level:
            for exchange in _applicable(untouched):
                changed = (words - exchange.written) | exchange.instead
                if changed not in seen:
                    seen.add(changed)
                    yield changed
                    following.append((changed, untouched - exchange.written))
        level = following


def with_forms(stems: Sequence[str]) -> list[str]:
    """Return stems, each once, and after them all that may stand in the place of some."""
    found = dict.fromkeys(stems)
    for exchange in _applicable(stems):
        found.update(dict.fromkeys(sorted(exchange.instead)))
    return list(found)


def _applicable(stems: Collection[str]) -> Iterator[_Exchange]:
    present = frozenset(stems)
    for stem in sorted(present):
        for exchange in _exchanges().get(stem, ()):
            if exchange.written <= present:
                yield exchange


@functools.cache
def _exchanges() -> Mapping[str, Sequence[_Exchange]]:
    """All replacements, under the last of the stems they replace."""
    found: dict[str, dict[_Exchange, None]] = defaultdict(dict)
    for form in load_word_forms():
        exchange = _Exchange(text_stems(form.written), text_stems(form.instead))
        if exchange.written != exchange.instead:
            found[max(exchange.written)][exchange] = None
    return {stem: tuple(exchanges) for stem, exchanges in found.items()}
