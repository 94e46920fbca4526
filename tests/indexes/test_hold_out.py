"""Codes that are held out leave no trace in anything that learns."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.bundle import load_bundle
from indexes.coded_notes import data_identity
from indexes.hold_out import draw_codes, hide, without_codes
from indexes.line_learning import learn_lines
from indexes.mention_learning import learn_mentions
from indexes.plm_icd.config import PLMConfig
from indexes.ranker.pool import pool
from indexes.ranker.priors import CodePriors
from indexes.training import Workshop, cross_fitted_features, learned_generators
from knowledge.note_text import Note

CODES = ("D50.9", "E11.9", "I10", "J18.1", "N39.0", "R51")
some_codes = st.sets(st.sampled_from(CODES), min_size=1, max_size=5)
code_sets = st.lists(st.frozensets(st.integers(0, 60).map("A{:02}".format)), min_size=1)


@contextlib.contextmanager
def _no_bar(title):
    yield lambda done, total: None


@pytest.fixture(scope="module")
def bundle(system):
    return load_bundle(system, with_learned=False)


@pytest.fixture(scope="module")
def shop(bundle, system, tmp_path_factory):
    return Workshop(
        system=system,
        encoder=bundle.encoder,
        untrained=bundle.generators,
        known_words=bundle.known_words,
        plm=PLMConfig(),
        folder=tmp_path_factory.mktemp("work"),
        progress=_no_bar,
        on_epoch=lambda model, epoch: None,
        index_identity=bundle.identity,
        folds=2,
        hidden_share=0.4,
    )


@settings(deadline=None)
@given(code_sets, st.floats(0.05, 0.95), st.integers(0, 5))
def test_the_share_is_drawn_from_every_frequency(sets, share, seed):
    counts = CodePriors.of(sets).counts
    wanted = round(share * len(counts))
    drawn = draw_codes(sets, share, seed)
    assert drawn == draw_codes(reversed(sets), share, seed)
    assert len(drawn) == wanted
    assert drawn <= counts.keys()
    if not wanted:
        return
    # No stratum is larger than this, and each gave one: the most frequent codes among them.
    largest = -(-len(counts) // wanted)
    frequencies = sorted(counts.values(), reverse=True)
    assert max(counts[code] for code in drawn) >= frequencies[largest - 1]


@settings(deadline=None)
@given(some_codes)
def test_nothing_in_a_note_tells_of_a_code_that_was_held_out(coded_notes, held_out):
    for coded in coded_notes:
        left = without_codes(coded, held_out)
        told = [
            *left.codes,
            *(item.code for item in left.evidence),
            *(left.row.codes or ()),
            *(item.code for item in left.row.evidence),
        ]
        assert held_out.isdisjoint(told)
        assert left.note.text == left.row.text == coded.row.text
        assert left.codes == coded.codes - held_out
        assert [e for e in coded.evidence if e.code not in held_out] == list(left.evidence)


@settings(max_examples=6, deadline=None)
@given(some_codes)
def test_nothing_that_learned_knows_a_code_that_was_held_out(coded_notes, bundle, system, held_out):
    notes = [without_codes(coded, held_out) for coded in coded_notes]
    mentions = learn_mentions(notes)
    assert held_out.isdisjoint(r.code for ngram in mentions.ngrams for r in ngram.readings)
    assert held_out.isdisjoint(learn_lines(notes, bundle.encoder, system).codes)
    assert held_out.isdisjoint(CodePriors.of(coded.codes for coded in notes).counts)


def test_features_of_a_held_out_code_come_from_its_wordings_alone(coded_notes, shop):
    notes = [without_codes(coded, {"N39.0"}) for coded in coded_notes]
    features = cross_fitted_features(notes, shop, unborn={"N39.0"})
    from_notes = ("mentions", "lines", "prior", "terms.proposed", "dense.proposed")
    learned = [n for n, name in enumerate(features.names) if name in from_notes]
    rows = [
        note.values[note.codes.index("N39.0")] for note in features.notes if "N39.0" in note.codes
    ]
    assert rows, "its title finds it all the same"
    assert not np.nan_to_num(np.array(rows)[:, learned]).any()
    assert not any("N39.0" in note.gold for note in features.notes)


def test_hidden_candidates_look_as_if_they_had_been_held_out(coded_notes, shop):
    features = cross_fitted_features(coded_notes, shop)
    names = list(features.names)
    hidden = {code for note in features.notes for code in note.hidden.codes}
    assert hidden < set(CODES)
    for note in features.notes:
        for code, values in zip(note.hidden.codes, note.hidden.values, strict=True):
            assert np.isnan(values[[names.index("mentions"), names.index("lines")]]).all()
            assert values[names.index("prior")] == 0.0
            assert np.nan_to_num(values[names.index("terms.proposed")]) == 0.0
            known = note.values[note.codes.index(code)]
            terms = names.index("terms")
            assert values[terms] == pytest.approx(known[terms], nan_ok=True)


def test_without_wordings_a_held_out_code_is_out_of_reach(coded_notes, bundle, shop, system):
    note = Note.parse("Today she reports a severe headache.")
    notes = [without_codes(coded, {"R51"}) for coded in coded_notes]
    before = pool(note, learned_generators(coded_notes, "", shop), system)
    after = pool(note, learned_generators(notes, "", shop), system)
    assert any(c.code == "R51" for ranking in before.values() for c in ranking)
    assert not any(c.code == "R51" for ranking in after.values() for c in ranking)
    with_wordings = pool(note, bundle.generators, system)
    assert any(c.code.startswith("R51") for ranking in with_wordings.values() for c in ranking)


@settings(deadline=None)
@given(some_codes)
def test_hiding_takes_codes_from_learned_voices_alone(coded_notes, rankings, held_out):
    seen = hide(rankings, held_out)
    assert seen.keys() == rankings.keys()
    assert seen["terms"] == rankings["terms"]
    left = [c for c in rankings["mentions"] if c.code not in held_out]
    assert list(seen["mentions"]) == left


@pytest.fixture(scope="module")
def rankings(coded_notes, bundle, shop, system):
    text = "\n".join(coded.note.text for coded in coded_notes[:3])
    generators = [*bundle.generators, *learned_generators(coded_notes, "", shop)]
    found = pool(Note.parse(text), generators, system)
    assert {c.code for c in found["mentions"]} >= {"E11.9", "I10"}
    return found


def test_notes_without_codes_are_other_training_data(coded_notes):
    left = [without_codes(coded, {"I10"}) for coded in coded_notes]
    assert data_identity(left) != data_identity(coded_notes)
    assert data_identity([without_codes(c, set()) for c in coded_notes]) == data_identity(
        coded_notes
    )
