"""From a code to the most specific billable code that the words around it support.

A wording such as "pain in the right hip" first leads to a category or subcategory. Each step down
takes the child whose own words (site, side, acuity, stage) stand around the mention, and where none
do the child that says "unspecified" (guideline sections I.B.2 and I.B.18). A side that is known
never gives way to an unspecified one (I.B.13). A code that is billable but leaves something open
("Heart failure, unspecified") is refined in the same way, where all that the other title adds is
documented. The 7th character follows the episode of care (I.C.19.a).
"""

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from indexes.candidates import Candidate
from indexes.episodes import Episode
from indexes.surroundings import Side, Surroundings, side_of, sides
from indexes.title_profiles import SIDE_STEMS, Profile, is_other, is_whole, profile, refinements
from indexes.tokens import text_stems
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note

_AFTERCARE = frozenset({"heal", "aftercar", "subsequ"})
_SEQUELA = frozenset({"sequela", "late"})
_EACH_SIDE: tuple[Side, Side] = ("right", "left")
_UNSUPPORTED = 0.4  # what a word of a title that nothing supports costs, beside a supported one
_CONFIRMED = 0.1  # what it is worth to document what is taken for granted
_CONTRADICTED = 10.0


def specify(system: CodeSystem, code: str, context: Collection[str]) -> str | None:
    """Return the billable descendant of ``code`` that the words around it support.

    A billable code is returned unchanged. None where a choice is needed that no word decides, such
    as the figure of a body mass index.

    Args:
        system: The code system of ``code``.
        code: A code that exists, billable or not.
        context: Stems of the sentence the code was found in.
    """
    around = Surroundings(frozenset(context), side=side_of(context))
    stems = _descend(system, code, around)
    return finish(system, stems[0], around) if stems else None


def compose(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    """Return the most specific codes of a wording that what stands around it supports.

    They are complete but for a 7th character, which `finish` adds. Two codes, one a side, where
    both sides are affected and no code says so (I.B.13); none where a choice is needed that no word
    decides.

    Args:
        system: The code system of ``code``.
        code: A code that exists, billable or not.
        around: What stands around the mention.
    """
    found = _compose_side(system, code, around)
    if around.side != "bilateral" or any(profile(system, c).side for c in found):
        return found
    right, left = (_compose_side(system, code, replace(around, side=s)) for s in _EACH_SIDE)
    sided = right and left and all(profile(system, c).side for c in (*right, *left))
    return (*right, *left) if sided else found


def _compose_side(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    stems = _descend(system, code, around)
    return tuple(dict.fromkeys(c for stem in stems for c in _refine(system, stem, around)))


def _descend(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    """Return the descendants that are complete but for a 7th character.

    More than one where the words around support several children alike ("with hypoxia and
    hypercapnia").
    """
    if is_whole(system, code):
        return (code,)
    own = profile(system, code)
    fits = {child: _fit(system, child, own, around) for child in system.children(code)}
    first = max(fits, key=fits.__getitem__)
    if not fits[first].decided:
        return ()
    alike = [c for c in fits if c == first or _is_told_alike(system, c, first, fits, around)]
    return tuple(found for child in alike for found in _descend(system, child, around))


def _is_told_alike(
    system: CodeSystem, child: str, first: str, fits: Mapping[str, "_Fit"], around: Surroundings
) -> bool:
    """Tell whether a child is documented as fully as the best one, by words of its own."""
    own, best = profile(system, child), profile(system, first)
    apart = bool(own.stems - best.stems) and bool(best.stems - own.stems)
    alike = fits[child].support == fits[first].support
    return alike and apart and own.is_told(around) and best.is_told(around)


def _refine(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    """Return the codes of the same condition that name what a code leaves open, else itself.

    Several where they add different words and all of them are documented.
    """
    told = {r: r.worth(around) for r in refinements(system, code) if r.is_told(around)}
    most = max(told.values(), default=0)
    if not most:
        return (code,)
    best = {r.extra.stems: r.code for r, worth in told.items() if worth == most}
    return tuple(best.values())


def gives_way(system: CodeSystem, code: str, others: Collection[str]) -> bool:
    """Tell whether another code of a note names what a code leaves open.

    Args:
        system: The code system.
        code: A code, complete but for a 7th character.
        others: Such codes of the same note.
    """
    return any(refinement.code in others for refinement in refinements(system, code))


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


class _Fit(NamedTuple):
    """How well a child fits; compared in this order."""

    support: float
    unspecified: bool
    residual_position: bool
    decided: bool


def _fit(system: CodeSystem, child: str, parent: Profile, around: Surroundings) -> _Fit:
    own = profile(system, child)
    extra = own.stems - parent.stems
    graded = own.attributes - parent.attributes
    told = {s for s in extra if around.tells({s})}
    if not extra & own.accompanied <= told:
        told -= own.accompanied  # a part of what comes with it is nothing
    supported = len(told) + 2 * len(graded & around.attributes)
    unsupported = len(extra) + 2 * len(graded) - supported
    confirmed = _CONFIRMED * around.tells_any(own.granted - parent.granted)
    absent = own.absent - parent.absent
    supported += len(absent & around.absent)
    contradicted = bool(absent) and around.tells(absent)
    if own.side and own.side != parent.side:
        supported += own.side == around.side
        unsupported += own.side != around.side
        contradicted |= around.side not in (None, own.side)
    opens = own.open_words > parent.open_words
    unspecified = own.open_words > 0 and not is_other(system, child)
    narrowed = sum(around.tells({s}) for s in parent.stems - own.stems)
    cost = (0.0 if opens else _UNSUPPORTED) * unsupported + _CONTRADICTED * contradicted
    cost += _UNSUPPORTED * narrowed
    return _Fit(
        support=supported + confirmed - cost,
        unspecified=unspecified,
        residual_position=child.endswith("9"),
        decided=supported > 0 or unspecified or child.endswith("9") or not extra,
    )


def finish(system: CodeSystem, code: str, around: Surroundings) -> str:
    """Return a code with the 7th character that its surroundings ask for, where it needs one."""
    if system.get(code).billable:
        return code
    children = system.children(code)
    by_character = {child[-1]: child for child in children}
    episode = around.episode or _episode(around.near)
    wanted = next((c for c in episode.characters(code) if c in by_character), None)
    if wanted:
        return by_character[wanted]
    # Not every 7th character tells an episode: the stage of a glaucoma, the side of an eye.
    fits = {child: _seventh_fit(system.get(child).seventh or "", around) for child in children}
    return max(children, key=lambda child: fits[child])


def _seventh_fit(meaning: str, around: Surroundings) -> tuple[float, bool]:
    """Return how well a 7th character fits that names a side, a stage or a fetus."""
    named = next((side for side, _, _ in sides(meaning)), None)
    words = text_stems(meaning) - SIDE_STEMS
    told = sum(s in around.near for s in words)
    is_open = "unspecified" in meaning or "not applicable" in meaning
    support = told - (0 if is_open else _UNSUPPORTED * (len(words) - told))
    if named:
        support += 1 if named == around.side else -1
    return support, is_open


def _episode(stems: Collection[str]) -> Episode:
    """Return the episode that the words of a sentence tell by themselves."""
    if not _SEQUELA.isdisjoint(stems):
        return Episode("sequela")
    return Episode("initial" if _AFTERCARE.isdisjoint(stems) else "subsequent")
