"""A made-up MDACE: annotations of the discharge summaries of a made-up MIMIC-III."""

import re
from pathlib import Path
from typing import Any

import orjson

from eval.datasets.icd_dots import with_dot
from eval.datasets.progress import Steps
from eval.datasets.synthetic.mimic3 import Summary, write_summaries
from knowledge.dataset_row import CodeKind

ANNOTATIONS = Path("mdace", "data", "Inpatient", "ICD-9", "1.0")
SPLITS = Path("mdace", "splits", "inpatient")
MIMIC = Path("mimiciii", "1.4")
_PARTS = ("train", "train", "train", "val", "test")


def write_release(
    folder: Path, *, admissions: int, notes: int, seed: int, steps: Steps
) -> list[Path]:
    """Write `MIMIC`, `ANNOTATIONS` and `SPLITS` below a folder and return the split files.

    Raises:
        UserError: A file cannot be written.
    """
    annotations = folder / ANNOTATIONS
    annotations.mkdir(parents=True, exist_ok=True)
    splits: dict[str, list[int]] = {part: [] for part in _PARTS}
    with steps.step("notes", max(admissions, notes)) as advance:
        for summary in write_summaries(
            folder / MIMIC, admissions=admissions, notes=notes, seed=seed
        ):
            advance(1)
            if summary is not None:
                stay = summary.stay
                path = annotations / f"{stay.number}.json"
                path.write_bytes(orjson.dumps(_chart(summary), option=orjson.OPT_INDENT_2))
                splits[_PARTS[stay.patient.number % len(_PARTS)]].append(stay.number)
    (folder / SPLITS).mkdir(parents=True, exist_ok=True)
    paths = []
    for part, numbers in splits.items():
        paths.append(folder / SPLITS / f"MDace-code-ev-{part}.csv")
        paths[-1].write_text("".join(f"{number}\n" for number in numbers), encoding="utf-8")
    return paths


def _chart(summary: Summary) -> dict[str, Any]:
    procedures = set(summary.stay.procedures)
    report = summary.report
    annotations = []
    for mention in report.mentions:
        kind: CodeKind = "procedure" if mention.code in procedures else "diagnosis"
        words = report.text[mention.start : mention.end]
        annotations.append(
            {
                "begin": mention.start,
                "end": mention.end,
                "code": with_dot(mention.code.code, summary.stay.version, kind),
                "code_system": "ICD-9-CM" if kind == "diagnosis" else "ICD-9-PCS",
                "description": mention.code.title,
                "type": "Human",
                "covered_text": re.sub(r"\s", " ", words),
            }
        )
    return {
        "hadm_id": summary.stay.number,
        "notes": [
            {
                "note_id": summary.row_id,
                "category": "Discharge summary",
                "description": "Report",
                "annotations": annotations,
            }
        ],
    }
