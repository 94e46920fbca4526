"""From a code to the most specific billable code that the words around it support.

A wording such as "pain in the right hip" first leads to a category or subcategory. Each step down
takes the child whose own words (site, side, acuity, stage) stand around the mention, and where none
do the child that says "unspecified" (guideline sections I.B.2 and I.B.18). A side that is known
never gives way to an unspecified one (I.B.13). A code that is billable but leaves something open
("Heart failure, unspecified") is refined in the same way, where all that the other title adds is
documented. The 7th character follows the episode of care (I.C.19.a).
"""

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from indexes.candidates import Candidate
from indexes.episodes import Episode
from indexes.implications import larger_sites
from indexes.surroundings import (
    Side,
    Surroundings,
    attributes,
    side_of,
    sides,
    without_attributes,
)
from indexes.tokens import text_stems
from knowledge.body_sites import site_words
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note

_OPEN = re.compile(r"\bunspecified\b|\bNOS\b|\bwithout\b|\buncomplicated\b", re.I)
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_ACCOMPANIED = re.compile(r"\bwith ([^,]+)", re.I)
_JOINED = re.compile(r"\b([a-z]+) (?:and|or) ([a-z]+)\b")
_RESIDUAL = re.compile(r"\bother\b|\bwith unspecified (?!severity)", re.I)
# What is taken for granted unless the note says otherwise: it costs a title nothing and need not be
# documented. Fractures are closed and displaced (I.C.19.c.1).
_GRANTED = re.compile(
    r",?\s*\b(?:unspecified as (?:to )?acute or chronic|chronic or unspecified"
    r"|(?:with )?unspecified (?:severity|trimester|stage|degree|type)"
    r"|unspecified|not intractable|not stated as uncontrolled|uncomplicated|single episode"
    r"|not specified as recurrent|closed|initial encounter"
    r"|unilateral(?=.*\b(?:right|left|unspecified)\b)"
    r"|displaced(?= [a-z ]*fracture)|primary(?= osteoarthritis)|current|type"
    r")\b",
    re.I,
)
# What a title says is not there costs nothing where a note is silent on it.
_ABSENT = re.compile(
    r"\bwithout (?:mention of |evidence of |current )?(foreign body|[^,]+?(?=,| with |$))", re.I
)
_AFTERCARE = frozenset({"heal", "aftercar", "subsequ"})
_SEQUELA = frozenset({"sequela", "late"})
_SIDE_STEMS = frozenset({"right", "left", "bilater"})
# Words of titles that name nothing by themselves.
_EMPTY_STEMS = frozenset({"region", "level", "joint", "phase"})
_EACH_SIDE: tuple[Side, Side] = ("right", "left")
_UNSUPPORTED = 0.4  # what a word of a title that nothing supports costs, beside a supported one
_CONFIRMED = 0.1  # what it is worth to document what is taken for granted
_CONTRADICTED = 10.0


def specify(
    system: CodeSystem,
    code: str,
    context: Collection[str],
    surroundings: Surroundings | None = None,
) -> str | None:
    """Return the billable descendant of ``code`` that the words around it support.

    A billable code is returned unchanged. None where a choice is needed that no word decides, such
    as the figure of a body mass index.

    Args:
        system: The code system of ``code``.
        code: A code that exists, billable or not.
        context: Stems of the sentence the code was found in.
        surroundings: What else is known of the mention.
    """
    around = surroundings or Surroundings(frozenset(context), side=side_of(context))
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
    if around.side != "bilateral" or any(_profile(system, c).side for c in found):
        return found
    right, left = (_compose_side(system, code, replace(around, side=s)) for s in _EACH_SIDE)
    sided = right and left and all(_profile(system, c).side for c in (*right, *left))
    return (*right, *left) if sided else found


def _compose_side(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    stems = _descend(system, code, around)
    return tuple(dict.fromkeys(c for stem in stems for c in _refine(system, stem, around)))


def _descend(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    """Return the descendants that are complete but for a 7th character.

    More than one where the words around support several children alike ("with hypoxia and
    hypercapnia").
    """
    if _is_whole(system, code):
        return (code,)
    own = _profile(system, code)
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
    own, best = _profile(system, child), _profile(system, first)
    apart = bool(own.stems - best.stems) and bool(best.stems - own.stems)
    alike = fits[child].support == fits[first].support
    return alike and apart and own.is_told(around) and best.is_told(around)


def _is_whole(system: CodeSystem, code: str) -> bool:
    """Tell whether a code is complete but for a 7th character."""
    if system.get(code).billable:
        return True
    return system.get(system.children(code)[0]).seventh is not None


def _refine(system: CodeSystem, code: str, around: Surroundings) -> tuple[str, ...]:
    """Return the codes of the same condition that name what a code leaves open, else itself.

    Several where they add different words and all of them are documented.
    """
    told = {r: r.worth(around) for r in _refinements(system, code) if r.is_told(around)}
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
    return any(refinement.code in others for refinement in _refinements(system, code))


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


class _Profile(NamedTuple):
    """What a title says: words apart from sides, stages and what is taken for granted.

    Attributes:
        stems: Stems of its words.
        absent: Stems of what it says is not there ("without aura").
        accompanied: Those of its stems that come with the condition ("with aura").
        choices: Sites of which one is enough ("heel and midfoot", guideline I.A.14).
        attributes: Stages and degrees.
        side: Its side, where another code is its mirror image.
        granted: Stems of what is taken for granted, which may be documented all the same.
        open_words: How often it says that something is left open.
    """

    stems: frozenset[str]
    absent: frozenset[str]
    accompanied: frozenset[str]
    choices: frozenset[str]
    attributes: frozenset[str]
    side: str | None
    granted: frozenset[str]
    open_words: int

    def is_told(self, around: Surroundings) -> bool:
        """Tell whether all its words are documented, of a choice of sites one."""
        needed = self.stems - self.choices if around.tells_any(self.choices) else self.stems
        return around.tells(needed) and self.attributes <= around.attributes


@functools.lru_cache(maxsize=100_000)
def _profile(system: CodeSystem, code: str) -> _Profile:
    entry = system.get(code)
    plain = _GRANTED.sub(" ", _BRACKETED.sub(" ", entry.title))
    absent = text_stems(" ".join(_ABSENT.findall(plain)))
    plain = _ABSENT.sub(" ", plain)
    side = _mirrored_side(system, code)
    stems = text_stems(without_attributes(plain)) - _EMPTY_STEMS
    if side:
        stems -= _SIDE_STEMS
    return _Profile(
        stems=stems,
        absent=absent,
        accompanied=stems & text_stems(" ".join(_ACCOMPANIED.findall(plain))),
        choices=stems & _choices(plain.lower()),
        attributes=attributes(plain),
        side=side,
        granted=text_stems(" ".join(_GRANTED.findall(entry.title))),
        open_words=len(_OPEN.findall(entry.title)),
    )


def _choices(title: str) -> frozenset[str]:
    """Return the stems of single words for sites that a title joins."""
    pairs = [pair for pair in _JOINED.findall(title) if site_words().issuperset(pair)]
    return text_stems(" ".join(word for pair in pairs for word in pair))


def _larger_sites(stems: Collection[str]) -> frozenset[str]:
    """Return the stems of the larger sites that sites are part of."""
    return frozenset().union(*(larger_sites().get(s, frozenset()) for s in stems))


def _mirrored_side(system: CodeSystem, code: str) -> Side | None:
    """Return the side of a code; "right heart failure" has no mirror image and so no side.

    The mirror image stands beside the code or beside one above it that is of the same side.
    """
    entry = system.get(code)
    named = _sides_of(entry.title)
    if len(named) != 1 or entry.parent is None or entry.parent not in system:
        return None
    if named == _sides_of(system.get(entry.parent).title):
        return _mirrored_side(system, entry.parent)
    beside = (system.get(c).title for c in system.children(entry.parent))
    mirrored = any(_sides_of(title) - named for title in beside)
    return next(iter(named)) if mirrored else None


def _sides_of(title: str) -> frozenset[Side]:
    return frozenset(side for side, _, _ in sides(title))


class _Refinement(NamedTuple):
    """A more specific code, and what it adds to the open one."""

    code: str
    extra: _Profile

    def is_told(self, around: Surroundings) -> bool:
        """Tell whether all that it adds is documented, and nothing against it."""
        extra = self.extra
        ruled_out = bool(extra.absent) and around.tells(extra.absent)
        return extra.is_told(around) and extra.side in (None, around.side) and not ruled_out

    def worth(self, around: Surroundings) -> int:
        """Return how much of what it adds is documented."""
        extra = self.extra
        words = len(extra.stems) + len(extra.absent & around.absent)
        return words + 2 * len(extra.attributes) + (extra.side is not None)


@functools.lru_cache(maxsize=20_000)
def _refinements(system: CodeSystem, code: str) -> tuple[_Refinement, ...]:
    """Return the codes of a category that keep the words of a code and add to them."""
    if system.get(code).seventh or not _OPEN.search(system.get(code).title):
        return ()
    own = _profile(system, code)
    family = (c for c in _family(system, code[:3]) if c != code)
    extras = ((c, _addition(own, _profile(system, c))) for c in family if not _is_other(system, c))
    return tuple(_Refinement(c, extra) for c, extra in extras if extra)


def _is_other(system: CodeSystem, code: str) -> bool:
    return _RESIDUAL.search(system.get(code).title) is not None


def _addition(own: _Profile, their: _Profile) -> _Profile | None:
    """Return what a title adds to an open one; None where it adds nothing or takes some away."""
    kept = their.stems | _larger_sites(their.stems)
    graded = all(any(t.startswith(o) for t in their.attributes) for o in own.attributes)
    if not (graded and own.stems <= kept):  # stage 3a is of stage 3
        return None
    if own.side not in (None, their.side):
        return None
    side = their.side if own.side is None else None
    added = _Profile(
        stems=their.stems - own.stems,
        absent=their.absent - own.absent,
        accompanied=their.accompanied - own.stems,
        choices=their.choices - own.stems,
        attributes=their.attributes - own.attributes,
        side=side,
        granted=frozenset(),
        open_words=0,
    )
    return added if added.stems or added.attributes or side or added.absent else None


@functools.lru_cache(maxsize=2_000)
def _family(system: CodeSystem, category: str) -> tuple[str, ...]:
    """Return the codes of a category that are complete but for a 7th character."""
    found: list[str] = []
    waiting = [category]
    while waiting:
        code = waiting.pop()
        if _is_whole(system, code):
            found.append(code)
        else:
            waiting += system.children(code)
    return tuple(sorted(found))


class _Fit(NamedTuple):
    """How well a child fits; compared in this order."""

    support: float
    unspecified: bool
    residual_position: bool
    decided: bool


def _fit(system: CodeSystem, child: str, parent: _Profile, around: Surroundings) -> _Fit:
    own = _profile(system, child)
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
    unspecified = own.open_words > 0 and not _is_other(system, child)
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
    words = text_stems(meaning) - _SIDE_STEMS
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
