import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.candidates import Candidate, Mention
from indexes.ranker.features import FeatureBuilder, proposals
from indexes.ranker.priors import CodePriors
from indexes.ranker.track_record import Proposal, Tally, TrackRecord
from knowledge.note_text import Note, Span

COUGH = Proposal("terms", "R05.9", "cough")
NOTES = [
    ([COUGH, Proposal("dense", "R05.9", "")], {"R05.9", "J18.9"}),
    ([COUGH], {"R05.3"}),
    ([COUGH, Proposal("terms", "R05.9", "tussis")], {"I10"}),
]

some_proposals = st.builds(
    Proposal,
    st.sampled_from(["terms", "dense"]),
    st.sampled_from(["R05.9", "R05.3", "I10"]),
    st.sampled_from(["", "cough", "high blood pressure"]),
)
some_notes = st.lists(
    st.tuples(st.sets(some_proposals), st.sets(st.sampled_from(["R05.9", "R05.3", "I10"])))
)


def test_proposals_are_counted_by_what_came_of_them():
    record = TrackRecord.of(NOTES)
    assert record.of_wording("terms", "R05.9", "cough") == Tally(3, 1, 2)
    assert record.of_wording("terms", "R05.9", "tussis") == Tally(1, 0, 0)
    assert record.of_code("terms", "R05.9") == Tally(4, 1, 2)
    assert record.of_code("dense", "R05.9") == record.totals["dense"] == Tally(1, 1, 1)
    assert record.of_code("terms", "I10") == record.of_code("bm25", "R05.9") == Tally(0, 0, 0)


def test_a_share_is_drawn_to_that_of_all_proposals():
    total = Tally(10, 5, 8)
    assert Tally(0, 0, 0).share_right(total) == 0.5
    assert Tally(2, 0, 2).share_right(total) == pytest.approx(1 / 4)
    assert Tally(2, 0, 2).share_near(total) == pytest.approx((2 + 1.6) / 4)
    assert Tally(0, 0, 0).share_right(Tally(0, 0, 0)) == 0.0


@given(some_notes)
def test_a_record_survives_json(notes):
    record = TrackRecord.of(notes)
    again = TrackRecord.from_json(orjson.loads(orjson.dumps(record.to_json())))
    assert again.to_json() == record.to_json()
    assert again.totals == record.totals


@given(some_notes)
def test_counts_add_up(notes):
    record = TrackRecord.of(notes)
    assert sum(t.proposed for t in record.totals.values()) == sum(len(p) for p, _ in notes)
    for generator, by_code in record.tallies.items():
        for code in by_code:
            tally = record.of_code(generator, code)
            assert 0 <= tally.right <= tally.near <= tally.proposed


@given(some_notes, st.sets(st.sampled_from(["R05.9", "I10"])))
def test_codes_that_did_not_exist_were_never_proposed(notes, unborn):
    left = TrackRecord.of(notes).without(unborn)
    kept = [([p for p in found if p.code not in unborn], gold) for found, gold in notes]
    for generator in ("terms", "dense"):
        for code in ("R05.9", "R05.3", "I10"):
            assert left.of_code(generator, code) == TrackRecord.of(kept).of_code(generator, code)


def _candidate(code, source, term):
    mention = Mention(Span(0, 5), 0.8, term, source)
    return Candidate(code, 0.8, (mention,), {source: 0.8})


def test_learned_generators_have_no_record_and_long_rankings_one_of_their_first_places():
    long = [_candidate(f"A{n:02}", "dense", "some row") for n in range(40)]
    rankings = {
        "terms": [_candidate("R05.9", "terms", "Cough")],
        "dense": long,
        "mentions": [_candidate("R05.9", "mentions", "cough")],
    }
    found = list(proposals(rankings))
    assert found[0] == COUGH
    assert [p.code for p in found[1:]] == [f"A{n:02}" for n in range(15)]
    assert {(p.generator, p.wording) for p in found[1:]} == {("dense", "")}


def test_the_ranker_sees_the_record(system):
    code_sets, proposed = [gold for _, gold in NOTES], [found for found, _ in NOTES]
    priors = CodePriors.of(code_sets, proposed)
    rankings = {
        "terms": [_candidate("R05.9", "terms", "Cough"), _candidate("I10", "terms", "hypertension")]
    }
    named = FeatureBuilder(system, priors).named(Note.parse("Cough."), rankings)
    assert named["R05.9"]["terms.proposed"] == 4
    assert named["R05.9"]["terms.record"] == pytest.approx((1 + 2 / 4) / 6)
    assert named["R05.9"]["terms.record_category"] == pytest.approx((2 + 2 * 2 / 4) / 6)
    assert named["R05.9"]["terms.record_wording"] == pytest.approx((1 + 2 / 4) / 5)
    assert named["I10"]["terms.proposed"] == 0
    assert named["I10"]["terms.record"] == pytest.approx(1 / 4)
    unborn = FeatureBuilder(system, priors.without({"R05.9"})).named(Note.parse("Cough."), rankings)
    assert unborn["R05.9"].get("terms.proposed", 0) == 0


def test_counts_and_record_survive_the_card():
    priors = CodePriors.of([gold for _, gold in NOTES], [found for found, _ in NOTES])
    assert CodePriors.from_json(priors.to_json()).to_json() == priors.to_json()
