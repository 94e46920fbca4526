"""Every accuracy that the project sets itself a target for, measured in one go, with intervals.

``icd-agent eval accuracy DATA --out FOLDER`` codes what has to be coded, scores it and prints each
figure beside its targets. Nothing is chosen here: the notes that report are those that no part was
trained or tuned on.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from agent.coder import Coder, CoderOptions, code_or_fail
from agent.output import ResultsFile
from agent.result import Policy
from eval.calibration import calibration_interval, expected_calibration_error
from eval.compare import compare_files
from eval.evidence import score_evidence
from eval.jsonl import write_jsonl
from eval.metrics import (
    CodeSets,
    Interval,
    average_precision,
    bootstrap_interval,
    micro_scores,
    ratio_interval,
)
from eval.plm_icd import exported_scores, predictions, shipped_folder
from eval.predictions import Prediction, read_gold, read_predictions
from eval.requests import coding_request
from indexes.cross_fitting import ProgressBar
from indexes.plm_icd.files import PLMFiles
from knowledge.dataset_row import DatasetRow, read_rows
from knowledge.errors import UserError
from knowledge.spanish_row import spanish_row

_DEPTH = 50


class Figure(NamedTuple):
    """One measured figure beside its targets.

    Attributes:
        what: What was measured.
        value: Of all notes.
        ci95: 95 % bootstrap interval over notes.
        must: The least that the project asks of itself; None where it asks nothing.
        want: What it wants.
        at_most: Whether smaller is better.
        notes: Notes that it rests on.
    """

    what: str
    value: float
    ci95: Interval | None
    must: float | None
    want: float | None
    notes: int
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """Return which of the targets is reached."""
        for name, target in (("want", self.want), ("must", self.must)):
            if target is not None and self._reaches(target):
                return name
        return "-" if self.must is None and self.want is None else "missed"

    def _reaches(self, target: float) -> bool:
        return self.value <= target if self.at_most else self.value >= target

    def to_json(self) -> dict[str, Any]:
        """Return the figure, ready for JSON."""
        interval = list(self.ci95) if self.ci95 else None
        return {**self._asdict(), "ci95": interval, "verdict": self.verdict}


class Bench(NamedTuple):
    """What to measure with.

    Attributes:
        train: The bilingual notes that the shipped parts learned from.
        reference: Bilingual notes with codes and evidence that nothing was chosen on.
        us_notes: Notes with codes under "guidelines" that nothing was chosen on.
        out: Folder of the predictions; those that it holds are not made again.
        llm_notes: Notes of the reference that are coded with the built-in LLM too; 0 for none.
        progress: Opens progress bars.
    """

    train: Path
    reference: Path
    us_notes: Sequence[DatasetRow]
    out: Path
    llm_notes: int
    progress: ProgressBar


def measure_accuracy(bench: Bench) -> Iterator[Figure]:
    """Yield the figures as they are measured.

    Raises:
        UserError: A file cannot be read or written, or a part is missing.
    """
    english = bench.out / "english.jsonl"
    _code(bench.reference, english, "mentions", "none", bench.progress)
    yield from _english(bench, english)
    reference, spanish = bench.out / "reference_es.jsonl", bench.out / "spanish.jsonl"
    rows = (spanish_row(row).to_json() for row in read_rows(bench.reference))
    write_jsonl(reference, rows)
    _code(reference, spanish, "mentions", "none", bench.progress)
    yield from _micro_and_map("Spanish text", reference, spanish, (0.70, 0.76), (0.62, 0.72))
    plm = bench.out / "plm_icd.jsonl"
    _predict_plm(bench.reference, plm)
    yield _micro("PLM-ICD alone, English, micro-F1", bench.reference, plm, (0.44, 0.52))
    if bench.llm_notes:
        yield _llm_gain(bench, english)
    us_notes, us = bench.out / "reference_us.jsonl", bench.out / "us_notes.jsonl"
    write_jsonl(us_notes, (row.to_json() for row in bench.us_notes))
    _code(us_notes, us, "guidelines", "none", bench.progress)
    yield _micro("US-style notes, report half, micro-F1", us_notes, us, (0.75, 0.88))
    yield _calibration("calibration error, US-style notes", us_notes, us, (None, None))


def _english(bench: Bench, results: Path) -> Iterator[Figure]:
    reference = bench.reference
    yield from _micro_and_map("English", reference, results, (0.65, 0.70), (0.62, 0.68))
    yield _recall(reference, results, (0.78, 0.84))
    yield _unseen(bench, results, (0.15, 0.30))
    yield _calibration("calibration error, English", reference, results, (0.05, 0.03))
    evidence = score_evidence(reference, results)
    yield Figure(
        "evidence of right codes that overlaps a marked line",
        evidence.overlap,
        evidence.overlap_ci95,
        *(0.80, 0.92),
        evidence.notes,
    )


_Targets: TypeAlias = tuple[float | None, float | None]


def _micro_and_map(
    what: str, reference: Path, results: Path, micro: _Targets, precision: _Targets
) -> Iterator[Figure]:
    yield _micro(f"{what}, micro-F1", reference, results, micro)
    gold, found = read_gold(reference), read_predictions(results)
    scores = [
        (average_precision(codes, found[note].ranking if note in found else ()), 1)
        for note, codes in sorted(gold.items())
        if codes
    ]
    yield _ratio(f"{what}, MAP", scores, precision)


def _micro(what: str, reference: Path, results: Path, targets: _Targets) -> Figure:
    gold, predicted = read_gold(reference), _assigned(read_predictions(results))
    interval = bootstrap_interval(gold, predicted)
    return Figure(what, micro_scores(gold, predicted).f1, interval, *targets, len(gold))


def _recall(reference: Path, results: Path, targets: _Targets) -> Figure:
    gold, found = read_gold(reference), read_predictions(results)
    hits = [
        (len(codes.intersection(found[n].ranking[:_DEPTH] if n in found else ())), len(codes))
        for n, codes in sorted(gold.items())
    ]
    return _ratio(f"English, recall@{_DEPTH}", hits, targets)


def _unseen(bench: Bench, results: Path, targets: _Targets) -> Figure:
    """Return the recall of the codes that no training note has."""
    gold, predicted = read_gold(bench.reference), _assigned(read_predictions(results))
    seen = frozenset[str]().union(*read_gold(bench.train).values())
    hits = [
        (len((codes - seen) & predicted.get(note, frozenset())), len(codes - seen))
        for note, codes in sorted(gold.items())
    ]
    return _ratio("recall of codes unseen in train, English", hits, targets)


def _calibration(what: str, reference: Path, results: Path, targets: _Targets) -> Figure:
    gold, found = read_gold(reference), read_predictions(results)
    confidences = {note: prediction.confidences for note, prediction in found.items()}
    error = expected_calibration_error(gold, confidences)
    if error is None:
        raise UserError(f"no code in {results} has a confidence", fix=f"remove {results}")
    interval = calibration_interval(gold, confidences)
    return Figure(what, error, interval, *targets, len(gold), at_most=True)


def _llm_gain(bench: Bench, without: Path) -> Figure:
    """Return how far the built-in LLM takes micro-F1, in points of a hundred."""
    few = bench.out / f"reference_{bench.llm_notes}.jsonl"
    rows = list(itertools.islice(read_rows(bench.reference), bench.llm_notes))
    write_jsonl(few, (row.to_json() for row in rows))
    results = bench.out / f"llm_{bench.llm_notes}.jsonl"
    _code(few, results, "mentions", "builtin", bench.progress)
    found = compare_files(few, without, [results]).systems[0].differences["micro_f1"]
    interval = Interval(*(100 * end for end in found.ci95))
    what = f"gain of the built-in LLM, points of micro-F1 (p = {found.p:.3f})"
    return Figure(what, 100 * found.difference, interval, None, 2.0, len(rows))


def _ratio(what: str, pairs: Sequence[tuple[float, int]], targets: _Targets) -> Figure:
    above, below = (sum(column) for column in zip(*pairs, strict=True))
    return Figure(what, above / below, ratio_interval(pairs), *targets, len(pairs))


def _assigned(found: Mapping[str, Prediction]) -> CodeSets:
    return {note: frozenset(prediction.codes) for note, prediction in found.items()}


def _code(data: Path, out: Path, policy: Policy, llm: str, progress: ProgressBar) -> None:
    """Code the notes of a data set that ``out`` lacks."""
    rows = list(read_rows(data))
    with ResultsFile(out, resume=True) as results, progress(out.stem) as told:
        left = [row for row in rows if row.id not in results.done]
        coder = Coder(CoderOptions(llm=llm, policy=policy)) if left else None
        for number, row in enumerate(left, 1):
            assert coder is not None, "there is a note to code"
            results.write(code_or_fail(coder, coding_request(row)))
            told(number, len(left))


def _predict_plm(data: Path, out: Path) -> None:
    if out.exists():
        return
    folder = shipped_folder()
    threshold = PLMFiles(folder).read_card().threshold
    write_jsonl(out, predictions(read_rows(data), exported_scores(folder), threshold))
