"""All Spanish parts trained from a handful of notes, and what reads a note with them."""

import contextlib
import shutil

import pytest

from indexes.bundle import load_bundle
from indexes.coded_notes import CodedNote
from indexes.learned import LearnedFiles
from indexes.ranker.pool import pool
from indexes.spanish_parts import EnglishWordings, SpanishFiles, load_spanish
from indexes.spanish_training import SpanishWorkshop, train_spanish
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError
from knowledge.note_text import Note

# Finding, code and what stands for it in English.
_FINDINGS = {
    "La radiografía muestra una neumonía lobar.": ("J18.1", "The film shows lobar pneumonia."),
    "Tiene hipertensión arterial esencial.": ("I10", "There is essential hypertension."),
    "Padece diabetes mellitus tipo 2.": ("E11.9", "There is type 2 diabetes mellitus."),
    "Refiere una cefalea intensa.": ("R51", "He reports a severe headache."),
    "Se trató una infección urinaria.": ("N39.0", "A urinary tract infection was treated."),
    "Se encontró anemia ferropénica.": ("D50.9", "Iron deficiency anaemia was found."),
}
_TITLES = {
    "J18.1": "Neumonía lobar",
    "I10": "Hipertensión esencial (primaria)",
    "H40.9": "Glaucoma, no especificado",
    "K35": "Apendicitis aguda",
}
_FILLER = "La consulta tuvo lugar por la mañana."


def _note(number):
    findings = list(_FINDINGS.items())
    chosen = [findings[number % 6], findings[(number + 1 + number // 6) % 6]]
    text = _FILLER + "\n" + "\n".join(sentence for sentence, _ in chosen)
    evidence = [
        {"code": code, "start": text.index(sentence), "end": text.index(sentence) + len(sentence)}
        for sentence, (code, _) in chosen
    ]
    codes = [code for _, (code, _) in chosen]
    row = {"id": f"n{number}", "text": text, "codes": codes, "language": "es", "evidence": evidence}
    return CodedNote.from_row(DatasetRow.model_validate(row))


@contextlib.contextmanager
def _no_bar(title):
    yield lambda done, total: None


@pytest.fixture(scope="module")
def bundle(system):
    return load_bundle(system, with_learned=False)


@pytest.fixture(scope="module")
def files(system, bundle, tmp_path_factory):
    notes = [_note(number) for number in range(24)]
    shop = SpanishWorkshop(
        system=system,
        titles=_TITLES,
        wordings=EnglishWordings.of(bundle),
        folder=tmp_path_factory.mktemp("work"),
        progress=_no_bar,
        index_identity=bundle.identity,
        hidden_share=0.0,
        folds=2,
    )
    files = SpanishFiles.beside(LearnedFiles(tmp_path_factory.mktemp("learned")))
    translations = {"n0": [(text, english) for text, (_, english) in _FINDINGS.items()]}
    stacked = train_spanish(notes, translations, files, shop)
    assert [set(scores) >= note.codes for scores, note in zip(stacked.scores, notes, strict=True)]
    return files


def _loaded(files, bundle, system):
    beside = LearnedFiles(files.folder.parent)
    return load_spanish(bundle._replace(learned_files=beside), system)


def test_what_was_trained_ranks_the_code_of_a_new_sentence_first(files, bundle, system):
    voices = _loaded(files, bundle, system)
    note = Note.parse("Hoy refiere una cefalea muy intensa.", language="es")
    rankings = pool(note, [*voices.untrained, *voices.learned.generators], system)
    best = voices.learned.ranker.rank(note, rankings)[0]
    assert best.code == "R51"  # as the training notes write it, though R51 is not billable
    assert {"mentions", "lines"} <= best.sources.keys()
    assert "cefalea" in note.slice(best.mentions[0].span)
    assert voices.learned.plm_icd is None


def test_a_code_that_no_note_taught_is_found_by_its_english_title(files, bundle, system):
    voices = _loaded(files, bundle, system)
    note = Note.parse("Se diagnosticó un glaucoma.", language="es")
    rankings = pool(note, [*voices.untrained, *voices.learned.generators], system)
    assert "H40.9" in {c.code for c in rankings["terms"]}


def test_parts_that_changed_are_refused(files, bundle, system, tmp_path):
    folder = tmp_path / "es"
    shutil.copytree(files.folder, folder)
    (folder / "lexicon.tsv.gz").write_bytes(b"")
    with pytest.raises(UserError, match=r"lexicon\.tsv\.gz has changed") as refused:
        load_spanish(bundle._replace(learned_files=LearnedFiles(tmp_path)), system)
    assert "--language es" in str(refused.value)


def test_missing_parts_are_named(bundle, system, tmp_path):
    with pytest.raises(UserError, match=r"The Spanish parts in .*es cannot be used"):
        load_spanish(bundle._replace(learned_files=LearnedFiles(tmp_path)), system)
