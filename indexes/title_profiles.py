"""What code titles say, taken apart: the condition, its side, stage and company.

A title is compared with what stands around a mention (`indexes.surroundings`) and with the titles
of its category: `refinements` are the codes that keep the words of a code and add to them.
"""

import functools
import re
from collections.abc import Collection
from typing import NamedTuple

from indexes.implications import larger_sites
from indexes.surroundings import Side, Surroundings, attributes, sides, without_attributes
from indexes.tokens import text_stems
from knowledge.body_sites import site_words
from knowledge.code_systems.base import CodeSystem

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
SIDE_STEMS = frozenset({"right", "left", "bilater"})
# Words of titles that name nothing by themselves.
_EMPTY_STEMS = frozenset({"region", "level", "joint", "phase"})


class Profile(NamedTuple):
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
def profile(system: CodeSystem, code: str) -> Profile:
    """Return what the title of a code says."""
    entry = system.get(code)
    plain = _GRANTED.sub(" ", _BRACKETED.sub(" ", entry.title))
    absent = text_stems(" ".join(_ABSENT.findall(plain)))
    plain = _ABSENT.sub(" ", plain)
    side = _mirrored_side(system, code)
    stems = text_stems(without_attributes(plain)) - _EMPTY_STEMS
    if side:
        stems -= SIDE_STEMS
    return Profile(
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


class Refinement(NamedTuple):
    """A more specific code, and what it adds to the open one."""

    code: str
    extra: Profile

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
def refinements(system: CodeSystem, code: str) -> tuple[Refinement, ...]:
    """Return the codes of a category that keep the words of a code and add to them."""
    if system.get(code).seventh or not _OPEN.search(system.get(code).title):
        return ()
    own = profile(system, code)
    family = (c for c in _family(system, code[:3]) if c != code)
    extras = ((c, _addition(own, profile(system, c))) for c in family if not is_other(system, c))
    return tuple(Refinement(c, extra) for c, extra in extras if extra)


def is_other(system: CodeSystem, code: str) -> bool:
    """Tell whether a title names what no other title does."""
    return _RESIDUAL.search(system.get(code).title) is not None


def _addition(own: Profile, their: Profile) -> Profile | None:
    """Return what a title adds to an open one; None where it adds nothing or takes some away."""
    kept = their.stems | _larger_sites(their.stems)
    graded = all(any(t.startswith(o) for t in their.attributes) for o in own.attributes)
    if not (graded and own.stems <= kept):  # stage 3a is of stage 3
        return None
    if own.side not in (None, their.side):
        return None
    side = their.side if own.side is None else None
    added = Profile(
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
        if is_whole(system, code):
            found.append(code)
        else:
            waiting += system.children(code)
    return tuple(sorted(found))


def is_whole(system: CodeSystem, code: str) -> bool:
    """Tell whether a code is complete but for a 7th character."""
    if system.get(code).billable:
        return True
    return system.get(system.children(code)[0]).seventh is not None
