import numpy as np
import pytest

from indexes.candidates import Candidate, Mention
from indexes.ranker.features import FeatureTable
from indexes.ranker.model import LLMVoice, Ranker, RankerFiles, calibrate
from indexes.ranker.priors import CodePriors
from indexes.ranker.train import NoteFeatures, train_ranker
from indexes.thresholds import best_threshold
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

NAMES = ("signal", "noise")
PRIORS = CodePriors(200, {"I10": 120})


def _notes(seed=0):
    """Notes whose codes are right with a probability that the signal gives."""
    rng = np.random.default_rng(seed)
    notes = []
    for number in range(200):
        codes = [f"A{n:02}" for n in range(30)]
        signal = rng.uniform(0, 1, len(codes))
        right = rng.uniform(0, 1, len(codes)) < signal**3
        values = np.stack([signal, rng.uniform(0, 1, len(codes))], axis=1).astype(np.float32)
        gold = frozenset(code for code, hit in zip(codes, right, strict=True) if hit)
        notes.append(NoteFeatures(number % 5, codes, values, gold))
    return notes


@pytest.fixture(scope="module")
def notes():
    return _notes()


@pytest.fixture(scope="module")
def stacked(notes):
    return train_ranker(notes, NAMES, PRIORS, "0" * 64)


def test_confidence_is_calibrated(stacked, notes):
    confidence = np.array([p for scores in stacked.scores for p in scores.values()])
    right = np.array([c in n.gold for n, s in zip(notes, stacked.scores, strict=True) for c in s])
    assert confidence.mean() == pytest.approx(right.mean(), abs=0.005)
    high = confidence > 0.6
    assert confidence[high].mean() == pytest.approx(right[high].mean(), abs=0.05)


def test_the_threshold_is_the_best_out_of_fold(stacked, notes):
    best = best_threshold(stacked.scores, [note.gold for note in notes])
    assert (stacked.card.threshold, stacked.card.micro_f1) == best


def test_what_it_says_of_training_notes_is_kept_as_predictions(stacked, notes):
    ids = [f"n{number}" for number in range(len(notes))]
    rows = list(stacked.predictions(ids))
    assert [row["id"] for row in rows] == ids
    for row, scores in zip(rows, stacked.scores, strict=True):
        assert {c["code"]: c["score"] for c in row["candidates"]} == scores
        assigned = {c["code"] for c in row["codes"]}
        assert assigned == {c for c, s in scores.items() if s >= stacked.card.threshold}
        ranked = [c["score"] for c in row["candidates"]]
        assert ranked == sorted(ranked, reverse=True)


def test_trees_that_score_a_note_have_not_seen_it(notes):
    """Codes that are noise to all other notes must stay noise to this one."""
    rng = np.random.default_rng(1)
    shuffled = [
        note._replace(gold=frozenset(c for c in note.codes if rng.uniform() < 0.25))
        for note in notes
    ]
    stacked = train_ranker(shuffled, NAMES, PRIORS, "")
    confidence = np.array([p for scores in stacked.scores for p in scores.values()])
    right = np.array(
        [c in n.gold for n, s in zip(shuffled, stacked.scores, strict=True) for c in s]
    )
    assert abs(np.corrcoef(confidence, right)[0, 1]) < 0.05


def test_codes_that_are_passed_over_are_neither_right_nor_wrong(notes):
    """Whether they are in the reference changes nothing but that they are scored."""
    passed_over = {"A03", "A17"}
    fitted = [
        train_ranker(changed, NAMES, PRIORS, "", passed_over=passed_over)
        for changed in (
            [note._replace(gold=note.gold - passed_over) for note in notes],
            [note._replace(gold=note.gold | passed_over) for note in notes],
        )
    ]
    assert fitted[0].booster.model_to_string() == fitted[1].booster.model_to_string()
    assert fitted[0].card == fitted[1].card
    assert fitted[0].scores == fitted[1].scores
    assert all(passed_over <= scores.keys() for scores in fitted[0].scores)


def test_trees_learn_from_hidden_candidates_and_nothing_else_does(notes):
    """Where the signal is hidden, the trees learn what the rest of the row tells."""
    names = ("signal", "title")
    rng = np.random.default_rng(3)
    rows, hidden = [], []
    for note in notes:
        right = np.array([code in note.gold for code in note.codes])
        title = (right & (rng.uniform(size=len(right)) < 0.9)).astype(np.float32)
        known = np.stack([note.values[:, 0] + right, title], axis=1)
        unknown = np.stack([np.full_like(title, np.nan), title], axis=1)
        rows.append(note._replace(values=known))
        hidden.append(rows[-1]._replace(hidden=FeatureTable(note.codes, unknown)))
    plain = train_ranker(rows, names, PRIORS, "")
    schooled = train_ranker(hidden, names, PRIORS, "")
    by_title = np.array([[np.nan, 0.0], [np.nan, 1.0]])
    lead = [np.diff(s.booster.predict(by_title, raw_score=True))[0] for s in (plain, schooled)]
    assert lead[1] > lead[0] + 1
    assert [s.keys() for s in schooled.scores] == [s.keys() for s in plain.scores]


def test_the_same_notes_give_the_same_ranker(stacked, notes):
    again = train_ranker(notes, NAMES, PRIORS, "0" * 64)
    assert again.booster.model_to_string() == stacked.booster.model_to_string()
    assert again.card == stacked.card


def test_a_ranker_comes_back_as_it_was_saved(stacked, system, tmp_path):
    ranker = Ranker(stacked.booster, stacked.card, system)
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path, system)
    assert loaded.card == ranker.card
    assert loaded.card.features == NAMES
    again = tmp_path / "again"
    loaded.save(again)
    assert RankerFiles(again).card.read_bytes() == RankerFiles(tmp_path).card.read_bytes()


def test_a_missing_ranker_is_named(system, tmp_path):
    with pytest.raises(UserError, match=r"ranker .* cannot be used"):
        Ranker.load(tmp_path, system)


def test_voices_are_found_by_model(stacked, system):
    voice = LLMVoice(model="m", confidence_weight=1, llm_weight=0.5, bias=-1, questions=40)
    card = stacked.card.model_copy(update={"llm": (voice,)})
    ranker = Ranker(stacked.booster, card, system)
    assert ranker.llm_voice("m") == voice
    assert ranker.llm_voice("another") is None


def test_calibration_by_hand():
    assert calibrate(np.array([0.0, 2.0]), 0.5, -1.0).tolist() == pytest.approx(
        [0.26894, 0.5], abs=1e-5
    )


def test_a_missing_runtime_library_is_named(system, stacked, tmp_path, monkeypatch):
    Ranker(stacked.booster, stacked.card, system).save(tmp_path)

    def fail(name):
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr("indexes.ranker.trees.importlib.import_module", fail)
    with pytest.raises(UserError, match=r"libgomp\.so\.1") as caught:
        Ranker.load(tmp_path, system)
    assert "apt install libgomp1" in str(caught.value)


def test_a_generator_that_training_did_not_know_is_not_heard(stacked, system):
    ranker = Ranker(stacked.booster, stacked.card, system)
    note = Note.parse("Hypertension.")
    span = Span(0, 12)
    known = Candidate("I10", 1.0, (Mention(span, 1.0, "t", "signal"),), {"signal": 1.0})
    new = Candidate("Z66", 1.0, (Mention(span, 1.0, "t", "new"),), {"new": 1.0})
    alone = ranker.rank(note, {"signal": [known]})
    assert [c.code for c in alone] == ["I10"]
    assert ranker.rank(note, {"signal": [known], "new": [new, known]}) == alone
