import io
import json

import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

from eval.cli import eval_group
from eval.compare import compare_files
from eval.tables import comparison_table
from knowledge.errors import UserError


def _write(path, rows):
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


@pytest.fixture
def files(tmp_path):
    notes = [f"n{number}" for number in range(12)]
    gold = [{"id": note, "codes": ["I10", "E11.9"]} for note in notes]
    half = [{"id": note, "codes": ["I10"]} for note in notes]
    whole = [{"id": note, "codes": ["i10", "E119"]} for note in notes[:-1]]
    return [
        _write(tmp_path / f"{name}.jsonl", rows)
        for name, rows in (("gold", gold), ("half", half), ("whole", whole), ("same", half))
    ]


def test_piped_output_is_one_json_object(files):
    arguments = ["compare", *map(str, files), "--resamples", "500"]
    result = CliRunner().invoke(eval_group, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["notes"] == 12
    assert report["baseline"] == str(files[1])
    whole, same = report["systems"]
    assert (whole["notes_predicted"], same["notes_predicted"]) == (11, 12)
    assert whole["metrics"].keys() == {"micro_f1", "macro_f1_gold_codes", "map"}
    micro = whole["metrics"]["micro_f1"]
    assert micro["baseline"] == pytest.approx(2 / 3)
    assert micro["system"] == pytest.approx(44 / 46)
    assert micro["ci95"][0] > 0.1
    assert micro["p"] < 0.01
    assert micro["p_holm"] == pytest.approx(2 * micro["p"])
    assert same["metrics"]["micro_f1"]["p_holm"] == 1
    assert whole["mcnemar"]["system_only"] == 11  # E11.9 of eleven notes
    assert whole["mcnemar"]["baseline_only"] == 1  # I10 of the note it lacks


def test_the_table_names_every_system_and_metric(files):
    stream = io.StringIO()
    report = compare_files(files[0], files[1], files[2:], resamples=200)
    Console(file=stream, width=200).print(comparison_table(report))
    shown = stream.getvalue()
    assert shown.count("whole.jsonl") == shown.count("same.jsonl") == 4
    for name in ("micro_f1", "macro_f1_gold_codes", "map", "McNemar"):
        assert shown.count(name) == 2


def test_one_note_cannot_be_compared(tmp_path):
    one = _write(tmp_path / "one.jsonl", [{"id": "a", "codes": ["I10"]}])
    with pytest.raises(UserError, match="holds 1 note; a comparison draws notes"):
        compare_files(one, one, [one])


def test_predictions_of_other_notes_are_named(files, tmp_path):
    other = _write(tmp_path / "other.jsonl", [{"id": "x", "codes": []}])
    with pytest.raises(UserError, match=r"no id in .*other\.jsonl occurs in .*gold\.jsonl"):
        compare_files(files[0], files[1], [other])


def test_too_few_resamples_are_bad_usage(files):
    result = CliRunner().invoke(eval_group, ["compare", *map(str, files), "--resamples", "5"])
    assert result.exit_code == 2
    assert "5 is not in the range x>=100" in result.stderr
