import math

import numpy as np
import orjson
import pytest

from agent.llm_voice import Answer, collect_answers, fit_voice
from knowledge.errors import UserError


def _answers(count, weight):
    """Answers whose truth follows confidence and the LLM's odds with a known weight."""
    rng = np.random.default_rng(0)
    answers = []
    for number in range(count):
        odds, llm = rng.normal(0, 0.5), rng.normal(1, 1)
        right = rng.uniform() < 1 / (1 + math.exp(-(odds + weight * (llm - 1))))
        answers.append(Answer(f"n{number}", "I10", 1 / (1 + math.exp(-odds)), llm, bool(right)))
    return answers


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_voice_weighs_what_it_is_worth(weight):
    voice = fit_voice(_answers(4000, weight), "m")
    assert voice.llm_weight == pytest.approx(weight, abs=0.12)
    assert voice.confidence_weight == pytest.approx(1.0, abs=0.2)
    assert voice.bias == pytest.approx(-weight, abs=0.2)
    assert voice.questions == 4000


def test_too_few_answers_are_refused():
    with pytest.raises(UserError, match=r"40 answers .* do not tell how to hear an LLM"):
        fit_voice(_answers(40, 1.0), "m")


def test_notes_answered_before_are_not_asked_again(bare_context, coded_notes, tmp_path):
    kept = tmp_path / "answers.jsonl"
    first, second = coded_notes[:2]
    rows = [
        {"id": n.id, "answers": [[code, 0.4, 1.5] for code in sorted(n.codes)]}
        for n in coded_notes[:2]
    ]
    kept.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    before = kept.read_bytes()
    # A context without an LLM could not ask.
    answers = collect_answers([first, second], {}, bare_context(), kept, lambda done, total: None)
    assert [a.right for a in answers] == [True] * 4
    assert {a.id for a in answers} == {first.id, second.id}
    assert kept.read_bytes() == before
