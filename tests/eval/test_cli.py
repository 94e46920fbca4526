import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from eval.cli import eval_group
from eval.score import score_files
from eval.tables import score_tables
from knowledge.errors import UserError


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "a", "codes": ["I10", "E11.9"]}\n', encoding="utf-8")
    predictions = tmp_path / "pred.jsonl"
    predictions.write_text('{"id": "a", "codes": ["i10"]}\n', encoding="utf-8")
    return [str(gold), str(predictions)]


@pytest.mark.parametrize("flags", [[], ["--json"], ["--bootstrap", "10"]])
def test_piped_output_is_one_json_object(files, flags):
    result = CliRunner().invoke(eval_group, ["score", *files, *flags], catch_exceptions=False)
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["micro_f1"] == pytest.approx(2 / 3)
    assert figures["micro_f1_ci95"] == pytest.approx([2 / 3, 2 / 3])


def test_bootstrap_zero_leaves_the_interval_out(files):
    result = CliRunner().invoke(eval_group, ["score", *files, "--bootstrap", "0"])
    assert json.loads(result.stdout)["micro_f1_ci95"] is None


def test_a_negative_bootstrap_is_bad_usage(files):
    result = CliRunner().invoke(eval_group, ["score", *files, "--bootstrap", "-1"])
    assert result.exit_code == 2
    assert "-1 is not in the range x>=0" in result.stderr


def test_the_table_shows_every_figure(files, tmp_path):
    stream = io.StringIO()
    train = tmp_path / "train.jsonl"
    train.write_text('{"id": "t", "codes": ["I10"]}\n', encoding="utf-8")
    report = score_files(*map(Path, files), train_path=train, resamples=10)
    Console(file=stream, force_terminal=True, color_system=None, width=80).print(
        score_tables(report)
    )
    lines = [line.strip("│") for line in stream.getvalue().splitlines() if line.startswith("│")]
    cells = [[*map(str.strip, line.split("│"))] for line in lines]
    rows = dict(row for row in cells if len(row) == 2)
    slices = {"by_chapter", "by_train_frequency"}
    assert list(rows) == [name for name in report.to_json() if name not in slices]
    assert ["9", "1", "1.0000", "1.0000", "1.0000"] in cells
    assert ["unseen", "1", "0.0000", "0.0000", "0.0000"] in cells
    assert rows["notes"] == "1"
    assert rows["micro_f1"] == "0.6667"
    assert rows["micro_f1_ci95"] == "0.6667 to 0.6667"


def test_a_terminal_gets_the_table(files):
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    ours, theirs = pty.openpty()
    program = "from eval.cli import eval_group; eval_group()"
    command = [sys.executable, "-c", program, "score", *files, "--bootstrap", "10"]
    subprocess.run(command, check=True, stdout=theirs, cwd=Path(__file__).parents[2])
    shown = os.read(ours, 65536).decode("utf-8")
    os.close(ours)
    os.close(theirs)
    assert "micro_f1" in shown
    assert "0.6667 to 0.6667" in shown


def test_a_users_mistake_reaches_the_command_line_as_user_error(files):
    result = CliRunner().invoke(eval_group, ["score", files[0], "no.jsonl"])
    assert isinstance(result.exception, UserError)
    assert result.exception.message == "no.jsonl: no such file."
