"""The commands of ``icd-agent data prepare`` for the data sets that stand on MIMIC."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from eval.datasets.admissions import AdmissionRow
    from eval.datasets.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

_VERSIONS = {"icd9cm": 9, "icd10cm": 10}


class _Options(NamedTuple):
    """What all these commands take."""

    split: tuple[str, ...]
    dev_share: float
    test_share: float
    seed: int
    allow_patient_overlap: bool
    as_json: bool


def _common(command: F) -> F:
    for option in reversed(
        (
            click.argument("src", type=click.Path(path_type=Path)),
            click.argument("dst", type=click.Path(path_type=Path)),
            click.option(
                "--split",
                multiple=True,
                metavar="FILE|chronological|random",
                help="How admissions are split: published files, one after the other; by era; or "
                "at random, every code spread evenly. Without it all are in all.jsonl.",
            ),
            click.option(
                "--dev-share",
                type=click.FloatRange(0, 0.5),
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
            click.option(
                "--seed", type=int, default=13, show_default=True, help="Seed of what is drawn."
            ),
            click.option(
                "--allow-patient-overlap",
                is_flag=True,
                help="Take a split although it has patients in two parts; they are listed.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        )
    ):
        command = option(command)
    return command


_skip_orphans = click.option(
    "--skip-orphan-notes",
    is_flag=True,
    help="Leave out notes whose admission is unknown instead of refusing them.",
)


@click.command(name="mimic3")
@_common
@_skip_orphans
def mimic3(src: Path, dst: Path, skip_orphan_notes: bool, **options: Any) -> None:  # noqa: ANN401
    """Build DST/PART.jsonl from the folder SRC of MIMIC-III v1.4.

    A row is an admission with its discharge summary and addenda, its ICD-9-CM diagnoses and
    procedures in order of priority.
    """
    from eval.datasets.mimic3 import load

    given = _Options(**options)
    eras = _needs_eras(given)
    _prepare_admissions(
        "mimic3", dst, lambda db: load(db, src, eras=eras), None, skip_orphan_notes, given
    )


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
    dst: Path,
    skip_orphan_notes: bool,
    notes: Path | None,
    code_system: str | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Build DST/PART.jsonl from the folder SRC of MIMIC-IV 2.2 or 3.x, and MIMIC-IV-Note.

    A row is an admission with its discharge summary, its diagnoses and procedures in order of
    priority, in ICD-9-CM or ICD-10-CM as "code_system" says.
    """
    from eval.datasets.mimic4 import load

    version = None if code_system is None else _VERSIONS[code_system]
    _prepare_admissions(
        "mimic4",
        dst,
        lambda db: load(db, src, notes=notes),
        version,
        skip_orphan_notes,
        _Options(**options),
    )


@click.command(name="mdace")
@_common
@click.option(
    "--mimic",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of MIMIC-III v1.4, which holds the notes.",
)
def mdace(src: Path, dst: Path, mimic: Path, **options: Any) -> None:  # noqa: ANN401
    """Build DST/PART.jsonl from the folder SRC of MDACE's annotations and the notes of MIMIC-III.

    A row is an admission with the evidence for its codes. SRC is the folder of one setting and one
    version of ICD, for example data/Inpatient/ICD-10/1.0.
    """
    from eval.datasets.admissions import select_rows
    from eval.datasets.mdace import Mismatch, load, rows_with_evidence
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.workspace import open_workspace

    given = _Options(**options)
    mismatches: list[Mismatch] = []
    with steps_on_terminal() as steps, open_workspace(dst, steps) as db:
        charts = load(db, src, mimic, eras=_needs_eras(given))
        dropped = select_rows(db, version=None, skip_orphans=False)
        other = {f"code_system {name}": count for name, count in charts.other_systems.items()}
        report = _write(
            "mdace",
            db,
            rows_with_evidence(db, charts.marks, mismatches),
            dropped._replace(codes=dropped.codes | other),
            dst,
            given,
        )
    report["mismatches"] = [mismatch._asdict() for mismatch in mismatches]
    _print(report, given.as_json)


def _needs_eras(given: _Options) -> bool:
    from eval.datasets.splits import CHRONOLOGICAL

    return CHRONOLOGICAL in given.split


def _prepare_admissions(
    data_set: str,
    dst: Path,
    load: Callable[["Workspace"], dict[str, int]],
    version: int | None,
    skip_orphans: bool,
    given: _Options,
) -> None:
    from eval.datasets.admissions import rows, select_rows
    from eval.datasets.progress import steps_on_terminal
    from eval.datasets.workspace import open_workspace

    with steps_on_terminal() as steps, open_workspace(dst, steps) as db:
        dropped_notes = load(db)
        dropped = select_rows(db, version=version, skip_orphans=skip_orphans)
        dropped = dropped._replace(notes=dropped_notes | dropped.notes)
        report = _write(data_set, db, rows(db), dropped, dst, given)
    _print(report, given.as_json)


def _write(
    data_set: str,
    db: "Workspace",
    rows: "Iterable[AdmissionRow]",
    dropped: Any,  # noqa: ANN401
    dst: Path,
    given: _Options,
) -> dict[str, Any]:
    from eval.datasets.admissions import units
    from eval.datasets.prepare import summary, write_parts
    from eval.datasets.splits import Shares, assign

    found = units(db)
    shares = Shares(given.dev_share, given.test_share, given.seed)
    assignment = assign(db, found, given.split, shares)
    parts, overlap = write_parts(
        db, rows, found, assignment, dst, allow_overlap=given.allow_patient_overlap
    )
    return summary(data_set, db, dropped, found, assignment, parts, overlap)


def _print(report: dict[str, Any], as_json: bool) -> None:
    """Print a summary as one JSON object, or as lines where a person reads it."""
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(report))
        return
    for part in report["splits"]:
        systems = ", ".join(f"{count} {name}" for name, count in part["code_systems"].items())
        click.echo(
            "{path}: {rows} admissions of {patients} patients, {codes} codes, "
            "{procedure_codes} procedure codes, {evidence} evidence spans".format(**part)
            + f" ({systems})"
        )
    for what, reasons in report["dropped"].items():
        for reason, count in reasons.items():
            click.echo(f"left out: {count} {what}, {reason}")
    if report["split_ids_without_row"]:
        click.echo(f"in the split but not among the rows: {report['split_ids_without_row']}")
    if report["patients_in_several_splits"]:
        click.echo(f"patients in several splits: {', '.join(report['patients_in_several_splits'])}")
    for mismatch in report.get("mismatches", ()):
        click.echo(
            "evidence left out: admission {admission}, note {note_id}, {code} at {begin}-{end}: "
            "{problem}".format(**mismatch)
        )
    if report["peak_memory_mb"]:
        click.echo(f"peak memory: {report['peak_memory_mb']} MB")
