import shutil
from dataclasses import dataclass

import pytest

from indexes.artefacts import Artefacts
from indexes.dense import DenseGenerator
from indexes.rows import read_rows
from knowledge.errors import UserError


@dataclass(frozen=True)
class Described:
    """Another encoder, known by its description alone."""

    name: str
    fingerprint: str
    dimension: int


@pytest.fixture
def artefacts(small_artefacts, tmp_path):
    shutil.copytree(small_artefacts.directory, tmp_path / "index")
    return Artefacts.from_directory(tmp_path / "index")


def change_manifest(artefacts, **changes):
    artefacts.write_manifest(artefacts.read_manifest().model_copy(update=changes))


def test_bundled_artefacts_agree_and_stay_small(system, encoder):
    artefacts = Artefacts.bundled()
    manifest = artefacts.verify(system, encoder)
    assert manifest.code_system == "icd10cm"
    assert artefacts.code_index.stat().st_size < 20_000_000
    assert sum(path.stat().st_size for path in artefacts.built_files()) < 30_000_000


def test_a_fresh_build_agrees(artefacts, system, encoder):
    manifest = artefacts.verify(system, encoder)
    assert manifest.rows == len(read_rows(artefacts.rows))
    assert set(manifest.files) == {
        path.relative_to(artefacts.directory).as_posix() for path in artefacts.built_files()
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"release": "2020-10-01"}, "code release '2020-10-01' was indexed, in use is '2026"),
        ({"code_system": "icd9cm"}, "code system 'icd9cm' was indexed, in use is 'icd10cm'"),
        ({"encoder": "other"}, "encoder 'other' was indexed, in use is 'all-MiniLM-L6-v2-int8'"),
        ({"encoder_fingerprint": "0"}, "encoder weights '0' was indexed"),
        ({"dimension": 768}, "vector length 768 was indexed, in use is 384"),
        ({"format_version": 0}, "format version 0 was indexed, in use is 1"),
    ],
)
def test_a_disagreement_is_named_with_its_repair(artefacts, system, encoder, changes, message):
    change_manifest(artefacts, **changes)
    with pytest.raises(UserError, match="cannot be used") as caught:
        artefacts.verify(system, encoder)
    assert message in caught.value.message
    assert caught.value.fix == f"icd-agent index build --out {artefacts.directory}"


def test_another_encoder_is_refused(artefacts, system):
    with pytest.raises(UserError, match="encoder 'all-MiniLM-L6-v2-int8' was indexed"):
        artefacts.verify(system, Described("big", "f", 1024))


def test_a_missing_file_is_named(artefacts, system, encoder):
    artefacts.code_index.unlink()
    with pytest.raises(UserError, match=r"codes\.faiss is missing"):
        artefacts.verify(system, encoder)


def test_a_changed_file_is_named(artefacts, system, encoder):
    vocabulary = artefacts.lexical_index / "vocab.index.json"
    vocabulary.write_bytes(vocabulary.read_bytes() + b" ")
    with pytest.raises(UserError, match=r"bm25/vocab\.index\.json has changed"):
        artefacts.verify(system, encoder)


def test_another_number_of_rows_is_refused(artefacts, encoder):
    rows = read_rows(artefacts.rows)
    change_manifest(artefacts, rows=len(rows) + 1)
    with pytest.raises(UserError, match=rf"has {len(rows)} rows, {len(rows) + 1} were indexed"):
        DenseGenerator.load(artefacts, encoder, rows)


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        Artefacts.from_directory(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"format_version": 1, "surprise": 2}'])
def test_a_broken_manifest_is_refused(artefacts, text):
    artefacts.manifest.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"manifest\.json is not valid at"):
        artefacts.read_manifest()


def test_identity_follows_the_manifest(artefacts):
    before = artefacts.identity
    change_manifest(artefacts, dimension=1)
    assert artefacts.identity != before
