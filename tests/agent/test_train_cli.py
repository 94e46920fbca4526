"""``icd-agent train``, as a user runs it, with a tiny encoder."""

import json
import os
import signal
import subprocess
import sys
import time

import orjson
import pytest


def _command(*arguments):
    return [sys.executable, "-m", "agent.cli.main", "train", *map(str, arguments)]


def _run(*arguments):
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, encoding="utf-8", timeout=300
    )


@pytest.fixture(scope="module")
def data(coded_notes, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    path.write_bytes(b"".join(orjson.dumps(n.row.to_json()) + b"\n" for n in coded_notes))
    return path


@pytest.fixture(scope="module")
def options(tiny_encoder):
    return ("--encoder", tiny_encoder, "--head-epochs", 2, "--set", "epochs=4", "--json")


@pytest.fixture(scope="module")
def unbroken(data, options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    done = _run("plm-icd", data, "--out", folder / "plm_icd", "--work", folder, *options)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout), done.stderr


def test_plm_icd_reports_what_it_trained(unbroken):
    folder, report, progress = unbroken
    assert report["labels"] == 6
    assert report["training_notes"] + report["validation_notes"] == 24
    assert 0 < report["threshold"] < 1
    assert "plm_icd, epoch 3 (all): loss" in progress
    written = {path.name for path in (folder / "plm_icd").iterdir()}
    assert written == {"encoder.onnx", "labels.npz", "plm_icd.json", "tokenizer.json"}


def test_a_run_that_is_killed_goes_on_and_ends_at_the_same_model(unbroken, data, options, tmp_path):
    out = tmp_path / "plm_icd"
    arguments = ("plm-icd", data, "--out", out, "--work", tmp_path, *options)
    # The environment of the run is its own: pytest's settings do not reach it.
    with subprocess.Popen(
        _command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
    ) as process:
        while not list(tmp_path.glob("*.checkpoint")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    done = _run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "epoch 1 " not in done.stderr
    labels = (unbroken[0] / "plm_icd" / "labels.npz").read_bytes()
    assert (out / "labels.npz").read_bytes() == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a", "text": "Fever."}', "holds no note with codes"),
        ('{"id": "a", "text": "Fever.", "codes": 3}', "line 1"),
        ("", "holds no notes"),
    ],
)
def test_data_that_teach_nothing_are_refused(tmp_path, text, message):
    data = tmp_path / "data.jsonl"
    data.write_text(text, encoding="utf-8")
    done = _run("ranker", data, "--out", tmp_path / "out", "--work", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("evidence_weight=-1", "evidence_weight='-1': Input should be greater than or equal to 0"),
        ("evidence=0", "evidence='0': Extra inputs are not permitted"),
    ],
)
def test_numbers_of_plm_icd_that_do_not_exist_are_refused(data, tmp_path, number, message):
    done = _run("plm-icd", data, "--out", tmp_path / "out", "--work", tmp_path, "--set", number)
    assert done.returncode == 2
    assert message in done.stderr
    assert "evidence_weight, frozen_layers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_voice_needs_a_trained_ranker(data, tmp_path):
    done = _run("llm-voice", data, "--out", tmp_path, "--work", tmp_path)
    assert done.returncode == 2
    assert "out_of_fold.jsonl" in done.stderr
