from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.encoder import load_encoder
from indexes.remembering_encoder import RememberingEncoder

WORDS = ("fever", "cough", "renal colic", "syncope", "gout", "")


class CountingEncoder:
    """The bundled encoder, with a record of what it was asked."""

    def __init__(self, encoder):
        self._encoder = encoder
        self.name, self.dimension = encoder.name, encoder.dimension
        self.fingerprint = encoder.fingerprint
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        return self._encoder.encode(texts)


@pytest.fixture(scope="module")
def plain():
    return load_encoder(threads=1)


@pytest.fixture(scope="module")
def expected(plain):
    return dict(zip(WORDS, plain.encode(WORDS), strict=True))


def test_it_passes_for_the_encoder_it_wraps(plain):
    remembering = RememberingEncoder(plain)
    assert remembering.name == plain.name
    assert remembering.dimension == plain.dimension
    assert remembering.fingerprint == plain.fingerprint
    assert remembering.encode([]).shape == (0, plain.dimension)


def test_a_text_is_encoded_once(plain):
    counting = CountingEncoder(plain)
    remembering = RememberingEncoder(counting)
    remembering.encode(["fever", "cough", "fever"])
    remembering.encode(["cough", "gout"])
    assert counting.asked == ["fever", "cough", "gout"]


def test_what_was_longest_not_asked_for_is_forgotten(plain):
    counting = CountingEncoder(plain)
    remembering = RememberingEncoder(counting, limit=2)
    for text in ("fever", "cough", "fever", "gout", "fever", "cough"):
        remembering.encode([text])
    assert counting.asked == ["fever", "cough", "gout", "cough"]


def test_changing_a_result_does_not_change_the_memory(plain, expected):
    remembering = RememberingEncoder(plain)
    for _ in range(2):
        vectors = remembering.encode(["fever"])
        np.testing.assert_array_equal(vectors[0], expected["fever"])
        vectors[:] = 0


@given(
    calls=st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=6),
    limit=st.integers(0, 4),
)
def test_vectors_are_those_of_the_encoder_whatever_is_remembered(plain, expected, calls, limit):
    remembering = RememberingEncoder(plain, limit)
    for texts in calls:
        vectors = remembering.encode(texts)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(texts), plain.dimension)
        for text, vector in zip(texts, vectors, strict=True):
            np.testing.assert_array_equal(vector, expected[text])


def test_threads_share_it(plain, expected):
    remembering = RememberingEncoder(plain, limit=2)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda i: remembering.encode(WORDS[i % 5 :]), range(40)))
    for i, vectors in enumerate(results):
        np.testing.assert_array_equal(vectors, [expected[word] for word in WORDS[i % 5 :]])
