"""Codes that training did not know: figures by hand, and whole systems on notes of our own."""

import contextlib
import json

import pytest
from click.testing import CliRunner

from eval.cli import eval_group
from eval.tables import unseen_table
from eval.unseen import Experiment, Judged, figures_of, generator_recall, measure_unseen, overall
from indexes.artefacts import Artefacts
from indexes.bundle import load_bundle
from indexes.coded_notes import CodedNote
from indexes.plm_icd.config import PLMConfig
from indexes.training import Workshop
from knowledge.code_systems import get_code_system
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError


def _judged(gold, ranking, assigned, dense=()):
    return Judged(frozenset(gold), {"dense": dense}, dense, ranking, frozenset(assigned))


NOTES = [
    _judged({"A", "B", "X"}, ["B", "X", *"CDEFGHIJKLMNOP", "A"], {"B", "X", "C"}, ["A", "C"]),
    _judged({"A", "Y"}, ["Y"], {"Y"}, ["Y"]),
]


def test_figures_by_hand():
    figures = {name: share.value for name, share in figures_of(NOTES, {"A", "B", "C"}).items()}
    assert figures == pytest.approx(
        {
            "retrieval_recall@50": 1 / 3,  # A of the first note
            "candidate_recall": 2 / 3,  # A and B of the first note
            "recall@15": 1 / 3,  # A stands at place 17
            "recall@50": 2 / 3,
            "recall": 1 / 3,  # B
            "precision": 1 / 2,  # B, and C that is wrong; X and Y do not count
        }
    )


def test_the_interval_covers_the_share_and_can_be_left_out():
    share = figures_of(NOTES, {"A", "B"}, resamples=200)["recall"]
    assert share.ci95.low <= share.value <= share.ci95.high
    assert (share.hits, share.total) == (1, 3)
    assert figures_of(NOTES, {"A"}, resamples=0)["recall"].ci95 is None


def test_codes_that_nobody_has_give_zero():
    assert {s.value for s in figures_of(NOTES, {"Z"}, resamples=50).values()} == {0.0}


def test_each_generator_is_judged_alone():
    (share,) = generator_recall(NOTES, {"A", "Y"}).values()
    assert (share.hits, share.total) == (2, 3)


def test_other_codes_by_hand():
    # Left: gold B, X and Y; assigned B, X, C and Y.
    found = overall(NOTES, {"A"})
    assert found["micro_f1"] == pytest.approx(2 * 3 / (3 + 4))
    assert found["map"] == pytest.approx(1.0)


@contextlib.contextmanager
def _no_bar(title):
    yield lambda done, total: None


@pytest.fixture(scope="module")
def experiment(coded_notes, tmp_path_factory):
    system = get_code_system()
    bundle = load_bundle(system, with_learned=False)
    shop = Workshop(
        system=system,
        encoder=bundle.encoder,
        untrained=bundle.generators,
        known_words=bundle.known_words,
        plm=PLMConfig(),
        folder=tmp_path_factory.mktemp("work"),
        progress=_no_bar,
        on_epoch=lambda model, epoch: None,
        index_identity=bundle.identity,
        folds=2,
    )
    text = "Today she reports a severe headache.\nThe chest film shows lobar pneumonia."
    row = {"id": "new", "text": text, "codes": ["J18.1", "R51"]}
    reference = [CodedNote.from_row(DatasetRow.model_validate(row))]
    return Experiment(coded_notes, reference, Artefacts.bundled(), bundle, shop)


@pytest.fixture(scope="module")
def report(experiment):
    # R51 is a category that stands for R51.9 in the notes, so its title alone is found.
    return measure_unseen(experiment, {"J18.1"}, resamples=20, wordings=())


def test_a_code_in_training_is_found_and_one_held_out_by_its_wordings(report):
    known, unknown = report.outcomes
    assert known.in_training
    assert not unknown.in_training
    assert known.held_out["recall"].value == 1.0
    assert unknown.held_out["candidate_recall"].value == 1.0
    assert report.generators["terms"].value == 1.0
    assert (report.held_out_codes, report.occurrences) == (1, 1)
    assert report.occurrences_in_training == 8


def test_other_training_notes_than_those_of_the_shipped_parts_say_nothing_of_these(report):
    assert report.never_seen is None


def test_out_of_fold_every_training_note_is_judged(experiment, coded_notes):
    judged = experiment._replace(reference=None).judge({"J18.1"}, "all")
    assert [note.gold for note in judged] == [coded.codes for coded in coded_notes]
    assert all("J18.1" in note.ranking for note in judged if "J18.1" in note.gold)


def test_a_report_is_json_and_a_table(report):
    from rich.console import Console

    figures = json.loads(json.dumps(report.to_json()))
    assert figures["outcomes"][0]["held_out"]["recall"] == {"value": 1.0, "ci95": [1, 1], "of": 1}
    console = Console(width=200, record=True)
    console.print(unseen_table(report))
    text = console.export_text()
    assert "1 codes, 1 times in 1 notes" in text
    assert "held out, all" in text


def test_a_share_of_no_codes_is_bad_usage(tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"id": "a", "text": "Fever.", "codes": ["R50.9"]}\n', encoding="utf-8")
    for share, drawn in (("0.1", 0), ("1", 1)):
        result = CliRunner().invoke(eval_group, ["unseen", str(data), "--share", share])
        assert isinstance(result.exception, UserError)
        assert f"A share of {share} of 1 codes is {drawn} codes." in str(result.exception)
