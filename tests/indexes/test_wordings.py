import functools

import pytest

from indexes.artefacts import Artefacts
from indexes.bundle import load_bundle
from indexes.wordings import untrained_generators
from knowledge.note_text import Note

# By title, by inclusion term and by synonym.
NOTE = Note.parse(
    "Acute kidney failure. Acute tubular necrosis. She had a heart attack. Fever. BMI 31.2."
)


@pytest.fixture(scope="module")
def bundle(system, small_artefacts):
    return load_bundle(system, small_artefacts.directory, with_learned=False)


@pytest.fixture(scope="module")
def found(bundle, small_artefacts, system):
    """The terms behind the candidates of each generator, by wordings."""

    @functools.cache
    def terms(wordings):
        generators = untrained_generators(wordings, small_artefacts, bundle, system)
        return {
            g.name: {m.term for c in g.candidates(NOTE, 50) for m in c.mentions} for g in generators
        }

    return terms


@pytest.mark.parametrize(
    ("wordings", "kinds"),
    [
        ("descriptions", {"title", "inclusion"}),
        ("titles", {"title"}),
        ("synonyms", {"synonym"}),
    ],
)
def test_limited_indexes_find_rows_of_their_kinds_alone(found, bundle, wordings, kinds):
    allowed = {row.text for row in bundle.dense._index.rows if row.kind in kinds}
    terms = found(wordings)
    for name in ("dense", "bm25"):
        assert terms[name], name
        assert terms[name] <= allowed, name


def test_the_term_look_up_knows_its_kinds_alone(found):
    assert "heart attack" in found("synonyms")["terms"]
    assert "Acute kidney failure" not in found("synonyms")["terms"]
    for wordings in ("descriptions", "titles"):
        assert "heart attack" not in found(wordings)["terms"]
        assert "Acute kidney failure" in found(wordings)["terms"]
    assert "Acute tubular necrosis" in found("descriptions")["terms"]
    assert "Acute tubular necrosis" not in found("titles")["terms"]


def test_all_wordings_are_the_generators_themselves(bundle, small_artefacts, system):
    assert untrained_generators("all", small_artefacts, bundle, system) == bundle.generators


def test_the_shipped_index_is_limited_too(system):
    """It has inverted lists, which FAISS limits by other parameters than a flat index."""
    artefacts = Artefacts.bundled()
    bundle = load_bundle(system, artefacts.directory, with_learned=False)
    dense = bundle.dense.among({"synonym"})
    rows = {row.text for row in bundle.dense._index.rows if row.kind == "synonym"}
    terms = {m.term for c in dense.candidates(NOTE, 50) for m in c.mentions}
    assert terms
    assert terms <= rows
    # The whole index is not changed by its limited view.
    assert not {m.term for c in bundle.dense.candidates(NOTE, 50) for m in c.mentions} <= rows
