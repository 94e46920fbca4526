import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.candidates import Candidate, Mention
from indexes.fusion import reciprocal_rank_fusion
from knowledge.note_text import Span


def candidate(code, score, source, *mentions):
    found = tuple(Mention(Span(a, b), s, term, source) for a, b, s, term in mentions)
    return Candidate(code, score, found, {source: score})


def test_sums_by_hand():
    dense = [candidate("A00", 0.9, "dense"), candidate("B01", 0.8, "dense")]
    bm25 = [candidate("B01", 12.0, "bm25"), candidate("C02", 7.0, "bm25")]
    fused = reciprocal_rank_fusion({"dense": dense, "bm25": bm25})
    assert [c.code for c in fused] == ["B01", "A00", "C02"]
    assert [c.score for c in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert fused[0].sources == {"dense": 0.8, "bm25": 12.0}


def test_weights_and_k():
    rankings = {"a": [candidate("A00", 1, "a")], "b": [candidate("B01", 1, "b")]}
    fused = reciprocal_rank_fusion(rankings, k=0, weights={"b": 2.0})
    assert [(c.code, c.score) for c in fused] == [("B01", 2.0), ("A00", 1.0)]


def test_unknown_weight_is_refused():
    with pytest.raises(ValueError, match="unknown generators: dens"):
        reciprocal_rank_fusion({"dense": []}, weights={"dens": 1.0})


def test_equal_sums_are_ordered_by_code():
    rankings = {"a": [candidate("B01", 1, "a")], "b": [candidate("A00", 1, "b")]}
    assert [c.code for c in reciprocal_rank_fusion(rankings)] == ["A00", "B01"]


def test_mentions_are_merged_best_first_and_the_first_generator_keeps_a_shared_span():
    dense = [candidate("A00", 1, "dense", (0, 5, 0.5, "one"), (7, 9, 0.4, "two"))]
    bm25 = [candidate("A00", 1, "bm25", (0, 5, 0.8, "three"), (10, 12, 0.7, "four"))]
    (fused,) = reciprocal_rank_fusion({"dense": dense, "bm25": bm25})
    assert [(m.span, m.term, m.source) for m in fused.mentions] == [
        (Span(10, 12), "four", "bm25"),
        (Span(0, 5), "one", "dense"),
        (Span(7, 9), "two", "dense"),
    ]


def test_nothing_gives_nothing():
    assert reciprocal_rank_fusion({}) == []
    assert reciprocal_rank_fusion({"dense": []}) == []


CODES = st.lists(st.sampled_from([f"A{i:02}" for i in range(30)]), unique=True)


@given(CODES, CODES)
def test_every_code_once_and_the_order_of_generators_does_not_matter(left, right):
    a = [candidate(code, 1, "a") for code in left]
    b = [candidate(code, 1, "b") for code in right]
    fused = reciprocal_rank_fusion({"a": a, "b": b})
    assert sorted(c.code for c in fused) == sorted({*left, *right})
    assert [c.code for c in fused] == [c.code for c in reciprocal_rank_fusion({"b": b, "a": a})]
    scores = [c.score for c in fused]
    assert scores == sorted(scores, reverse=True)
