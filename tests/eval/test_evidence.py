import json

import orjson
import pytest
from click.testing import CliRunner

from eval.cli import eval_group
from eval.evidence import score_evidence
from knowledge.errors import UserError

TEXT = "Essential hypertension. Type 2 diabetes since 2010, no retinopathy. Severe asthma."


def _span(words):
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words)}


@pytest.fixture
def write(tmp_path):
    def write(name, *rows):
        path = tmp_path / name
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        return path

    return write


@pytest.fixture
def gold(write):
    evidence = [
        {"code": "I10", **_span("Essential hypertension")},
        {"code": "E11.9", **_span("Type 2 diabetes")},
        {"code": "J45.909", **_span("asthma")},
    ]
    codes = ["I10", "E11.9", "J45.909", "Z79.4"]
    other = {"id": "b", "text": TEXT, "codes": ["I10"], "evidence": evidence[:1]}
    return write(
        "gold.jsonl", {"id": "a", "text": TEXT, "codes": codes, "evidence": evidence}, other
    )


def _code(code, *words):
    return {"code": code, "evidence": [_span(w) for w in words]}


def test_figures_by_hand(gold, write):
    predicted = write(
        "pred.jsonl",
        {
            "id": "a",
            "codes": [
                _code("I10", "Essential hypertension"),  # exact, 2 of 2 words
                _code("e119", "diabetes since 2010"),  # overlaps, 1 word of its 3 and of the 3
                _code("J45909", "retinopathy"),  # misses, 0 of 1 and 1
                _code("Z79.4", "diabetes"),  # the reference marks no words: not judged
                _code("R51", "Severe"),  # not in the reference: not judged
            ],
        },
        {"id": "b", "codes": [_code("I10")]},  # right, and without support
    )
    report = score_evidence(gold, predicted)
    assert (report.notes, report.judged, report.unsupported) == (2, 4, 1)
    assert report.overlap == 2 / 4
    assert report.exact == 1 / 4
    assert report.word_precision == pytest.approx(3 / 6)
    assert report.word_recall == pytest.approx(3 / 8)
    assert report.word_f1 == pytest.approx(6 / 14)
    low, high = report.overlap_ci95
    assert low == 0  # note b twice
    assert high == pytest.approx(2 / 3)  # note a twice


def test_the_reference_itself_is_exact(gold, write):
    rows = [orjson.loads(line) for line in gold.read_bytes().splitlines()]
    predicted = write(
        "pred.jsonl",
        *(
            {
                "id": row["id"],
                "codes": [{"code": e["code"], "evidence": [e]} for e in row["evidence"]],
            }
            for row in rows
        ),
    )
    report = score_evidence(gold, predicted, resamples=0)
    assert report.overlap == report.exact == report.word_f1 == 1
    assert report.overlap_ci95 is None


def test_piped_output_is_one_json_object(gold, write):
    predicted = write("pred.jsonl", {"id": "a", "codes": [_code("I10", "hypertension")]})
    arguments = ["evidence", str(gold), str(predicted), "--bootstrap", "50"]
    result = CliRunner().invoke(eval_group, arguments, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert figures["overlap"] == 1
    assert figures["overlap_ci95"] == [1, 1]
    assert figures["exact"] == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a", "codes": [{"code": "I10", "evidence": [{"start": 4}]}]}, "line 1.*'I10'"),
        ({"id": "a", "codes": [{"code": "I10", "evidence": [{"start": 9, "end": 2}]}]}, "line 1"),
        ({"id": "a", "codes": ["I10"]}, "'I10' is not a code with evidence"),
        ({"id": "a"}, '"codes" is missing or not a list'),
        ({"id": "a", "codes": []}, "no assigned code of .* is in .* with evidence"),
        ({"id": "x", "codes": []}, "no id in .* occurs in"),
    ],
)
def test_bad_input_is_named(gold, write, row, message):
    with pytest.raises(UserError, match=message):
        score_evidence(gold, write("pred.jsonl", row))
