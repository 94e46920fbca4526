"""PLM-ICD's predictions for a data set, from the export and from the weights it was made of."""

import contextlib
import json

import orjson
import pytest
from click.testing import CliRunner

from eval.plm_icd import main
from eval.score import score_files
from indexes.plm_icd.config import PLMConfig
from indexes.training import train_plm
from knowledge.code_systems import get_code_system


@contextlib.contextmanager
def _no_bar(title):
    yield lambda done, total: None


@pytest.fixture(scope="module")
def folder(coded_notes, tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plm")
    config = PLMConfig(
        encoder=str(tiny_encoder),
        chunk_tokens=24,
        head_epochs=4,
        epochs=2,
        head_rate=0.02,
        dropout=0.0,
        validation_share=0.25,
    )
    train_plm(
        coded_notes,
        folder / "plm_icd",
        config,
        get_code_system(),
        folder,
        _no_bar,
        lambda model, epoch: None,
    )
    rows = (orjson.dumps(n.row.to_json()) + b"\n" for n in coded_notes)
    (folder / "data.jsonl").write_bytes(b"".join(rows))
    return folder


def _predict(folder, *options):
    out = folder / "predictions.jsonl"
    arguments = [folder / "data.jsonl", "--out", out, "--model", folder / "plm_icd", *options]
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_predictions_can_be_scored(folder):
    predictions = _predict(folder)
    assert [p["id"] for p in predictions] == [f"n{n}" for n in range(24)]
    assert all(len(p["candidates"]) == 6 for p in predictions)
    report = score_files(folder / "data.jsonl", folder / "predictions.jsonl", resamples=0)
    assert report.metrics.micro.f1 > 0.8


def test_the_weights_of_the_training_say_nearly_the_same(folder):
    exported = _predict(folder)
    (checkpoint,) = folder.glob("*.checkpoint")
    eager = _predict(folder, "--checkpoint", checkpoint)
    for one, other in zip(exported, eager, strict=True):
        ours = {c["code"]: c["confidence"] for c in one["candidates"]}
        theirs = {c["code"]: c["confidence"] for c in other["candidates"]}
        assert ours == pytest.approx(theirs, abs=0.1)
        assert ours != theirs  # int8 is not float32


def test_a_missing_model_is_an_error_without_traceback(folder, tmp_path):
    arguments = [str(folder / "data.jsonl"), "--out", str(tmp_path / "o"), "--model", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "PLM-ICD model" in done.output
