"""The commands of ``icd-agent data prepare`` for the data sets that stand on MIMIC."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from eval.datasets.admissions import AdmissionRow, Dropped
    from eval.datasets.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

_VERSIONS = {"icd9cm": 9, "icd10cm": 10}


class _Options(NamedTuple):
    """What all these commands take."""

    dst: Path
    split: tuple[str, ...]
    dev_share: float
    test_share: float
    seed: int
    allow_patient_overlap: bool
    as_json: bool

    @property
    def by_era(self) -> bool:
        """Whether the split needs the era of each patient."""
        from eval.datasets.splits import CHRONOLOGICAL

        return CHRONOLOGICAL in self.split


_COMMON: tuple[Callable[[Any], Any], ...] = (
    click.argument("src", type=click.Path(path_type=Path)),
    click.argument("dst", type=click.Path(path_type=Path)),
    click.option(
        "--split",
        multiple=True,
        metavar="FILE|chronological|random",
        help="How admissions are split: published files, the option repeated for each; by era; or "
        "at random, every code spread evenly. Without it all go to all.jsonl.",
    ),
    click.option(
        "--dev-share",
        type=click.FloatRange(0, 0.5, max_open=True),
        default=0.1,
        show_default=True,
        help="Share of admissions drawn for dev.",
    ),
    click.option(
        "--test-share",
        type=click.FloatRange(0, 0.5, max_open=True),
        default=0.1,
        show_default=True,
        help="Share of admissions drawn for test.",
    ),
    click.option("--seed", type=int, default=13, show_default=True, help="Seed of what is drawn."),
    click.option(
        "--allow-patient-overlap",
        is_flag=True,
        help="Take a split although it has patients in two parts; they are listed.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as when piped."),
)
_skip_orphans = click.option(
    "--skip-orphan-notes",
    is_flag=True,
    help="Leave out notes whose admission is unknown instead of refusing them.",
)


def _common(command: F) -> F:
    for option in reversed(_COMMON):
        command = option(command)
    return command


@click.command(name="mimic3")
@_common
@_skip_orphans
def mimic3(src: Path, skip_orphan_notes: bool, **common: Any) -> None:  # noqa: ANN401
    """Build DST/PART.jsonl from the folder SRC of MIMIC-III v1.4.

    A row is an admission with its discharge summary and addenda, its ICD-9-CM diagnoses and
    procedures in order of their sequence numbers.
    """
    from eval.datasets.admissions import rows, select_rows
    from eval.datasets.mimic3 import load

    options = _Options(**common)

    def fill(db: "Workspace") -> "Dropped":
        load(db, src, eras=options.by_era)
        return select_rows(db, version=None, skip_orphans=skip_orphan_notes)

    _print(_prepare("mimic3", options, fill, rows), options.as_json)


@click.command(name="mimic4")
@_common
@_skip_orphans
@click.option(
    "--notes",
    type=click.Path(path_type=Path),
    help="Folder of MIMIC-IV-Note; by default SRC/note, or the release beside SRC.",
)
@click.option(
    "--code-system",
    type=click.Choice(tuple(_VERSIONS)),
    help="Keep the admissions coded in this system alone.",
)
def mimic4(
    src: Path,
    skip_orphan_notes: bool,
    notes: Path | None,
    code_system: str | None,
    **common: Any,  # noqa: ANN401
) -> None:
    """Build DST/PART.jsonl from the folder SRC of MIMIC-IV 2.2 or 3.x, and MIMIC-IV-Note.

    A row is an admission with its discharge summary, its diagnoses and procedures in order of
    their sequence numbers, in ICD-9-CM or ICD-10-CM as "code_system" says.
    """
    from eval.datasets.admissions import rows, select_rows
    from eval.datasets.mimic4 import load

    options = _Options(**common)
    version = None if code_system is None else _VERSIONS[code_system]

    def fill(db: "Workspace") -> "Dropped":
        load(db, src, notes=notes)
        return select_rows(db, version=version, skip_orphans=skip_orphan_notes)

    _print(_prepare("mimic4", options, fill, rows), options.as_json)


@click.command(name="mdace")
@_common
@click.option(
    "--mimic",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of MIMIC-III v1.4, which holds the notes.",
)
def mdace(src: Path, mimic: Path, **common: Any) -> None:  # noqa: ANN401
    """Build DST/PART.jsonl from the folder SRC of MDACE's annotations and the notes of MIMIC-III.

    A row is an admission with the evidence for its codes. SRC is the folder of one setting and one
    version of ICD, for example data/Inpatient/ICD-10/1.0.
    """
    from eval.datasets.admissions import select_rows
    from eval.datasets.mdace import Mark, Mismatch, load, rows_with_evidence

    options = _Options(**common)
    marks: dict[str, tuple[Mark, ...]] = {}
    mismatches: list[Mismatch] = []

    def fill(db: "Workspace") -> "Dropped":
        charts = load(db, src, mimic, eras=options.by_era)
        marks.update(charts.marks)
        dropped = select_rows(db, version=None, skip_orphans=False)
        other = {f"code_system {name}": count for name, count in charts.other_systems.items()}
        return dropped._replace(codes=dropped.codes | other)

    report = _prepare("mdace", options, fill, lambda db: rows_with_evidence(db, marks, mismatches))
    report["mismatches"] = [mismatch._asdict() for mismatch in mismatches]
    _print(report, options.as_json)


def _prepare(
    data_set: str,
    options: _Options,
    fill: "Callable[[Workspace], Dropped]",
    rows: "Callable[[Workspace], Iterable[AdmissionRow]]",
) -> dict[str, Any]:
    """Fill the tables, split the admissions, write the rows, and return the summary."""
    from eval.datasets.admissions import units
    from eval.datasets.prepare import summary, write_parts
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.splits import Shares, assign
    from eval.datasets.workspace import open_workspace

    shares = Shares(options.dev_share, options.test_share, options.seed)
    with steps_on_terminal() as steps, open_workspace(options.dst, steps) as db:
        dropped = fill(db)
        found = units(db)
        assignment = assign(db, found, options.split, shares)
        written = write_parts(
            db,
            rows(db),
            found,
            assignment,
            options.dst,
            allow_overlap=options.allow_patient_overlap,
        )
        return summary(data_set, db, dropped, found, assignment, written)


def _print(report: dict[str, Any], as_json: bool) -> None:
    """Print a summary as one JSON object, or as lines where a person reads it."""
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(report))
        return
    for line in _lines(report):
        click.echo(line)


def _lines(report: dict[str, Any]) -> "Iterable[str]":
    for part in report["splits"]:
        systems = ", ".join(f"{count} {name}" for name, count in part["code_systems"].items())
        yield (
            "{path}: {rows} admissions of {patients} patients, {codes} codes, "
            "{procedure_codes} procedure codes, {evidence} evidence spans".format(**part)
            + f" ({systems})"
        )
    for what, reasons in report["dropped"].items():
        for reason, count in reasons.items():
            yield f"left out: {count} {what}, {reason}"
    if report["split_ids_without_row"]:
        yield f"in the split but not among the rows: {report['split_ids_without_row']}"
    if report["patients_in_several_splits"]:
        yield f"patients in several splits: {', '.join(report['patients_in_several_splits'])}"
    for mismatch in report.get("mismatches", ()):
        yield (
            "evidence left out: admission {admission}, note {note_id}, {code} at {begin}-{end}: "
            "{problem}".format(**mismatch)
        )
    if report["peak_memory_mb"]:
        yield f"peak memory: {report['peak_memory_mb']} MB"
