"""The untrained generators with part of their wordings, to measure what each part is worth."""

from collections.abc import Mapping, Sequence, Set
from typing import Literal, NamedTuple, get_args

from indexes.artefacts import Artefacts
from indexes.bundle import Bundle
from indexes.candidates import CandidateGenerator
from indexes.lexical import LexicalGenerator, LexicalIndex
from indexes.rows import RowKind, read_rows
from indexes.term_table import Term, TermKind, code_terms, read_terms, table_of
from indexes.terms import TermGenerator
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems.base import CodeSystem

Wordings = Literal["all", "descriptions", "titles", "synonyms"]
WORDINGS: tuple[Wordings, ...] = get_args(Wordings)


class _Kinds(NamedTuple):
    """What a choice of wordings keeps.

    Attributes:
        rows: Of the dense and the lexical index.
        terms: Of the term table.
        synonyms: Whether abbreviations are expanded.
    """

    rows: Set[RowKind]
    terms: Set[TermKind]
    synonyms: bool


_KINDS: Mapping[Wordings, _Kinds] = {
    "descriptions": _Kinds({"title", "inclusion"}, {"title", "inclusion"}, synonyms=False),
    "titles": _Kinds({"title"}, {"title"}, synonyms=False),
    "synonyms": _Kinds({"synonym"}, {"synonym", "mesh", "icd9", "form"}, synonyms=True),
}


def untrained_generators(
    wordings: Wordings, artefacts: Artefacts, bundle: Bundle, system: CodeSystem
) -> Sequence[CandidateGenerator]:
    """Return the generators that learned nothing from coded notes, limited to some wordings.

    Args:
        wordings: "descriptions" are titles and inclusion terms, "titles" those alone, "synonyms"
            our own, the variants of MeSH, titles of other editions, other forms of words and
            abbreviations. A synonym that words a code as its description does counts as
            description.
        artefacts: The files.
        bundle: The generators with all wordings.
        system: The code system of the artefacts.
    """
    if wordings == "all":
        return bundle.generators
    kinds = _KINDS[wordings]
    rows = [row for row in read_rows(artefacts.rows) if row.kind in kinds.rows]
    return (
        TermGenerator(
            _terms(kinds, artefacts, system),
            system,
            load_abbreviations() if kinds.synonyms else (),
            bundle.known_words,
        ),
        bundle.figures,
        bundle.circumstances,
        bundle.dense.among(kinds.rows),
        LexicalGenerator(LexicalIndex.build(rows)),
    )


def _terms(kinds: _Kinds, artefacts: Artefacts, system: CodeSystem) -> list[Term]:
    # The stored table keeps one kind of a wording, synonyms first: it lacks some of the titles.
    known = read_terms(artefacts.terms) if kinds.synonyms else code_terms(system)
    return table_of(term for term in known if term.kind in kinds.terms)
