"""The shorter wordings that the grammar of code titles holds, as an index in main-term form.

A title such as "Contusion of shoulder and upper arm" or "Laceration without foreign body of
forearm" names more, or more exactly, than a note does. Read as main term, sites and modifiers it
gives the wordings of a note: "and" between sites means "and/or" (guideline section I.A.14), what is
left open or taken for granted ("unspecified part of", "without foreign body", a displaced fracture,
I.C.19.c.1) goes unsaid, and the side is documented on its own. Nothing is listed by hand: the
alternatives are told from each other by the words with which the parts of other titles end.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import product

from indexes.term_table import Term, is_residual, make_term, plain_wording
from indexes.tokens import text_stems
from knowledge.code_systems.base import CodeSystem

# Circumstances and factors are no findings at a site.
_WITHOUT_SITES = frozenset("UVWXYZ")
# Chapters whose titles list several findings of one site, any of which is meant.
_LISTING_FINDINGS = frozenset("LR")
_DEFAULTS = re.compile(
    r"\b(?:without (?:current |mention of )?"
    r"(?:foreign body|damage to nail|penetration into (?:[a-z]+ cavity|retroperitoneum)"
    r"|intercondylar fracture|obstruction or gangrene|perforation or abscess)"
    r"|unilateral|localized (?=swelling)"
    r"|(?:non)?displaced(?= [a-z ]*fracture))"
)
# Titles without any of these hold no wording but their own.
_TRIGGER = re.compile(
    r"\b(?:and|or|without|unilateral|localized|(?:non)?displaced|right|left|except|excluding)\b"
    r"|\bother than\b|\bof unspecified [a-z ]+ of\b"
)
_JOINED = re.compile(r"\b(?:and|or)\b")
_END = re.compile(r"([a-z-]+)(?=,| of | in | to | on | with | at |$)")
_OPEN_PART = re.compile(r"\bof unspecified (?:[a-z]+ ){1,2}(?=of\b)")
_EXCEPTION = re.compile(r",?\s*\b(?:except|excluding|other than)\b.*")
_SIDE = re.compile(r"\b(?:right|left)\b")
_SIDES = re.compile(r"(?:,\s*)?\b(?:right|left)\b")
_LIST = re.compile(r"([a-z]+(?: [a-z]+)?), (?=[a-z]+(?: [a-z]+)?,? (?:and|or) [a-z])")
_PART = re.compile(r"(\s*,\s*|\s+(?:of|in|to|on|from|by|with|due to|involving|at)\s+)")
_OR = re.compile(r",?\s+(?:and/or|and|or)\s+")
# What follows these words is a condition of its own, no choice of sites.
_BINDING = frozenset({"with", "due to", "involving", "by", "from"})
_MAX_WORDINGS = 8
# Parts that name no site by themselves.
_NO_SITES = frozenset(
    {"area", "body", "disease", "organ", "other", "part", "region", "site", "sites"}
)
_MIN_HEAD_TITLES = 2


def composed_terms(terms: Iterable[Term], system: CodeSystem) -> list[Term]:
    """Return terms for the shorter wordings of titles, none of which is a term already.

    Args:
        terms: The term table; its titles are read.
        system: The code system of the terms.
    """
    terms = list(terms)
    known = {term.stems for term in terms}
    titles = [term for term in terms if _has_sites(term)]
    texts = {term.text.lower() for term in titles}
    heads = _heads(texts)
    composed: dict[frozenset[str], Term] = {}
    for title in titles:
        text = title.text.lower()
        if not _TRIGGER.search(text):
            continue
        parts = _parts(_without_side(text, texts))
        findings = title.code[0] in _LISTING_FINDINGS
        for separators_and_parts in _choices(parts, heads, findings=findings):
            stems = frozenset().union(*map(_stems, separators_and_parts))
            if len(stems) < 2 or stems in known or stems in composed:
                continue
            code = _code_without_side(title, texts, system)
            if term := make_term("title", code, "".join(separators_and_parts)):
                composed[term.stems] = term
    return list(composed.values())


def _has_sites(term: Term) -> bool:
    return (
        term.kind == "title" and term.code[0] not in _WITHOUT_SITES and not is_residual(term.text)
    )


def _without_side(title: str, titles: Set[str]) -> str:
    """Return a title without its side, where another title is its mirror image."""
    mirrored = _SIDE.sub(lambda m: "left" if m.group() == "right" else "right", title)
    return _SIDES.sub(" ", title) if mirrored != title and mirrored in titles else title


def _code_without_side(title: Term, titles: Set[str], system: CodeSystem) -> str:
    """Return the code that leaves the side open, for a title that names one."""
    text = title.text.lower()
    parent = system.get(title.code).parent
    sided = _without_side(text, titles) != text
    return parent if sided and parent is not None and parent in system else title.code


def _parts(title: str) -> list[str]:
    """Split a title at commas and prepositions; separators stand at the odd places."""
    plain = plain_wording(_OPEN_PART.sub("", title.lower()))
    plain = _EXCEPTION.sub("", _DEFAULTS.sub(" ", plain))
    plain = _LIST.sub(r"\1 and ", " ".join(plain.split()))
    return _PART.split(plain.strip(" ,"))


def _heads(titles: Iterable[str]) -> frozenset[str]:
    """Return the words with which parts of titles that join nothing end: they may stand alone."""
    ends = Counter(
        end for title in titles if not _JOINED.search(title) for end in _END.findall(title)
    )
    return frozenset(w for w, count in ends.items() if count >= _MIN_HEAD_TITLES)


def _choices(
    parts: Sequence[str], heads: frozenset[str], *, findings: bool
) -> Iterator[tuple[str, ...]]:
    """Yield the parts with one choice each; of the first part where it lists findings."""
    lists = findings and len(parts) > 1 and parts[1].strip() in {",", "of"}
    choices: list[list[str]] = [_OR.split(parts[0]) if lists else [parts[0]]]
    for separator, part in zip(parts[1::2], parts[2::2], strict=True):
        choices.append([separator])
        choices.append([part] if separator.strip() in _BINDING else _alternatives(part, heads))
    for number, chosen in enumerate(product(*choices)):
        if number == _MAX_WORDINGS:
            return
        yield chosen


def _alternatives(part: str, heads: frozenset[str]) -> list[str]:
    """Return the choices that a part joins by "and"; the part itself where it joins none."""
    names = [name.strip() for name in _OR.split(part) if name.strip()]
    return names if len(names) > 1 and all(_may_stand_alone(n, heads) for n in names) else [part]


def _may_stand_alone(name: str, heads: Set[str]) -> bool:
    return name not in _NO_SITES and "other" not in name and name.split()[-1] in heads


@lru_cache(maxsize=50_000)
def _stems(part: str) -> frozenset[str]:
    return text_stems(part)
