"""From a code that needs more characters to the billable code that the words support.

A wording such as "pain in the right hip" first leads to a category or subcategory. Each step down
takes the child whose own words (site, side, acuity) stand in the sentence, and where none do the
child that says "unspecified" (guideline sections I.B.2 and I.B.18). A 7th character defaults to
the initial encounter unless the sentence speaks of aftercare or sequela (I.C.19.a).
"""

import functools
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from indexes.candidates import Candidate
from indexes.tokens import text_stems
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note

_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b|\bwithout\b", re.I)
_AFTERCARE = frozenset({"heal", "aftercar", "subsequ", "follow"})
_SEQUELA = frozenset({"sequela", "late"})
_MAX_DEPTH = 6


def specify(system: CodeSystem, code: str, context: Collection[str]) -> str | None:
    """Return the billable descendant of ``code`` that the stems of its sentence support.

    A billable code is returned unchanged. None where a choice is needed that no word decides, such
    as the figure of a body mass index.

    Args:
        system: The code system of ``code``.
        code: A code that exists, billable or not.
        context: Stems of the sentence the code was found in.
    """
    for _ in range(_MAX_DEPTH):
        entry = system.get(code)
        if entry.billable:
            return code
        children = system.children(code)
        if system.get(children[0]).seventh is not None:
            return _with_seventh_character(children, context)
        own = _title_stems(entry.title)
        fits = {child: _fit(system, child, own, context) for child in children}
        code = max(fits, key=fits.__getitem__)
        if not fits[code].decided:
            return None
    return None


def complete(candidates: Iterable[Candidate], note: Note, system: CodeSystem) -> list[Candidate]:
    """Replace codes that need more characters by the billable ones their sentences support.

    Args:
        candidates: A ranking, best first.
        note: The note of the candidates' mentions.
        system: The code system of the candidates.

    Returns:
        The ranking in the same order, each code once; a code that no word decides stays as it is.
    """
    # Many candidates rest on the same few sentences.
    stems_at = functools.cache(functools.partial(sentence_stems, note))
    completed: dict[str, Candidate] = {}
    for candidate in candidates:
        code = candidate.code
        if candidate.mentions and not system.get(code).billable:
            context = stems_at(candidate.mentions[0].span.start)
            code = specify(system, code, context) or code
        completed.setdefault(code, replace(candidate, code=code))
    return list(completed.values())


def sentence_stems(note: Note, offset: int) -> frozenset[str]:
    """Return the stems of the sentence at an offset of a note; none between sentences."""
    sentence = note.sentence_at(offset)
    return text_stems(note.slice(sentence.span)) if sentence else frozenset()


@functools.lru_cache(maxsize=100_000)
def _title_stems(title: str) -> frozenset[str]:
    return text_stems(title)


class _Fit(NamedTuple):
    """How well a child fits; compared in this order."""

    support: float
    unspecified: bool
    residual_position: bool
    decided: bool


def _fit(
    system: CodeSystem, child: str, parent_stems: frozenset[str], context: Collection[str]
) -> _Fit:
    title = system.get(child).title
    extra = _title_stems(title) - parent_stems
    supported = sum(s in context for s in extra)
    unsupported = len(extra) - supported
    unspecified = _UNSPECIFIED.search(title) is not None
    return _Fit(
        support=supported - (0.0 if unspecified else 0.4) * unsupported,
        unspecified=unspecified,
        residual_position=child.endswith("9"),
        decided=supported > 0 or unspecified or child.endswith("9") or not extra,
    )


def _with_seventh_character(children: Collection[str], context: Collection[str]) -> str:
    wanted = "A"
    if not _SEQUELA.isdisjoint(context):
        wanted = "S"
    elif not _AFTERCARE.isdisjoint(context):
        wanted = "D"
    by_character = {child[-1]: child for child in children}
    return by_character.get(wanted) or next(iter(children))
