import numpy as np
import pytest

from indexes.artefacts import Artefacts
from indexes.dense import DenseGenerator, DenseIndex, build_faiss, factory_string
from indexes.rows import Row, read_rows
from knowledge.note_text import Note

NOTE = """Presented with shortness of breath and swollen legs.
Admitted for heart attack. He also fell and broke his hip.
"""


@pytest.fixture(scope="module")
def generator(small_artefacts, encoder):
    return DenseGenerator.load(small_artefacts, encoder, read_rows(small_artefacts.rows))


def test_paraphrases_are_found_with_the_words_that_say_so(generator):
    note = Note.parse(NOTE)
    found = {c.code: c for c in generator.candidates(note, 40)}
    infarction = found["I21.9"]
    assert note.slice(infarction.mentions[0].span) == "Admitted for heart attack"
    assert any(code.startswith("S72.0") for code in found)
    assert infarction.sources == {"dense": infarction.score}
    assert infarction.score == infarction.mentions[0].score


def test_ranking_is_sorted_distinct_and_cut(generator):
    for k in (1, 5, 200):
        ranked = generator.candidates(Note.parse(NOTE), k)
        assert len(ranked) <= k
        assert len({c.code for c in ranked}) == len(ranked)
        scores = [c.score for c in ranked]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= m.score <= 1 for c in ranked for m in c.mentions)


def test_candidates_exist_and_carry_no_seventh_character(generator, system):
    for candidate in generator.candidates(Note.parse(NOTE), 200):
        assert system.get(candidate.code).seventh is None


def test_a_note_without_words_has_no_candidates(generator):
    assert generator.candidates(Note.parse(""), 10) == []
    assert generator.candidates(Note.parse("120/80 ... 37.2"), 10) == []


def test_search_gives_codes(generator):
    codes = generator.search("kidney failure", 3)
    assert [hit.key[:3] for hit in codes] == ["N17"] * 3
    assert len({hit.key for hit in codes}) == 3


def test_bundled_index_knows_common_conditions(system, encoder):
    artefacts = Artefacts.bundled()
    artefacts.verify(system, encoder)
    generator = DenseGenerator.load(artefacts, encoder, read_rows(artefacts.rows))
    for text, code in {
        "stroke": "I63.9",
        "high blood pressure": "I10",
        "broken hip": "S72.00",
    }.items():
        assert code in {hit.key for hit in generator.search(text, 10)}, text


def test_compressed_index_keeps_most_neighbours():
    random = np.random.default_rng(0)
    vectors = random.standard_normal((10_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [Row("title", f"{i}", f"{i}") for i in range(len(vectors))]
    assert (factory_string(9_999), factory_string(10_000)) == ("Flat", "IVF256,SQ4")
    index = build_faiss(vectors)
    index.nprobe = 32
    found = DenseIndex(rows, index).positions(vectors[:200], 10)
    assert np.mean([i in near for i, near in enumerate(found)]) > 0.95
