import pytest

from indexes.lexical import LexicalGenerator, LexicalIndex
from indexes.rows import Row, read_rows
from knowledge.note_text import Note

ROWS = [
    Row("title", "I50.9", "Heart failure"),
    Row("title", "I50.21", "Acute systolic heart failure"),
    Row("title", "J18.9", "Pneumonia"),
    Row("inclusion", "N17.9", "Acute kidney injury"),
    Row("synonym", "N17.9", "AKI"),
]


@pytest.fixture(scope="module")
def index():
    return LexicalIndex.build(ROWS)


def test_rows_that_the_text_covers_come_first(index):
    (first, *_rest) = index.search("admitted with heart failure", 5)
    assert (first.key, first.row.text) == ("I50.9", "Heart failure")


def test_of_two_covered_rows_the_more_specific_comes_first(index):
    keys = [hit.key for hit in index.search("acute systolic heart failure", 5)]
    assert keys[:2] == ["I50.21", "I50.9"]


def test_words_match_by_stem_and_case_does_not_matter(index):
    assert [hit.key for hit in index.search("PNEUMONIAS", 5)] == ["J18.9"]


def test_scores_are_shares(index):
    hits = index.search("heart failure, pneumonia, acute kidney injury, AKI", 5)
    assert all(0 < hit.score < 1 for hit in hits)
    half = next(hit for hit in index.search("acute", 5) if hit.key == "N17.9")
    whole = next(hit for hit in hits if hit.row.text == "Acute kidney injury")
    assert half.score < whole.score / 2


def test_unknown_words_find_nothing(index):
    assert index.search("zzz of the", 5) == []
    assert index.search("", 5) == []


def test_a_saved_index_finds_the_same(index, tmp_path):
    index.save(tmp_path)
    loaded = LexicalIndex.load(ROWS, tmp_path)
    query = "acute heart failure"
    assert loaded.search(query, 5) == index.search(query, 5)
    assert len(loaded) == len(index) == len(ROWS)


def test_the_same_rows_give_the_same_files(index, tmp_path):
    index.save(tmp_path / "a")
    LexicalIndex.build(ROWS).save(tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_candidates_name_their_words(small_artefacts):
    generator = LexicalGenerator.load(small_artefacts, read_rows(small_artefacts.rows))
    note = Note.parse("No fever. Acute kidney failure and pneumonia.")
    ranked = generator.candidates(note, 10)
    by_code = {c.code: c for c in ranked}
    assert note.slice(by_code["J18.9"].mentions[0].span) == "pneumonia"
    assert by_code["N17.9"].mentions[0].source == "bm25"
    assert len(by_code) == len(ranked) <= 10
    assert generator.candidates(Note.parse(""), 10) == []


def test_search_gives_each_code_once(small_artefacts):
    generator = LexicalGenerator.load(small_artefacts, read_rows(small_artefacts.rows))
    keys = [hit.key for hit in generator.search("acute kidney failure", 5)]
    assert keys[0].startswith("N17")
    assert len(set(keys)) == len(keys) == 5
