"""The table of accuracies: verdicts, and one whole small run on notes of our own."""

import json

import pytest
from rich.console import Console

from eval.accuracy import Bench, Figure, measure_accuracy
from eval.tables import accuracy_table
from indexes.cli_output import progress_bar
from knowledge.dataset_row import DatasetRow


@pytest.mark.parametrize(
    ("value", "must", "want", "at_most", "verdict"),
    [
        (0.70, 0.65, 0.70, False, "want"),
        (0.69, 0.65, 0.70, False, "must"),
        (0.64, 0.65, 0.70, False, "missed"),
        (0.03, 0.05, 0.03, True, "want"),
        (0.04, 0.05, 0.03, True, "must"),
        (0.06, 0.05, 0.03, True, "missed"),
        (0.50, None, 2.0, False, "missed"),
        (0.50, None, None, False, "-"),
    ],
)
def test_verdicts(value, must, want, at_most, verdict):
    figure = Figure("x", value, None, must, want, 10, at_most)
    assert figure.verdict == verdict
    assert figure.to_json()["verdict"] == verdict


def note(number: int, english: str, spanish: str, codes: list[tuple[str, str, str]]) -> dict:
    """A bilingual note; codes with their Spanish words and their English line."""
    evidence = []
    for code, words, line in codes:
        start, begin = spanish.index(words), english.index(line)
        evidence.append(
            {
                "kind": "diagnosis",
                "code": code,
                "phrase_es": words,
                "spans_es": [[start, start + len(words)]],
                "lines_en": [[begin, begin + len(line)]],
            }
        )
    return {
        "id": f"n{number}",
        "text": english,
        "text_es": spanish,
        "codes": [code for code, _, _ in codes],
        "evidence": evidence,
    }


def test_every_figure_is_measured_on_small_files(tmp_path):
    first = note(
        1,
        "Patient with asthma.\nShe has arterial hypertension.",
        "Paciente con asma.\nTiene hipertensión arterial.",
        [("J45.909", "asma", "Patient with asthma."), ("I10", "hipertensión arterial", "She has")],
    )
    second = note(
        2,
        "Man with fever and cough.\nDiabetes mellitus type 2.",
        "Varón con fiebre y tos.\nDiabetes mellitus tipo 2.",
        [("R50.9", "fiebre", "Man with fever"), ("E11.9", "Diabetes mellitus tipo 2", "Diabetes")],
    )
    train, reference = tmp_path / "train.jsonl", tmp_path / "dev.jsonl"
    train.write_text('{"id": "t", "text": "x", "codes": ["I10", "R50.9"]}\n', encoding="utf-8")
    reference.write_text("".join(json.dumps(row) + "\n" for row in (first, second)), "utf-8")
    us = [DatasetRow(id="u", text="Assessment: asthma.", codes=("J45.909",), setting="outpatient")]
    bench = Bench(train, reference, us, tmp_path / "out", 0, progress_bar)
    figures = {figure.what: figure for figure in measure_accuracy(bench)}
    assert len(figures) == 11
    assert figures["English, micro-F1"].value > 0.5
    assert figures["Spanish text, micro-F1"].value > 0.5
    # Asthma and diabetes are not in the training file.
    unseen = figures["recall of codes unseen in train, English"]
    assert unseen.value in (0, 0.5, 1)
    assert figures["US-style notes, report half, micro-F1"].notes == 1
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    before = {name: (tmp_path / "out" / name).read_bytes() for name in made}
    again = {figure.what: figure for figure in measure_accuracy(bench)}
    assert again == figures
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in made}
    console = Console(width=200, record=True)
    console.print(accuracy_table(figures.values()))
    shown = console.export_text()
    assert all(name in shown for name in figures)
