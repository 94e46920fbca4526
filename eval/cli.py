"""The commands of ``icd-agent eval``."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eval.metrics import DEFAULT_RESAMPLES, PAIRED_RESAMPLES
from eval.score import ScoreReport, score_files
from indexes.train_cli import hidden_share_option

if TYPE_CHECKING:
    from rich.table import Table

    from eval.compare import Comparison
    from eval.unseen import Share, UnseenReport
    from indexes.wordings import Wordings


F = TypeVar("F", bound=Callable[..., Any])

_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, as when piped."
)


def _bootstrap_option(figure: str) -> Callable[[F], F]:
    return click.option(
        "--bootstrap",
        "resamples",
        type=click.IntRange(min=0),
        default=DEFAULT_RESAMPLES,
        show_default=True,
        help=f"Resamples behind the 95 % interval of {figure}; 0 leaves it out.",
    )


@click.group(name="eval")
def eval_group() -> None:
    """Measure predictions."""


@eval_group.command(name="score")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("pred", type=click.Path(path_type=Path))
@_json_option
@_bootstrap_option("micro-F1")
def score(gold: Path, pred: Path, as_json: bool, resamples: int) -> None:
    """Score the predictions PRED against the reference codes GOLD.

    Both are JSONL files with "id" and "codes" on each line. Codes are compared after upper-casing
    and removing dots; a note without a prediction counts as predicted empty. Recall@k and MAP are
    those of "candidates" where a prediction has them, else of "codes" by confidence.
    """
    report = score_files(gold, pred, resamples=resamples)
    _print(report.to_json(), lambda: score_table(report), as_json)


@eval_group.command(name="compare")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("baseline", type=click.Path(path_type=Path))
@click.argument("systems", type=click.Path(path_type=Path), nargs=-1, required=True)
@_json_option
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    default=PAIRED_RESAMPLES,
    show_default=True,
    help="Draws behind each interval and p-value.",
)
def compare(
    gold: Path, baseline: Path, systems: tuple[Path, ...], as_json: bool, resamples: int
) -> None:
    """Compare the predictions SYSTEMS with those of BASELINE, for the reference GOLD.

    The files are as for "eval score". Differences have a 95 % interval by the paired bootstrap over
    notes and a p-value by approximate randomisation of notes; McNemar's test looks at single
    (note, code) decisions. With several systems "p_holm" is adjusted for their number.
    """
    from eval.compare import compare_files

    report = compare_files(gold, baseline, systems, resamples=resamples)
    _print(report.to_json(), lambda: comparison_table(report), as_json)


def comparison_table(report: "Comparison") -> "Table":
    """Lay out a comparison for a reader at a terminal: one row a system and metric."""
    from rich.table import Table

    table = Table(title=f"Against {report.baseline}, {report.notes} notes")
    for name in ("system", "metric"):
        table.add_column(name)
    for name in ("baseline", "system", "difference (95 %)", "p", "p, Holm"):
        table.add_column(name, justify="right")
    for system in report.systems:
        for name, found in system.differences.items():
            low, high = found.ci95
            table.add_row(
                str(system.path),
                name,
                _shown(found.baseline),
                _shown(found.system),
                f"{found.difference:+.4f} ({low:+.4f} to {high:+.4f})",
                _p_value(found.p),
                _p_value(system.p_holm[name]),
            )
        test = system.mcnemar
        table.add_row(
            str(system.path),
            "decisions that one alone has right",
            str(test.baseline_only),
            str(test.system_only),
            "McNemar",
            _p_value(test.p),
            _p_value(system.p_holm["mcnemar"]),
            end_section=True,
        )
    return table


@eval_group.command(name="evidence")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("pred", type=click.Path(path_type=Path))
@_json_option
@_bootstrap_option("the overlap")
def evidence(gold: Path, pred: Path, as_json: bool, resamples: int) -> None:
    """Compare the evidence spans of the predictions PRED with those of the data set GOLD.

    GOLD is a data-set JSONL with "text" and "evidence". Judged are codes that are assigned, in the
    reference, and have evidence there.
    """
    from eval.evidence import score_evidence

    figures = score_evidence(gold, pred, resamples=resamples).to_json()
    _print(figures, lambda: _figures_table("Evidence", figures), as_json)


@eval_group.command(name="unseen")
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path), required=False)
@click.option(
    "--share",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Of the codes of TRAIN that are held out.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--limit",
    "limits",
    type=click.Choice(("descriptions", "titles", "synonyms")),
    multiple=True,
    help="Wordings for one more system that knows no others; may be repeated.",
)
@click.option("--work", type=click.Path(path_type=Path), help="Folder of unfinished work.")
@hidden_share_option
@_json_option
@_bootstrap_option("each share")
def unseen(
    train: Path,
    reference: Path | None,
    share: float,
    seed: int,
    limits: tuple["Wordings", ...],
    work: Path | None,
    hidden_share: float | None,
    as_json: bool,
    resamples: int,
) -> None:
    """Measure what happens to codes that did not exist in training.

    Holds a share of the codes of TRAIN out of everything that learns, trains without them and with
    them, and compares their recall on REFERENCE; without REFERENCE on TRAIN itself, out of fold.
    Both are data-set JSONL with "text" and "codes", TRAIN with "evidence". PLM-ICD takes no part.
    Some five minutes a system; a run that was stopped goes on with the fold it was at.
    """
    from eval.unseen import Experiment, draw_held_out, measure_unseen
    from indexes.artefacts import Artefacts
    from indexes.coded_notes import read_coded_notes
    from indexes.plm_icd.config import PLMConfig
    from indexes.train_cli import untrained_bundle, workshop
    from knowledge.code_systems import get_code_system

    notes = read_coded_notes(train)
    held_out = draw_held_out(notes, share, seed)
    judged = read_coded_notes(reference) if reference else None
    system = get_code_system()
    bundle = untrained_bundle(system)
    shop = workshop(bundle, system, work, PLMConfig(), hidden_share)
    experiment = Experiment(notes, judged, Artefacts.bundled(), bundle, shop)
    report = measure_unseen(experiment, held_out, limits, resamples=resamples)
    settings = {"share": share, "seed": seed, "hidden_share": shop.hidden_share}
    figures = {**settings, **report.to_json()}
    _print(figures, lambda: unseen_table(report), as_json)


def unseen_table(report: "UnseenReport") -> "Table":
    """Lay out a report for a reader at a terminal: one row a figure, one column a system."""
    from rich.table import Table

    judged = f"{report.judged_notes} notes" + (", out of fold" if report.out_of_fold else "")
    table = Table(
        "held-out codes",
        title=f"{report.held_out_codes} codes, {report.occurrences} times in {judged}",
    )
    for system in report.outcomes:
        where = "in training" if system.in_training else "held out"
        table.add_column(f"{where}, {system.wordings}", justify="right")
    for name in report.outcomes[0].held_out:
        table.add_row(name, *(_with_interval(system.held_out[name]) for system in report.outcomes))
    for name in report.outcomes[0].others:
        table.add_row(
            f"{name} of other codes", *(_shown(system.others[name]) for system in report.outcomes)
        )
    for name, found in report.generators.items():
        table.add_row(f"recall@50 of {name} alone", "", _with_interval(found))
    if never_seen := report.never_seen:
        table.add_section()
        table.add_row(f"{never_seen.codes} codes that training lacks, shipped parts")
        for name, found in never_seen.figures.items():
            table.add_row(name, _with_interval(found))
    return table


def _with_interval(share: "Share") -> str:
    return f"{share.value:.3f}" + (f" ({_shown(list(share.ci95))})" if share.ci95 else "")


def _print(figures: dict[str, Any], table: "Callable[[], Table]", as_json: bool) -> None:
    """Print a report as one JSON object, or as a table where a person reads it."""
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(figures))
        return
    from rich.console import Console

    Console().print(table())


def score_table(report: ScoreReport) -> "Table":
    """Lay out a report for a reader at a terminal: one row a figure, to four decimals."""
    return _figures_table("Score", report.to_json())


def _figures_table(title: str, figures: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    table = Table("metric", title=title)
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, _shown(value))
    return table


def _p_value(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _shown(value: float | list[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(map(_shown, value))
    return str(value) if isinstance(value, int) else f"{value:.4f}"
