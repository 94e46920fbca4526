import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.encoders import freeze, load_pretrained
from indexes.plm_icd.export import export
from indexes.plm_icd.predict import PLMPredictor
from indexes.plm_icd.train import probabilities, train
from knowledge.errors import UserError
from knowledge.note_text import Note


class _KilledError(Exception):
    pass


def _digest(model):
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def test_learns_which_words_carry_a_code(trained):
    assert trained.threshold.micro_f1 > 0.9
    assert [epoch.phase for epoch in trained.epochs] == ["labels"] * 4 + ["all"] * 6
    assert trained.epochs[-1].loss < trained.epochs[0].loss / 2


@pytest.mark.parametrize("epochs", [1, 4, 7])
def test_a_killed_run_resumes_to_the_same_model(
    epochs, trained, coded_notes, tiny_config, system, tmp_path
):
    checkpoint = tmp_path / "training.checkpoint"

    def kill(epoch):
        if epoch.number == epochs:
            raise _KilledError

    with pytest.raises(_KilledError):
        train(coded_notes, system, tiny_config, checkpoint=checkpoint, on_epoch=kill)
    resumed = train(coded_notes, system, tiny_config, checkpoint=checkpoint)
    assert _digest(resumed.model) == _digest(trained.model)
    assert resumed.epochs == trained.epochs


def test_a_checkpoint_of_other_notes_is_refused(coded_notes, tiny_config, system, tmp_path):
    checkpoint = tmp_path / "training.checkpoint"
    short = tiny_config.model_copy(update={"head_epochs": 1, "epochs": 0})
    train(coded_notes, system, short, checkpoint=checkpoint)
    with pytest.raises(UserError, match="belongs to another training"):
        train(coded_notes[:-1], system, short, checkpoint=checkpoint)


def test_without_validation_notes_the_last_epoch_stands(coded_notes, tiny_config, system):
    config = tiny_config.model_copy(update={"validation_share": 0.0, "head_epochs": 1, "epochs": 1})
    result = train(coded_notes, system, config)
    assert result.fitted_notes == len(coded_notes)
    assert len(result.epochs) == 2
    assert np.isnan(result.epochs[-1].f1)


def test_an_unknown_encoder_is_named(coded_notes, system):
    with pytest.raises(UserError, match="'/no/such/encoder' cannot be loaded"):
        train(coded_notes, system, PLMConfig(encoder="/no/such/encoder"))


def test_frozen_layers_and_embeddings_do_not_learn(tiny_encoder):
    model = load_pretrained(str(tiny_encoder)).model
    freeze(model, 1)
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    assert not any(name.startswith(("embeddings.", "encoder.layer.0.")) for name in learning)
    assert any(name.startswith("encoder.layer.1.") for name in learning)


@pytest.fixture(scope="module")
def exported(trained, system, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export(trained, system, "0" * 64, folder)
    return PLMPredictor(folder, threads=1)


def test_the_export_agrees_with_the_trained_model(exported, trained, coded_notes, tiny_config):
    from indexes.plm_icd.examples import make_example

    for coded in coded_notes[:6]:
        example = make_example(coded, trained.labels, trained.pretrained, tiny_config)
        (expected,) = probabilities(trained.model, [example.chunks])
        found = {p.code: p.probability for p in exported.predict(coded.note, 100)}
        got = np.array([found[code] for code in trained.labels.codes])
        assert np.abs(got - expected).max() < 0.1  # int8 weights


def test_evidence_is_the_sentence_of_the_code(exported, coded_notes):
    for coded in coded_notes[:6]:
        found = {p.code: p for p in exported.predict(coded.note, 100)}
        for code, span in coded.evidence:
            assert found[code].probability > exported.threshold
            assert span.contains(found[code].evidence)


def test_the_export_does_not_tell_where_it_was_made(trained, system, tmp_path):
    export(trained, system, "0" * 64, tmp_path)
    content = (tmp_path / "encoder.onnx").read_bytes()
    for folder in (tmp_path, Path(__file__).parents[3], Path(torch.__file__).parents[1]):
        assert str(folder).encode() not in content
    assert b"stack_trace" not in content


def test_scores_are_predictions_without_evidence(exported, coded_notes):
    note = coded_notes[0].note
    expected = {p.code: p.probability for p in exported.predict(note, 3)}
    assert list(exported.scores(note, 3).items()) == list(expected.items())
    assert len(expected) == 3


def test_an_empty_note_has_no_opinion(exported):
    assert exported.predict(Note.parse("  \n"), 10) == []
    assert exported.scores(Note.parse("  \n"), 10) == {}


def test_a_damaged_model_is_refused(trained, system, tmp_path):
    export(trained, system, "0" * 64, tmp_path)
    (tmp_path / "labels.npz").unlink()
    with pytest.raises(UserError, match=r"labels\.npz missing"):
        PLMPredictor(tmp_path)


def test_padding_does_not_change_what_a_note_gets(trained, coded_notes, tiny_config):
    from indexes.plm_icd.examples import make_example

    chunks = [
        make_example(c, trained.labels, trained.pretrained, tiny_config).chunks
        for c in coded_notes[:4]
    ]
    longer = chunks[1] + chunks[2]
    with torch.no_grad():
        alone = trained.model([chunks[0]])[0].codes.logits
        beside = trained.model([chunks[0], longer])[0].codes.logits
    assert torch.allclose(alone, beside, atol=1e-4)


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_encoders_of_other_kinds_serve_too(
    kind, tiny_encoder, coded_notes, tiny_config, system, tmp_path
):
    from transformers import (
        BertTokenizerFast,
        DistilBertConfig,
        DistilBertModel,
        RobertaConfig,
        RobertaModel,
    )

    tokenizer = BertTokenizerFast.from_pretrained(tiny_encoder)
    source, size = tmp_path / "encoder", len(tokenizer)
    if kind == "roberta":
        common = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
        RobertaModel(
            RobertaConfig(
                vocab_size=size, num_hidden_layers=1, max_position_embeddings=66, **common
            )
        ).save_pretrained(source)
    else:
        DistilBertModel(
            DistilBertConfig(vocab_size=size, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
        ).save_pretrained(source)
    tokenizer.save_pretrained(source)
    config = tiny_config.model_copy(
        update={"encoder": str(source), "head_epochs": 1, "epochs": 1, "validation_share": 0.0}
    )
    export(train(coded_notes, system, config), system, "0" * 64, tmp_path / "exported")
    predictor = PLMPredictor(tmp_path / "exported", threads=1)
    assert len(predictor.predict(coded_notes[0].note, 10)) == len(predictor.label_space)
