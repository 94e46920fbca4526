"""Faithfulness: figures by hand, a system that is faithful by construction, both real systems."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eval.cli import eval_group
from eval.faithfulness import Cited, _joined, measure_drops, summarise
from knowledge.note_text import Span

TEXT = "Man with cough and fever today.\nAsthma since birth."
COUGH = Cited("n1", TEXT, "R05.9", (Span(9, 14),))


def words_believed(weights):
    """A system whose belief is a sum over words: what it rests on is known."""
    return lambda text: {
        code: sum(weight for word, weight in by_word.items() if word in text.split())
        for code, by_word in weights.items()
    }


def test_a_system_that_rests_on_its_evidence():
    (drop,) = measure_drops([COUGH], words_believed({"R05.9": {"cough": 0.8}}))
    assert drop.belief == 0.8
    assert drop.comprehensiveness == pytest.approx(0.8)
    assert drop.sufficiency == 0
    assert {drop.random_comprehensiveness, drop.random_sufficiency} == {0, 0.8}


def test_a_system_that_rests_on_other_words():
    (drop,) = measure_drops([COUGH], words_believed({"R05.9": {"Asthma": 0.6, "cough": 0.1}}))
    assert drop.comprehensiveness == pytest.approx(0.1)
    assert drop.sufficiency == pytest.approx(0.6)


def test_means_by_hand_and_their_intervals():
    fever = Cited("n2", TEXT, "R50.9", (Span(19, 24),))
    nothing = Cited("n2", TEXT, "J45.909", ())
    belief = words_believed({"R05.9": {"cough": 1.0}, "R50.9": {"fever": 0.5, "Man": 0.5}})
    report = summarise(list(measure_drops([COUGH, fever, nothing], belief)), resamples=200)
    assert (report.notes, report.codes) == (2, 2)
    assert report.means["comprehensiveness"] == pytest.approx((1.0 + 0.5) / 2)
    assert report.means["sufficiency"] == pytest.approx((0.0 + 0.5) / 2)
    assert report.intervals["comprehensiveness"] == pytest.approx((0.5, 1.0))
    with pytest.raises(ValueError, match="no code"):
        summarise([])


@given(st.text(st.sampled_from("ab \n\t"), max_size=40), st.data())
def test_joined_words_keep_their_order_and_their_blanks(text, data):
    import re

    words = [Span(*m.span()) for m in re.finditer(r"\S+", text)]
    kept = [w for w in words if data.draw(st.booleans())]
    joined = _joined(text, kept)
    assert joined.split() == [text[w.start : w.end] for w in kept]
    if kept == words:
        assert joined == text.lstrip()


@pytest.mark.parametrize("system", ["agent", "plm-icd"])
def test_evidence_of_the_real_systems_matters_more_than_random_words(tmp_path, system):
    note = "Patient with asthma.\nChest pain since yesterday. High blood pressure, obesity."
    row = {"id": "n1", "text": note, "codes": []}
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = CliRunner().invoke(
        eval_group, ["faithfulness", str(path), "--system", system], catch_exceptions=False
    )
    figures = json.loads(result.stdout)
    assert figures["codes"] >= 3
    assert figures["comprehensiveness"] > figures["random_comprehensiveness"] + 0.1
    assert figures["sufficiency"] < figures["random_sufficiency"] - 0.1


def test_no_code_is_told(tmp_path):
    path = Path(tmp_path / "notes.jsonl")
    path.write_text('{"id": "n1", "text": " "}\n', encoding="utf-8")
    result = CliRunner().invoke(eval_group, ["faithfulness", str(path), "--system", "plm-icd"])
    assert "assigns no code" in str(result.exception)
