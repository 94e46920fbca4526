from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.coded_notes import CodedNote, folds, read_coded_notes
from indexes.evidence_lines import MOST_MENTIONS, TERM, LineGenerator, LineModel
from indexes.line_features import BLOCK, FEATURES, feature_matrix
from indexes.line_learning import (
    CATEGORY_SHARE,
    RIDGE,
    TITLE_RIDGE,
    learn_lines,
    training_examples,
    whole_sentences,
)
from indexes.remembering_encoder import RememberingEncoder
from knowledge.dataset_row import DatasetRow, EvidenceSpan
from knowledge.errors import UserError
from knowledge.note_text import Note

CODIESP = Path(__file__).parents[2].parent / "shared" / "data" / "codiesp"

# Each note as (sentence, codes whose evidence it is).
NOTES = (
    (
        ("A farmer of 61 years came with burning pain behind the breastbone after meals.", ["R12"]),
        ("She sleeps well and works full days.", []),
    ),
    (
        ("Burning rises behind the breastbone whenever he lies down after dinner.", ["R12"]),
        ("His blood pressure had been high for ten years.", ["I10"]),
    ),
    (
        ("Blood pressure stayed high in spite of two drugs.", ["I10"]),
        ("The right great toe was red, hot and swollen, as in earlier attacks of gout.", ["M10.9"]),
    ),
    (
        ("A new attack of gout in the left great toe kept him awake.", ["M10.9"]),
        ("No surgery was needed.", []),
    ),
    (
        ("Wheezing at night got better with an inhaler, which spoke for asthma.", ["J45.909"]),
        ("Sugar was high at 214, known diabetes on metformin.", ["E11.9"]),
    ),
    (
        ("Asthma since childhood, with wheezing in the cold.", ["J45.909"]),
        ("He keeps two cats at home.", []),
    ),
    (
        ("Known diabetes, treated with metformin twice a day.", ["E11.9"]),
        ("Feet were numb on both sides from diabetes.", ["E11.40"]),
    ),
    (("She felt well at discharge and went home with her son.", []),),
)


def coded(name, *sentences, codes=None):
    """Make a note of sentences and the codes of each, with exact evidence spans."""
    text, evidence = "", []
    for sentence, found in sentences:
        spans = (EvidenceSpan(code=c, start=len(text), end=len(text + sentence)) for c in found)
        evidence += spans
        text += sentence + "\n"
    codes = tuple({e.code for e in evidence}) if codes is None else codes
    return CodedNote.from_row(DatasetRow(id=name, text=text, codes=codes, evidence=tuple(evidence)))


@pytest.fixture(scope="module")
def notes():
    return [coded(f"n{i}", *sentences) for i, sentences in enumerate(NOTES)]


@pytest.fixture(scope="module")
def model(notes, encoder, system):
    return learn_lines(notes, encoder, system)


@pytest.fixture(scope="module")
def generator(model, encoder):
    return LineGenerator(model, encoder)


def best_code(generator, text):
    return generator.candidates(Note.parse(text), 1)[0].code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Complained of a burning feeling behind the breastbone since spring.", "R12"),
        ("Wheezing and short of breath, uses an inhaler.", "J45.909"),
        ("Gouty toe, swollen again.", "M10.9"),
        ("High blood pressure was found by chance.", "I10"),
        ("Metformin was continued.", "E11.9"),
        ("Numbness of both feet.", "E11.40"),
    ],
)
def test_new_wordings_lead_to_the_code_of_similar_evidence(generator, text, code):
    assert best_code(generator, text) == code


def test_the_title_of_a_code_counts_as_its_evidence(generator):
    # No training sentence has these words.
    assert best_code(generator, "Essential (primary) hypertension") == "I10"


def test_sentences_without_evidence_score_low(generator, model, encoder):
    texts = ["He keeps two dogs at home.", "A new attack of gout kept her awake."]
    without, with_evidence = model.scores(texts, encoder.encode(texts))
    assert without.max() < 0.3 < with_evidence[model.codes.index("M10.9")]


def test_a_finding_in_an_enumeration_is_not_thinned_out(model, encoder):
    alone = "Known diabetes on metformin"
    long = alone + ", and she likes to walk in the hills with her sister on most fine mornings"
    single, listed = model.scores([alone, long], encoder.encode([alone, long]))
    column = model.codes.index("E11.9")
    assert listed[column] > 0.75 * single[column]


def test_codes_of_a_category_help_each_other(generator):
    found = {c.code: c for c in generator.candidates(Note.parse("Feet numb from diabetes."), 9)}
    leader, sibling = found["E11.40"], found["E11.9"]
    assert leader.score > sibling.score > CATEGORY_SHARE
    assert sibling.features["category_max"] == pytest.approx(leader.score)
    assert leader.features["category_sum"] == pytest.approx(leader.score + sibling.score, rel=1e-5)


def test_candidates_say_where_and_how_sure(generator):
    text = "Admitted with gout. Wheezing, and asthma since school.\nGout of the great toe."
    note = Note.parse(text)
    candidates = generator.candidates(note, 3)
    gout = next(c for c in candidates if c.code == "M10.9")
    assert [note.slice(m.span) for m in gout.mentions[:2]] == [
        "Gout of the great toe",
        "gout",
    ]
    assert gout.sources == {"lines": gout.score}
    assert gout.score == min(gout.features["max"], 1) == gout.mentions[0].score
    assert (gout.mentions[0].term, gout.mentions[0].source) == (TERM, "lines")
    features = gout.features
    assert features["windows"] == 3  # the two, and "Admitted with gout"
    assert features["max"] < features["noisy_or"] <= 1
    assert features["margin"] > 0
    trailing = generator.candidates(note, 9)[-1]
    assert trailing.features["margin"] < 0


WORDS = st.sampled_from(
    "gout, diabetes. burning\n blood pressure high; and wheezing (asthma) toe é no ß 7.2".split(" ")
)


@given(st.lists(WORDS, max_size=40), st.integers(0, 8))
def test_rankings_are_sorted_distinct_cut_and_point_into_the_note(generator, words, k):
    note = Note.parse(" ".join(words))
    ranked = generator.candidates(note, k)
    assert len({c.code for c in ranked}) == len(ranked) <= k
    scores = [c.score for c in ranked]
    assert scores == sorted(scores, reverse=True)
    for candidate in ranked:
        assert 0 < candidate.score <= 1
        assert 1 <= len(candidate.mentions) <= MOST_MENTIONS
        spans = [m.span for m in candidate.mentions]
        assert all(note.slice(span).strip(" ,.;()\n") == note.slice(span) != "" for span in spans)
        assert not any(a.overlaps(b) for i, a in enumerate(spans) for b in spans[:i])
        assert [m.score for m in candidate.mentions] == sorted(
            (m.score for m in candidate.mentions), reverse=True
        )


def test_a_note_without_words_has_no_candidates(generator):
    assert generator.candidates(Note.parse(""), 5) == []
    assert generator.candidates(Note.parse("120/80 ... 37.2"), 5) == []


def test_learning_twice_and_saving_gives_the_same_bytes(model, notes, encoder, system, tmp_path):
    first, second, third = (tmp_path / f"{name}.npz" for name in "abc")
    model.save(first)
    learn_lines(notes, encoder, system).save(second)
    LineModel.load(first).save(third)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


def test_a_loaded_model_scores_alike(model, encoder, tmp_path):
    model.save(tmp_path / "lines.npz")
    loaded = LineModel.load(tmp_path / "lines.npz")
    texts = ["gout of the toe", "wheezing", ""]
    vectors = encoder.encode(texts)
    np.testing.assert_array_equal(loaded.scores(texts, vectors), model.scores(texts, vectors))
    assert (loaded.codes, loaded.fingerprint) == (model.codes, encoder.fingerprint)


def test_the_file_holds_no_words_of_the_notes(model, tmp_path):
    model.save(tmp_path / "lines.npz")
    with np.load(tmp_path / "lines.npz") as arrays:
        strings = {n: arrays[n].tolist() for n in arrays.files if arrays[n].dtype.kind == "U"}
    assert strings == {"codes": list(model.codes), "fingerprint": model.fingerprint}


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("counts", lambda a: a[:-1], "counts has shape"),
        ("weights", lambda a: a.astype(np.float32), "weights has shape"),
        ("steps", lambda a: np.append(a, a[:1]), "steps has shape"),
        ("columns", lambda a: a + np.uint16(99), "none of the 6 codes"),
        ("vector_weights", lambda a: a[0], "vector_weights has shape"),
        ("fingerprint", None, "fingerprint is not a file"),
    ],
)
def test_a_damaged_model_is_refused(model, tmp_path, field, change, message):
    path = tmp_path / "lines.npz"
    model.save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    array = arrays.pop(field)
    if change:
        arrays[field] = change(array)
    np.savez_compressed(path, **arrays)
    with pytest.raises(UserError, match=message) as error:
        LineModel.load(path)
    assert error.value.fix.startswith("icd-agent train")


def test_a_file_that_is_no_model_is_refused(model, tmp_path):
    path = tmp_path / "lines.npz"
    with pytest.raises(UserError, match=r"lines\.npz is no evidence-line model"):
        LineModel.load(path)
    model.save(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"lines\.npz is no evidence-line model"):
            LineModel.load(path)


def test_another_encoder_is_refused(model, encoder):
    class Other(RememberingEncoder):
        fingerprint = "0" * 64

    with pytest.raises(
        UserError, match=r"another encoder than all-MiniLM.*in use are 000000000000"
    ):
        LineGenerator(model, Other(encoder))


def test_examples_are_sentences_with_their_codes_and_titles(notes, system):
    examples = training_examples(notes[2:3], system)
    assert examples.texts == [
        "Blood pressure stayed high in spite of two drugs",
        "The right great toe was red, hot and swollen, as in earlier attacks of gout",
        system.get("I10").title,
        system.get("M10.9").title,
    ]
    assert examples.codes == [{"I10"}, {"M10.9"}, {"I10"}, {"M10.9"}]
    assert examples.ridge.tolist() == [RIDGE, RIDGE, TITLE_RIDGE, TITLE_RIDGE]


def test_codes_that_the_release_lacks_are_learned_without_title(system):
    examples = training_examples([coded("a", ("He fell at home.", ["W19.XXX"]))], system)
    assert examples.texts == ["He fell at home"]
    assert examples.codes == [{"W19.XXX"}]


def test_notes_whose_codes_have_no_evidence_teach_nothing(notes, system):
    bare = coded("bare", ("Known gout.", []), codes=("M10.9",))
    assert training_examples([*notes, bare], system).texts == training_examples(notes, system).texts
    with pytest.raises(UserError, match="no evidence of their codes"):
        training_examples([bare, notes[-1]], system)


def test_sentences_with_evidence_are_kept_where_there_are_too_many(notes, system, monkeypatch):
    monkeypatch.setattr("indexes.line_learning.MAX_SENTENCES", 10)
    examples = training_examples(notes, system)
    sentences = examples.codes[: int((examples.ridge == RIDGE).sum())]
    assert len(sentences) == 10
    assert all(sentences)


def test_progress_ends_with_all_texts(notes, encoder, system):
    told = []
    learn_lines(notes, encoder, system, lambda done, total: told.append((done, total)))
    assert told[0][0] == 0
    assert told[-1] == (21, 21)  # fifteen sentences, six titles


def test_whole_sentences_leave_out_their_clauses():
    note = Note.parse("Fever, chills and cough. Denies pain.\nPneumonia, sepsis")
    assert [note.slice(span) for span in whole_sentences(note)] == [
        "Fever, chills and cough",
        "Denies pain",
        "Pneumonia, sepsis",
    ]


def test_features_are_words_pairs_and_parts():
    one, two, both = feature_matrix(["renal", "colic", "Renal colic"])
    assert one[:, :BLOCK].nnz == two[:, :BLOCK].nnz == 1
    assert both[:, :BLOCK].nnz == 3
    # " renal ": five parts of three letters, four of four, three of five.
    assert one[:, BLOCK:].nnz == 12
    assert both[:, BLOCK:].nnz == one[:, BLOCK:].nnz + two[:, BLOCK:].nnz
    assert (both.multiply(one) != one).nnz == 0


@given(st.lists(st.text(max_size=40), max_size=4))
def test_features_of_a_text_depend_on_nothing_else(texts):
    together = feature_matrix(texts)
    assert together.shape == (len(texts), FEATURES)
    assert set(together.data.tolist()) <= {1.0}
    for text, row in zip(texts, together, strict=True):
        assert (feature_matrix([text]) != row).nnz == 0
        assert (feature_matrix([text.lower()]) != feature_matrix([text.lower() + "  "])).nnz == 0


@pytest.mark.shared
@pytest.mark.skipif(not CODIESP.is_dir(), reason=f"{CODIESP} is missing")
def test_what_is_learned_from_some_notes_finds_codes_of_others(encoder, system, tmp_path):
    held_out, learned = folds(500, 5, seed=0)[:2]
    notes = read_coded_notes(CODIESP / "train.jsonl")
    model = learn_lines([notes[i] for i in learned], encoder, system)
    model.save(tmp_path / "lines.npz")
    assert (tmp_path / "lines.npz").stat().st_size < 2_000_000
    generator = LineGenerator(model, encoder)
    found = total = 0
    for i in held_out[:15]:
        codes = {c.code for c in generator.candidates(notes[i].note, 50)}
        found += len(codes & notes[i].codes)
        total += len(notes[i].codes)
    assert found / total > 0.4
