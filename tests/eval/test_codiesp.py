import json
import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets.alignment import TextSpan, align, line_spans, sentence_spans
from eval.datasets.cli import data_group
from knowledge.dataset_row import read_rows
from knowledge.errors import UserError

SHARED = Path(__file__).parents[2].parent / "shared"
ORACLE = SHARED / "bin" / "make_codiesp.py"
CODIESP = SHARED / "data" / "codiesp"
needs_shared = pytest.mark.skipif(not CODIESP.is_dir(), reason=f"{CODIESP} is missing")

RELEASE_FIX = "Fix: give the folder of the CodiEsp v4 release as it was unpacked."
KIND_NAMES = {"diagnosis": "DIAGNOSTICO", "procedure": "PROCEDIMIENTO"}

# Two cases of our own. In the first the second Spanish sentence became two English lines.
SPANISH_1 = (
    "Varón de 61 años con fiebre. Tiene diabetes mellitus tipo 2 desde hace diez años y no toma "
    "ninguna medicación.\n\nSe realizó una radiografía de tórax.\n"
)
ENGLISH_1 = (
    "A 61-year-old man with fever.\nHe has had type 2 diabetes mellitus for ten years.\n"
    "He does not take any medication.\nA chest X-ray was taken.\n"
)
SPANISH_2 = "Niña con asma. ¿Alergia al polen? Dolor y enrojecimiento en el ojo derecho."
ENGLISH_2 = "Girl with asthma.\nPollen allergy?\nPain and redness in the right eye.\n"


def span_of(text: str, phrase: str) -> list[int]:
    start = text.index(phrase)
    return [start, start + len(phrase)]


def evidence(kind: str, code: str, text: str, phrases: list[str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "code": code,
        "phrase_es": " ".join(phrases),
        "spans_es": [span_of(text, phrase) for phrase in phrases],
    }


CASES = [
    {
        "id": "c-1",
        "text": ENGLISH_1,
        "text_es": SPANISH_1,
        "codes": ["R50.9", "E11.9"],
        "procedure_codes": ["BW03ZZZ"],
        "evidence": [
            evidence("diagnosis", "R50.9", SPANISH_1, ["fiebre"]),
            evidence("diagnosis", "E11.9", SPANISH_1, ["diabetes mellitus tipo 2"]),
            evidence("procedure", "BW03ZZZ", SPANISH_1, ["radiografía de tórax"]),
        ],
    },
    {
        "id": "c-2",
        "text": ENGLISH_2,
        "text_es": SPANISH_2,
        "codes": ["J45.909", "H57.11"],
        "procedure_codes": [],
        "evidence": [
            evidence("diagnosis", "J45.909", SPANISH_2, ["asma"]),
            evidence("diagnosis", "H57.11", SPANISH_2, ["Dolor", "ojo derecho"]),
        ],
    },
]
LINES = [
    ["A 61-year-old man with fever."],
    [
        "He has had type 2 diabetes mellitus for ten years.",
        "He does not take any medication.",
    ],
    ["A chest X-ray was taken."],
    ["Girl with asthma."],
    ["Pain and redness in the right eye."],
]


def write_release(folder: Path, split: str, cases: Iterable[dict[str, Any]]) -> None:
    """Lay cases out as the official release does: codes in lower case, spans as 'start end'."""
    tables: dict[str, list[list[str]]] = {"D": [], "P": [], "X": []}
    for name in ("text_files", "text_files_en"):
        (folder / split / name).mkdir(parents=True)
    for case in cases:
        name = f"{case['id']}.txt"
        (folder / split / "text_files" / name).write_text(case["text_es"], encoding="utf-8")
        (folder / split / "text_files_en" / name).write_text(case["text"], encoding="utf-8")
        tables["D"] += [[case["id"], code.lower()] for code in case["codes"]]
        tables["P"] += [[case["id"], code.lower()] for code in case["procedure_codes"]]
        for item in case["evidence"]:
            spans = ";".join(f"{start} {end}" for start, end in item["spans_es"])
            kind, code = KIND_NAMES[item["kind"]], item["code"].lower()
            tables["X"].append([case["id"], kind, code, item["phrase_es"], spans])
    for letter, rows in tables.items():
        content = "".join("\t".join(row) + "\n" for row in rows)
        (folder / split / f"{split}{letter}.tsv").write_text(content, encoding="utf-8")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    write_release(folder, "train", CASES)
    texts = folder / "background" / "text_files_en"
    texts.mkdir(parents=True)
    (texts / "b-1.txt").write_text("Cough.\n", encoding="utf-8")
    return folder


def prepare(source: Path, target: Path, *flags: str) -> str:
    arguments = ["prepare", "codiesp", str(source), str(target), *flags]
    return CliRunner().invoke(data_group, arguments, catch_exceptions=False).stdout


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_a_small_release_is_built_with_its_alignment(release, tmp_path):
    prepare(release, tmp_path / "out")
    rows = read(tmp_path / "out" / "train.jsonl")
    lines = [
        [row["text"][start:end] for start, end in item.pop("lines_en")]
        for row in rows
        for item in row["evidence"]
    ]
    assert lines == LINES
    assert rows == CASES
    assert read(tmp_path / "out" / "background.jsonl") == [{"id": "b-1", "text": "Cough.\n"}]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "background.jsonl",
        "train.jsonl",
    ]


def test_what_was_built_is_read_as_a_data_set(release, tmp_path):
    prepare(release, tmp_path / "out")
    rows = list(read_rows(tmp_path / "out" / "train.jsonl"))
    assert [row.codes for row in rows] == [("R50.9", "E11.9"), ("J45.909", "H57.11")]
    (note,) = read_rows(tmp_path / "out" / "background.jsonl")
    assert note.codes is None


def test_the_spanish_side_alone_has_the_evidence_as_it_was_marked(release, tmp_path):
    texts = release / "background" / "text_files"
    texts.mkdir()
    (texts / "b-1.txt").write_text("Tos.\n", encoding="utf-8")
    prepare(release, tmp_path / "out", "--language", "es")
    rows = read(tmp_path / "out" / "train.jsonl")
    assert [row["text"] for row in rows] == [SPANISH_1, SPANISH_2]
    assert all(row["language"] == "es" and "text_es" not in row for row in rows)
    for row, case in zip(rows, CASES, strict=True):
        pieces = [item.get("pieces", [[item["start"], item["end"]]]) for item in row["evidence"]]
        assert pieces == [item["spans_es"] for item in case["evidence"]]
    assert read(tmp_path / "out" / "background.jsonl") == [
        {"id": "b-1", "text": "Tos.\n", "language": "es"}
    ]


def test_summaries_for_people_and_machines(release, tmp_path):
    out = tmp_path / "out"
    assert prepare(release, out) == (
        f"{out / 'train.jsonl'}: 2 notes, 4 codes, 5 evidence spans\n"
        f"{out / 'background.jsonl'}: 1 notes, 0 codes, 0 evidence spans\n"
    )
    train, background = json.loads(prepare(release, out, "--json"))["splits"]
    assert train == {
        "split": "train",
        "path": str(out / "train.jsonl"),
        "notes": 2,
        "codes": 4,
        "procedure_codes": 1,
        "evidence": 5,
    }
    assert background["notes"] == 1


def test_repeated_codes_count_once_and_blank_lines_are_passed_over(release, tmp_path):
    table = release / "train" / "trainD.tsv"
    table.write_text("c-1\tr50.9\nc-1\te11.9\n\nc-1\tR50.9\n", encoding="utf-8")
    prepare(release, tmp_path / "out")
    assert [row["codes"] for row in read(tmp_path / "out" / "train.jsonl")] == [
        ["R50.9", "E11.9"],
        [],
    ]


def test_an_empty_piece_of_evidence_is_kept(release, tmp_path):
    table = release / "train" / "trainX.tsv"
    table.write_text("c-2\tDIAGNOSTICO\tj45.909\tasma\t9 9;9 13\n", encoding="utf-8")
    prepare(release, tmp_path / "out")
    (item,) = read(tmp_path / "out" / "train.jsonl")[1]["evidence"]
    assert item["spans_es"] == [[9, 9], [9, 13]]
    assert item["lines_en"] == [[0, len("Girl with asthma.")]]


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        ("D", "c-1", "1 tab-separated column(s), 2 are needed: id, code."),
        ("D", "c-1 r50.9", "1 tab-separated column(s), 2 are needed: id, code."),
        ("P", "c-1\t ", '" " is not a code.'),
        ("D", "c-3\tr50.9", 'the case "c-3" has no text in SRC/train/text_files_en.'),
        (
            "X",
            "c-1\tDIAGNOSTICO\tr50.9\tfiebre",
            "4 tab-separated column(s), 5 are needed: id, kind, code, phrase, offsets.",
        ),
        (
            "X",
            "c-1\tSINTOMA\tr50.9\tfiebre\t21 27",
            '"SINTOMA" is not a kind of code; allowed: DIAGNOSTICO, PROCEDIMIENTO.',
        ),
        (
            "X",
            "c-1\tDIAGNOSTICO\tr50.9\tfiebre\t21-27",
            '"21-27" is not "start end" or "start end;start end".',
        ),
        (
            "X",
            "c-2\tDIAGNOSTICO\tr50.9\tfiebre\t21 99",
            "span 21 99 lies outside the Spanish text (0-75).",
        ),
        (
            "X",
            "c-2\tDIAGNOSTICO\tr50.9\tfiebre\t9 3",
            "span 9 3 lies outside the Spanish text (0-75).",
        ),
    ],
)
def test_a_malformed_line_is_named(release, tmp_path, table, line, problem):
    path = release / "train" / f"train{table}.tsv"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        prepare(release, tmp_path / "out")
    shown = str(caught.value).replace(str(release), "SRC")
    assert shown == f"SRC/train/train{table}.tsv, line 2: {problem} {RELEASE_FIX}"
    assert not (tmp_path / "out" / "train.jsonl").exists()


def test_an_incomplete_release_is_named(release, tmp_path):
    def problem(source: Path) -> str:
        with pytest.raises(UserError) as caught:
            prepare(source, tmp_path / "out")
        return str(caught.value).replace(str(release), "SRC")

    assert problem(release / "train") == (
        f"SRC/train holds none of the folders train, dev, test, background. {RELEASE_FIX}"
    )
    (release / "train" / "text_files" / "c-2.txt").write_bytes(b"Ni\xf1a")
    assert problem(release) == (
        f"SRC/train/text_files/c-2.txt: not UTF-8 at byte 2 of the file. {RELEASE_FIX}"
    )
    (release / "train" / "text_files" / "c-2.txt").unlink()
    assert problem(release) == f"SRC/train/text_files/c-2.txt: no such file. {RELEASE_FIX}"
    (release / "train" / "trainP.tsv").unlink()
    assert problem(release) == f"SRC/train/trainP.tsv: no such file. {RELEASE_FIX}"
    for path in (release / "train" / "text_files_en").iterdir():
        path.unlink()
    assert problem(release) == f"SRC/train/text_files_en holds no .txt file. {RELEASE_FIX}"


def test_sentences_end_before_capitals_and_at_line_breaks():
    text = "  Dolor de 3.5 horas. ¿Fiebre? no. Sin Dr. apellido\n\n \nFin."
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "  Dolor de 3.5 horas.",
        "¿Fiebre? no.",
        "Sin Dr. apellido",
        "Fin.",
    ]
    assert line_spans("a\n \n\nb c\n") == [TextSpan(0, 1), TextSpan(5, 8)]


def spans(*lengths: int) -> list[TextSpan]:
    return [TextSpan(0, length) for length in lengths]


@pytest.mark.parametrize(
    ("sources", "targets", "runs"),
    [
        ([20, 40, 30], [21, 38, 31], [(0, 1), (1, 2), (2, 3)]),
        ([20, 80], [20, 40, 39], [(0, 1), (1, 3)]),
        ([40, 39, 20], [80, 20], [(0, 1), (0, 1), (1, 2)]),
        ([50, 50], [], [(0, 0), (0, 0)]),
        ([], [10], []),
    ],
)
def test_sentences_are_aligned_by_length(sources, targets, runs):
    assert align(spans(*sources), spans(*targets)) == [range(*run) for run in runs]


def cheapest(sources: tuple[int, ...], targets: tuple[int, ...], ratio: float) -> float:
    """Return the cost of the best alignment by trying every sequence of beads."""
    if not sources and not targets:
        return 0.0
    costs = [math.inf]
    beads = {(1, 1): 0, (1, 2): 2.3, (2, 1): 2.3, (2, 2): 4.4, (1, 0): 6, (0, 1): 6}
    for (m, n), penalty in beads.items():
        if m <= len(sources) and n <= len(targets):
            cost = bead_cost(sources[:m], targets[:n], ratio)
            costs.append(penalty + cost + cheapest(sources[m:], targets[n:], ratio))
    return min(costs)


def bead_cost(sources: tuple[int, ...], targets: tuple[int, ...], ratio: float) -> float:
    expected, length = sum(sources) * ratio, sum(targets)
    return (length - expected) ** 2 / (6.8 * max(1, (expected + length) / 2)) / 2


def cost_of(runs: list[range], sources: tuple[int, ...], targets: tuple[int, ...]) -> float:
    """Return the cost of an alignment without 0-1 beads as `align` reports it."""
    ratio = sum(targets) / sum(sources)
    penalties = {(1, 1): 0, (1, 2): 2.3, (2, 1): 2.3, (2, 2): 4.4, (1, 0): 6}
    total, index = 0.0, 0
    while index < len(runs):
        size = 2 if runs[index] and runs[index : index + 2] == [runs[index]] * 2 else 1
        part = targets[runs[index].start : runs[index].stop]
        total += penalties[size, len(part)] + bead_cost(sources[index : index + size], part, ratio)
        index += size
    return total


LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=4)


@given(LENGTHS, LENGTHS)
def test_the_alignment_is_in_order_and_the_cheapest(sources, targets):
    runs = align(spans(*sources), spans(*targets))
    assert len(runs) == len(sources)
    covered = sorted({index for run in runs for index in run})
    filled = [run for run in runs if run]
    assert [run.start for run in filled] == sorted(run.start for run in filled)
    if covered == list(range(len(targets))):
        # One more a sentence, for what parts it from the next.
        padded = tuple(n + 1 for n in sources), tuple(n + 1 for n in targets)
        best = cheapest(*padded, sum(padded[1]) / sum(padded[0]))
        assert cost_of(runs, *padded) == pytest.approx(best)


@pytest.mark.shared
@needs_shared
def test_the_official_layout_gives_the_same_rows(tmp_path):
    with (CODIESP / "dev.jsonl").open(encoding="utf-8") as stream:
        expected = [json.loads(next(stream)) for _ in range(50)]
    write_release(tmp_path, "dev", expected)
    prepare(tmp_path, tmp_path)
    assert read(tmp_path / "dev.jsonl") == expected


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("split", ["train", "background"])
def test_the_small_release_gives_the_same_bytes_as_the_reference_script(release, tmp_path, split):
    reference = tmp_path / "reference.jsonl"
    command = [sys.executable, ORACLE, release, split, reference]
    subprocess.run(command, check=True, capture_output=True)
    prepare(release, tmp_path / "out")
    assert (tmp_path / "out" / f"{split}.jsonl").read_bytes() == reference.read_bytes()
