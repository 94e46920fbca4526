from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from indexes.artefacts import Artefacts
from indexes.cli import index
from indexes.guideline_measure import Quality, measure_questions, quality, read_questions
from indexes.guideline_search import GuidelineSearch, load_guideline_search
from indexes.rows import guideline_rows, read_rows
from knowledge.errors import UserError
from knowledge.guidelines import load_cards

QUESTIONS = Path(__file__).parents[1] / "data" / "guideline_queries.yaml"


@pytest.fixture(scope="module")
def bundled(system):
    return load_guideline_search(system)


def test_the_bundled_index_holds_the_cards_as_they_are():
    rows = read_rows(Artefacts.bundled().guideline_rows)
    assert rows == guideline_rows(load_cards()), "run: icd-agent index build"


def test_coders_questions_find_their_sections(bundled):
    groups = read_questions(QUESTIONS)
    assert sum(len(questions) for questions in groups.values()) >= 60
    fused = {name: measure_questions(bundled, groups[name])["fused"] for name in groups}
    assert fused["held_out"].recall >= 0.9
    assert fused["held_out"].mrr >= 0.75
    assert fused["held_out_lay"].recall >= 0.7


def test_no_question_is_asked_twice():
    asked = [q.question for group in read_questions(QUESTIONS).values() for q in group]
    assert len(set(asked)) == len(asked)


def test_words_and_meaning_both_count(small_artefacts, encoder, small_content):
    search = GuidelineSearch.load(small_artefacts, encoder)
    keys = {row.key for row in small_content.cards}
    rankings = search.rankings("alphabetic index and inclusion terms")
    assert {hit.key for hit in rankings["dense"]} == keys
    assert [hit.key for hit in search.search("alphabetic index", 2)] == [
        hit.key for hit in search.rankings("alphabetic index")["fused"][:2]
    ]
    assert {hit.key for hit in search.rankings("zzz")["fused"]} == keys
    assert search.rankings("zzz")["bm25"] == []


def test_quality_by_hand():
    rankings = [["a", "b", "c"], ["x", "x1", "x2", "x3", "x4", "y"], ["p"]]
    wanted = [["b", "z"], ["y"], ["q"]]
    assert quality(rankings, wanted) == Quality((1 / 2 + 0 + 0) / 3, (1 / 2 + 1 / 6 + 0) / 3)


@given(st.lists(st.permutations("abcdefgh"), min_size=1), st.sampled_from("abcdefgh"))
def test_quality_falls_with_the_rank(rankings, wanted):
    found = quality(rankings, [[wanted]] * len(rankings))
    ranks = [ranking.index(wanted) + 1 for ranking in rankings]
    assert found.mrr == pytest.approx(sum(1 / rank for rank in ranks) / len(ranks))
    assert found.recall == pytest.approx(sum(rank <= 5 for rank in ranks) / len(ranks))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "the whole file"),
        ("{}", "no questions"),
        ("a: []", "no questions"),
        ("a: [{question: b}]", "a.0.sections"),
        ("a: [{question: b, sections: [V.A]}]", "'V.A'"),
        ("a: [", "no YAML"),
        ("a: []\na: []", "occurs twice"),
    ],
)
def test_bad_questions_are_refused(tmp_path, text, message):
    path = tmp_path / "questions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_questions(path)


def test_missing_questions_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_questions(tmp_path / "none.yaml")


def test_measure_guidelines_reports_each_ranking(small_artefacts, tmp_path):
    path = tmp_path / "questions.yaml"
    card = load_cards()[0]
    path.write_text(f'all: [{{question: "{card.title}", sections: [{card.id}]}}]', encoding="utf-8")
    arguments = ["measure-guidelines", "--queries", str(path)]
    arguments += ["--index", str(small_artefacts.directory)]
    done = CliRunner().invoke(index, [*arguments, "--json"], catch_exceptions=False)
    report = orjson.loads(done.stdout)["all"]
    assert report["questions"] == 1
    assert report["fused"] == {"recall@5": 1.0, "mrr": 1.0}
    assert set(report) == {"questions", "dense", "bm25", "fused"}
    text = CliRunner().invoke(index, arguments, catch_exceptions=False).stdout
    assert "fused: recall@5 1.000, MRR 1.000" in text
