import numpy as np
import pytest

from indexes.artefacts import Artefacts
from indexes.build import build
from indexes.dense import DenseIndex, write_index
from indexes.row_reuse import index_from
from indexes.rows import Row

NEW = [
    Row("index", "J18.9", "a chest cold that went down"),
    Row("index", "N17.9", "kidneys that have shut down"),
    Row("drug", "T39.011A", "a chest cold that went down"),
]


@pytest.fixture(scope="module")
def former(tmp_path_factory, system, encoder, small_content):
    """A compressed index, as the shipped one is, of a few hundred rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexes.dense.FACTORY", "IVF4,SQ4")
        patch.setattr("indexes.dense._LEAST_ROWS", 100)
        patch.setenv("ICD_AGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        artefacts = Artefacts(tmp_path_factory.mktemp("former"))
        build(artefacts, system, encoder, small_content, lambda done, total: None)
        yield artefacts


def test_only_new_wordings_are_encoded(former, encoder, small_content):
    asked = []

    def encode(rows):
        asked.extend(row.text for row in rows)
        return encoder.encode([row.text for row in rows])

    rows = [*NEW, *small_content.rows[:150:-1]]
    taken = index_from(rows, former, encoder, encode)
    assert taken is not None
    assert asked == [NEW[0].text, NEW[1].text]  # a text that stands twice is encoded once
    assert taken.reused == len(rows) - len(NEW)
    index = DenseIndex(rows, taken.index)
    assert len(index) == len(rows)
    texts = [row.text for row in rows[:40]]
    for text, (best, *_) in zip(texts, index.search(encoder.encode(texts), 5), strict=True):
        assert best.row.text.lower() == text.lower()  # the encoder knows no capitals
        assert best.score == pytest.approx(1, abs=0.1)


def nothing_is_new(rows):
    raise AssertionError(f"{len(rows)} rows are encoded")


def test_the_same_wordings_take_the_index_as_it_is(former, encoder, small_content, tmp_path):
    taken = index_from(small_content.rows, former, encoder, nothing_is_new)
    assert taken.reused == len(small_content.rows)
    write_index(tmp_path / "again.faiss", taken.index)
    assert (tmp_path / "again.faiss").read_bytes() == former.code_index.read_bytes()


def test_taking_everything_over_changes_next_to_nothing(former, encoder, small_content):
    backwards = small_content.rows[::-1]
    taken = index_from(backwards, former, encoder, nothing_is_new)
    before = DenseIndex.load(small_content.rows, former.code_index)
    queries = encoder.encode([row.text for row in small_content.rows[::20]])
    pairs = zip(
        before.search(queries, 10),
        DenseIndex(backwards, taken.index).search(queries, 10),
        strict=True,
    )
    shared = [len({h.row for h in a} & {h.row for h in b}) / len(a) for a, b in pairs]
    assert np.mean(shared) > 0.95


def test_vectors_of_another_encoder_are_not_taken_over(former, encoder, small_content):
    class Another:
        fingerprint = "of other weights"
        dimension = encoder.dimension

    assert index_from(small_content.rows, former, Another(), encoder.encode) is None


def test_an_index_of_few_rows_is_built_anew(former, encoder, small_content):
    assert index_from(small_content.rows[:50], former, encoder, encoder.encode) is None
