import json
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

from eval.metrics import normalise
from eval.predictions import read_gold, read_predictions
from eval.score import score_files
from knowledge.errors import UserError

ORACLE = Path(__file__).parents[2].parent / "shared" / "bin" / "score_predictions.py"
needs_oracle = pytest.mark.skipif(not ORACLE.is_file(), reason=f"{ORACLE} is missing")

GOLD_FIX = 'Fix: each line needs "codes": ["N17.9", ...].'
PRED_FIX = 'Fix: each line needs "codes": [{"code": "N17.9", "confidence": 0.93}, ...].'


def write(folder: Path, name: str, *rows: object) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_codes_are_normalised_and_counted_once(tmp_path):
    path = write(tmp_path, "gold.jsonl", {"id": "a", "codes": ["n17.9", "N179", "I10"]})
    assert read_gold(path) == {"a": frozenset({"N179", "I10"})}


def test_predictions_are_ranked_by_confidence_or_score_with_ties_as_given(tmp_path):
    codes = [
        {"code": "I10", "confidence": 0.2},
        "E11.9",
        {"code": "n17.9", "confidence": None, "score": 0.9},
        {"code": "J18.9", "confidence": 0.2},
        {"code": "N179", "confidence": 0.1},
    ]
    path = write(tmp_path, "p.jsonl", {"id": "a", "codes": codes, "candidates": []})
    prediction = read_predictions(path)["a"]
    assert prediction.codes == ("N179", "I10", "J189", "E119")
    assert prediction.ranking == prediction.codes
    assert not prediction.failed


def test_ranking_figures_come_from_the_candidates(tmp_path):
    gold = write(tmp_path, "gold.jsonl", {"id": "a", "codes": ["I10", "E11.9"]})
    row = {"id": "a", "codes": ["I10"], "candidates": [{"code": "I10", "score": 2}, "E11.9"]}
    report = score_files(gold, write(tmp_path, "p.jsonl", row)).to_json()
    assert report["micro_recall"] == 0.5
    assert report["recall@5"] == 1
    assert report["map"] == 1


def test_chapters_frequency_hierarchy_and_validity(tmp_path):
    gold = write(tmp_path, "g.jsonl", {"id": "a", "codes": ["I10", "E11.9", "W19.XXXA"]})
    codes = ["I10", "E11.8", "E11", "Q99.X"]  # one right, one near, a heading, no code at all
    predictions = write(tmp_path, "p.jsonl", {"id": "a", "codes": codes})
    train = write(tmp_path, "t.jsonl", *({"id": str(n), "codes": ["E11.9"]} for n in range(3)))
    figures = score_files(gold, predictions, train_path=train).to_json()
    assert figures["codes_not_in_release"] == 1
    assert figures["codes_not_billable"] == 1
    assert list(figures["by_chapter"]) == ["4", "9", "20", "other"]
    assert figures["by_chapter"]["9"]["micro_f1"] == 1
    assert figures["by_chapter"]["other"]["gold_codes"] == 0
    assert figures["by_train_frequency"]["3-9"]["gold_codes"] == 1
    assert figures["by_train_frequency"]["unseen"]["micro_recall"] == 0.5
    # Entries: reference I10 3, E11.9 4, W19.XXXA 6; predicted 3 + 4 (E11.8) + 3 (E11) + 1; shared
    # I10 3, and chapter, block and category of E11.9.
    assert figures["hierarchical_f1"] == pytest.approx(2 * 6 / (13 + 11))


def test_the_two_files_are_held_against_each_other(tmp_path):
    gold = write(tmp_path, "g.jsonl", *({"id": i, "codes": ["I10"]} for i in "abcd"))
    predictions = write(
        tmp_path,
        "p.jsonl",
        {"id": "a", "codes": ["I10"], "status": "ok"},
        {"id": "b", "codes": [], "status": "failed", "error": "no memory"},
        {"id": "z", "codes": ["I10"], "status": "failed"},
        {"id": "y", "codes": ["I10"]},
    )
    report = score_files(gold, predictions, resamples=0)
    assert report.unknown_ids == ("y", "z")
    figures = report.to_json()
    assert figures["notes"] == 4
    assert figures["notes_predicted"] == 2
    assert figures["unknown_ids"] == 2
    assert figures["failed"] == 1
    assert figures["micro_recall"] == 0.25
    assert figures["micro_f1_ci95"] is None


@pytest.mark.parametrize(
    ("gold", "prediction", "message"),
    [
        (
            {"id": "a"},
            {"id": "a", "codes": []},
            f'GOLD, line 1: "codes" is missing. {GOLD_FIX}',
        ),
        (
            {"id": "a", "codes": "I10"},
            {"id": "a", "codes": []},
            f'GOLD, line 1: "codes" is not a list. {GOLD_FIX}',
        ),
        (
            {"id": "a", "codes": ["I10", {"code": "I10"}]},
            {"id": "a", "codes": []},
            f"GOLD, line 1: {{'code': 'I10'}} is not a code. {GOLD_FIX}",
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "a"},
            f'PRED, line 1: "codes" is missing. {PRED_FIX}',
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "a", "codes": ["."]},
            f"PRED, line 1: '.' in \"codes\" has no code. {PRED_FIX}",
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "a", "codes": [], "candidates": [{"score": 1}]},
            f"PRED, line 1: {{'score': 1}} in \"candidates\" has no code. {PRED_FIX}",
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "a", "codes": [{"code": "I10", "confidence": "high"}]},
            "PRED, line 1: 'high', the score of I10 in \"codes\", is not a number. " + PRED_FIX,
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "a", "codes": [{"code": "I10", "confidence": math.nan}]},
            "PRED, line 1: broken JSON at column 53 (unexpected character, expected a JSON "
            "value). Fix: put one whole JSON object on each line.",
        ),
        (
            {"id": "a", "codes": ["I10"]},
            {"id": "b", "codes": ["I10"]},
            'no id in PRED occurs in GOLD (for example "b" against "a"). '
            "Fix: score predictions made for the notes of that reference.",
        ),
    ],
)
def test_unusable_files_are_named(tmp_path, gold, prediction, message):
    paths = {
        "GOLD": write(tmp_path, "gold.jsonl", gold),
        "PRED": write(tmp_path, "pred.jsonl", prediction),
    }
    with pytest.raises(UserError) as caught:
        score_files(*paths.values())
    shown = str(caught.value)
    for name, path in paths.items():
        shown = shown.replace(str(path), name)
    assert shown == message


def random_code(generator: random.Random) -> str:
    code = f"{generator.choice('EIJN')}{generator.randint(10, 13)}"
    code += generator.choice(["", f".{generator.randint(0, 3)}", f".{generator.randint(0, 3)}X"])
    return generator.choice([code, code.lower(), code.replace(".", "")])


def random_entry(generator: random.Random) -> object:
    code = random_code(generator)
    key = generator.choice(["confidence", "score", "both", "bare"])
    if key == "bare":
        return code
    value = round(generator.random(), 1)
    if key == "both":
        return {"code": code, "confidence": generator.choice([None, 0, value]), "score": value}
    return {"code": code, key: value}


def random_files(folder: Path, seed: int) -> tuple[Path, Path]:
    generator = random.Random(seed)

    def entries(make, most):
        return [make(generator) for _ in range(generator.randint(0, most))]

    gold = [{"id": f"n{n}", "codes": entries(random_code, 8)} for n in range(40)]
    predictions = []
    for number in range(3, 45):
        row = {"id": f"n{number}", "codes": entries(random_entry, 8)}
        if generator.random() < 0.6:
            row["candidates"] = row["codes"] + entries(random_entry, 120)
        predictions.append(row)
    generator.shuffle(gold)
    generator.shuffle(predictions)
    return write(folder, "gold.jsonl", *gold), write(folder, "pred.jsonl", *predictions)


@pytest.mark.shared
@needs_oracle
@pytest.mark.parametrize("seed", range(4))
def test_every_figure_equals_the_independent_implementation(tmp_path, seed):
    gold, predictions = random_files(tmp_path, seed)
    command = [sys.executable, ORACLE, gold, predictions, "--json", "--bootstrap", "300"]
    oracle = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    ours = score_files(gold, predictions, resamples=300).to_json()
    assert ours["failed"] == 0
    assert 0 < ours["expected_calibration_error"] < 1
    assert [name for name in ours if name in oracle] == list(oracle)
    # Means of floats are summed in another order there; everything else is exact.
    rounded = {"macro_f1_gold_codes", "map"}
    assert {name: ours[name] for name in oracle if name not in rounded} == {
        name: value for name, value in oracle.items() if name not in rounded
    }
    for name in rounded:
        assert ours[name] == pytest.approx(oracle[name], rel=1e-12)
    assert 0 < ours["micro_f1"] < 1
    assert ours["recall@5"] < ours["recall@100"]


def test_random_predictions_hold_duplicates_after_normalisation(tmp_path):
    _, predictions = random_files(tmp_path, 0)
    rows = map(json.loads, predictions.read_text(encoding="utf-8").splitlines())
    raw = [[e if isinstance(e, str) else e["code"] for e in row["codes"]] for row in rows]
    assert any(len({*map(normalise, codes)}) < len({*codes}) for codes in raw)
