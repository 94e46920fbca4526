import math

import numpy as np
import pytest

from indexes.candidates import Candidate, Mention
from indexes.ranker.features import FeatureBuilder
from indexes.ranker.priors import CodePriors
from knowledge.note_text import Note, Span

NOTE = Note.parse("Admitted with lobar pneumonia. No fever.")
PNEUMONIA = Span(14, 29)  # "lobar pneumonia"
FEVER = Span(34, 39)


def _found(code, score, span, source):
    mention = Mention(span, score, "term", source)
    return Candidate(code, score, (mention,), {source: score}, {"words": 2.0})


@pytest.fixture(scope="module")
def rankings():
    return {
        "mentions": [
            _found("J18.1", 0.9, PNEUMONIA, "mentions"),
            _found("R50.9", 0.3, FEVER, "mentions"),
        ],
        "terms": [
            _found("J18.1", 0.8, PNEUMONIA, "terms"),
            _found("J18.9", 0.6, Span(20, 29), "terms"),
        ],
        "dense": [_found("J18.9", 0.5, Span(0, 29), "dense")],
    }


@pytest.fixture(scope="module")
def named(system, rankings):
    priors = CodePriors.of([{"J18.1", "R50.9"}, {"J18.9", "R50.9"}])
    return FeatureBuilder(system, priors).named(NOTE, rankings)


def test_scores_and_ranks_of_each_voice(named):
    assert named["J18.1"]["mentions"] == 0.9
    assert named["J18.1"]["terms.rank"] == 0.0
    assert named["J18.9"]["terms.rank"] == 1.0
    assert named["J18.9"]["voices"] == 2.0
    assert named["J18.1"]["mentions.words"] == 2.0
    assert "mentions" not in named["J18.9"]


def test_siblings_of_the_category_contest_a_code(named):
    assert named["J18.9"]["mentions.sibling"] == 0.9
    assert named["J18.9"]["mentions.lead"] == pytest.approx(-0.9)
    assert named["J18.1"]["terms.lead"] == pytest.approx(0.2)
    assert named["R50.9"]["siblings"] == 0.0


def test_other_codes_at_the_same_words_contest_it_too(named):
    assert named["J18.9"]["place.longer_rival"] == 0.9
    assert named["J18.9"]["place.rival.terms"] == 0.8
    assert named["R50.9"]["place.longer_rival"] == 0.0


def test_what_the_note_says_of_the_words(named):
    assert named["R50.9"]["place.assertion"] > named["J18.1"]["place.assertion"] == 0.0
    assert named["J18.9"]["place.exact"] == 1.0  # of terms, though dense proposes it as well


def test_counts_of_the_training_notes(named):
    assert named["R50.9"]["prior"] == 1.0
    assert named["J18.9"]["prior.category"] == 1.0
    assert named["J18.9"]["prior.share"] == pytest.approx(1 / 3)


def test_a_table_has_the_ranker_s_features_in_its_order(system, rankings):
    builder = FeatureBuilder(system, CodePriors(0, {}), ("dense", "code.length", "of another time"))
    table = builder.table(NOTE, rankings)
    assert table.codes == ["J18.1", "J18.9", "R50.9"]
    assert table.values.dtype == np.float32
    assert table.values[1].tolist()[:2] == [0.5, 5.0]
    assert math.isnan(table.values[0, 0])
    assert np.isnan(table.values[:, 2]).all()


def test_no_candidates_no_rows(system):
    builder = FeatureBuilder(system, CodePriors(0, {}), ("dense",))
    assert builder.table(NOTE, {"dense": []}).values.shape == (0, 1)
