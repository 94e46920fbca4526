"""All learned parts trained from a handful of notes, with a tiny PLM-ICD."""

import contextlib
import shutil

import pytest

from indexes.bundle import load_bundle
from indexes.learned import LearnedFiles, add_voice, load_learned
from indexes.plm_icd.config import PLMConfig
from indexes.ranker.model import LLMVoice
from indexes.ranker.pool import pool
from indexes.training import Workshop, train_all
from knowledge.errors import UserError
from knowledge.note_text import Note


@contextlib.contextmanager
def _no_bar(title):
    yield lambda done, total: None


@pytest.fixture(scope="module")
def bundle(system):
    return load_bundle(system, with_learned=False)


@pytest.fixture(scope="module")
def shop(bundle, system, tiny_encoder, tmp_path_factory):
    plm = PLMConfig(
        encoder=str(tiny_encoder), chunk_tokens=24, head_epochs=1, epochs=1, validation_share=0.25
    )
    return Workshop(
        system=system,
        encoder=bundle.encoder,
        untrained=bundle.generators,
        known_words=bundle.known_words,
        plm=plm,
        index_identity=bundle.identity,
        folder=tmp_path_factory.mktemp("work"),
        progress=_no_bar,
        on_epoch=lambda model, epoch: None,
        folds=2,
    )


@pytest.fixture(scope="module")
def files(coded_notes, shop, tmp_path_factory):
    files = LearnedFiles(tmp_path_factory.mktemp("learned"))
    stacked = train_all(coded_notes, files, shop)
    assert len(stacked.scores) == len(coded_notes)
    return files


def test_what_was_trained_ranks_the_code_of_a_new_sentence_first(files, bundle, system):
    learned = load_learned(files, system, bundle.encoder, bundle.known_words)
    note = Note.parse("Today she reports a severe headache.")
    rankings = pool(note, [*bundle.generators, *learned.generators], system)
    ranked = learned.ranker.rank(note, rankings)
    assert ranked[0].code == "R51"  # as the training notes write it, though R51 is not billable
    assert "headache" in note.slice(ranked[0].mentions[0].span)
    assert {"mentions", "lines", "plm_icd"} <= ranked[0].sources.keys()


def test_the_ranker_does_not_hear_plm_icd(files, bundle, system):
    learned = load_learned(files, system, bundle.encoder, bundle.known_words)
    note = Note.parse("Today she reports a severe headache.")
    rankings = pool(note, [*bundle.generators, *learned.generators], system)
    assert rankings["plm_icd"]
    silent = {name: found for name, found in rankings.items() if name != "plm_icd"}
    confidence = {c.code: c.score for c in learned.ranker.rank(note, rankings)}
    assert confidence == {c.code: c.score for c in learned.ranker.rank(note, silent)}


def test_a_second_run_repeats_the_first_from_its_work(coded_notes, files, shop, tmp_path):
    began = {path: path.stat().st_mtime_ns for path in shop.folder.iterdir()}
    again = LearnedFiles(tmp_path)
    train_all(coded_notes, again, shop)
    assert again.digests() == files.digests()
    kept = {path: path.stat().st_mtime_ns for path in shop.folder.iterdir()}
    assert kept == began


def test_features_of_a_fold_that_are_lost_are_made_anew(coded_notes, files, shop, tmp_path):
    next(iter(shop.folder.glob("features-1.*"))).unlink()
    again = LearnedFiles(tmp_path)
    train_all(coded_notes, again, shop)
    assert again.digests() == files.digests()


def test_a_changed_part_is_refused(files, bundle, system, tmp_path):
    copy = LearnedFiles(tmp_path / "copy")
    shutil.copytree(files.folder, copy.folder)
    with copy.mentions.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UserError, match=r"mentions\.tsv\.gz has changed since training"):
        copy.verify(system, bundle.encoder)


def test_parts_of_another_encoder_are_refused(files, system, bundle):
    manifest = files.read_manifest()
    changed = manifest.model_copy(update={"encoder_fingerprint": "0" * 64})
    files.manifest.write_text(changed.model_dump_json(), encoding="utf-8")
    try:
        with pytest.raises(UserError, match="encoder weights"):
            files.verify(system, bundle.encoder)
    finally:
        files.manifest.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def test_a_voice_is_added_once_for_a_model(files, bundle, system, tmp_path):
    copy = LearnedFiles(tmp_path / "copy")
    shutil.copytree(files.folder, copy.folder)
    for weight in (0.3, 0.6):
        voice = LLMVoice(model="m", confidence_weight=1, llm_weight=weight, bias=0, questions=50)
        add_voice(copy, voice)
    learned = load_learned(copy, system, bundle.encoder, bundle.known_words)
    assert [v.llm_weight for v in learned.ranker.card.llm] == [0.6]
