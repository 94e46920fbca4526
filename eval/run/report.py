"""The report of a run as one HTML file: figures, plots, notes with evidence, provenance."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from eval.metrics import normalise
from eval.run.columns import TABLES, rows_of
from eval.run.config import RunConfig
from eval.run.figures import judged_notes, results_path
from eval.run.files import RunFiles
from eval.run.plots import plots_of
from knowledge.code_systems import get_icd10cm
from knowledge.dataset_row import DatasetRow, EvidenceSpan, read_rows
from knowledge.errors import UserError
from knowledge.records import read_records

_TEMPLATES = Path(__file__).parent / "templates"


class Piece(NamedTuple):
    """A stretch of a note in which the same codes have evidence.

    Attributes:
        text: The words.
        right: Assigned codes with evidence here that are in the reference.
        wrong: Assigned codes with evidence here that are not.
        marked: Codes that annotators marked here.
    """

    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    marked: tuple[str, ...]


class NotePage(NamedTuple):
    """One note with what a system made of it.

    Attributes:
        id: Note id.
        pieces: Its text.
        assigned: Assigned codes: code, title, confidence, whether right, reason.
        missed: Codes of the reference that were not assigned, with titles.
    """

    id: str
    pieces: Sequence[Piece]
    assigned: Sequence[Mapping[str, Any]]
    missed: Sequence[tuple[str, str]]


def write_report(folder: Path, out: Path, notes: int) -> Path:
    """Write the report of a run.

    Args:
        folder: Of the run.
        out: The HTML file.
        notes: Notes of the baseline that are shown, those with the most errors first.

    Raises:
        UserError: The folder holds no finished run, matplotlib is missing, or the file cannot be
            written.
    """
    files = RunFiles(folder)
    if not files.figures.is_file():
        raise UserError(
            f"{folder} holds no figures of a run", fix=f"icd-agent eval run CONFIG --out {folder}"
        )
    figures = json.loads(files.figures.read_bytes())
    config = RunConfig.model_validate_json(files.config.read_bytes())
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.jinja").render(
        figures=figures,
        tables=[
            (title, columns, list(rows_of(figures, columns))) for title, columns in TABLES.items()
        ],
        plots=plots_of(figures),
        pages=list(_pages(config, files, notes)),
        config=config.model_dump_json(indent=1),
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror}", fix="name a writable file: --out FILE"
        ) from error
    return out


def _pages(config: RunConfig, files: RunFiles, notes: int) -> Iterator[NotePage]:
    """Yield the notes of the baseline with the most errors."""
    rows = {row.id: row for row in read_rows(judged_notes(config.baseline, config, files))}
    results = results_path(config.baseline, config, files)
    found = {line.value["id"]: line.value for line in read_records(results)}
    titles = _Titles()
    pages = [_page(rows[id_], found[id_], titles) for id_ in rows.keys() & found.keys()]
    pages.sort(key=lambda page: (-_errors(page), page.id))
    yield from pages[:notes]


def _errors(page: NotePage) -> int:
    return len(page.missed) + sum(not code["right"] for code in page.assigned)


class _Titles:
    """Titles of codes; one that the release lacks has none."""

    def __init__(self) -> None:
        self._system = get_icd10cm("icd10cm")

    def of(self, code: str) -> str:
        return self._system.get(code).title if code in self._system else "not in this release"


def _page(row: DatasetRow, prediction: Mapping[str, Any], titles: _Titles) -> NotePage:
    wanted = {normalise(code) for code in row.codes or ()}
    assigned = [code for code in prediction["codes"] if isinstance(code, dict)]
    spans = [
        (int(span["start"]), int(span["end"]), code["code"], _kind(code["code"], wanted))
        for code in assigned
        for span in code.get("evidence") or ()
    ]
    for item in row.evidence:
        if isinstance(item, EvidenceSpan):
            spans.append((item.start, item.end, item.code, "marked"))
        elif item.kind == "diagnosis":
            spans += [(start, end, item.code, "marked") for start, end in item.lines_en]
    taken = {normalise(code["code"]) for code in assigned}
    return NotePage(
        id=row.id,
        pieces=tuple(_pieces(row.text, spans)),
        assigned=[
            {
                "code": code["code"],
                "title": titles.of(code["code"]),
                "confidence": code.get("confidence"),
                "right": normalise(code["code"]) in wanted,
                "reason": code.get("reason") or "",
            }
            for code in assigned
        ],
        missed=[
            (code, titles.of(code))
            for code in sorted(row.codes or ())
            if normalise(code) not in taken
        ],
    )


def _kind(code: str, wanted: set[str]) -> str:
    return "right" if normalise(code) in wanted else "wrong"


def _pieces(text: str, spans: Sequence[tuple[int, int, str, str]]) -> Iterator[Piece]:
    """Cut a text where evidence begins or ends; joined, the pieces are the text."""
    ends = {0, len(text)}
    ends.update(end for span in spans for end in span[:2] if 0 <= end <= len(text))
    cuts = sorted(ends)
    for start, end in itertools.pairwise(cuts):
        here = [span for span in spans if span[0] <= start and end <= span[1]]
        codes = {
            kind: tuple(dict.fromkeys(code for _, _, code, k in here if k == kind))
            for kind in ("right", "wrong", "marked")
        }
        yield Piece(text[start:end], **codes)
