"""The commands of ``icd-agent eval``."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eval.jsonl import write_jsonl
from eval.metrics import DEFAULT_RESAMPLES, PAIRED_RESAMPLES
from eval.score import ScoreReport, score_files
from indexes.train_cli import hidden_share_option

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
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
@click.option(
    "--train",
    "train",
    type=click.Path(path_type=Path),
    help="Data set that the system was trained on: adds the scores by frequency in it.",
)
def score(gold: Path, pred: Path, as_json: bool, resamples: int, train: Path | None) -> None:
    """Score the predictions PRED against the reference codes GOLD.

    Both are JSONL files with "id" and "codes" on each line. Codes are compared after upper-casing
    and removing dots; a note without a prediction counts as predicted empty. The figures of a
    ranking are those of "candidates" where a prediction has them, else of "codes" by confidence.
    """
    report = score_files(gold, pred, train_path=train, resamples=resamples)
    _print(report.to_json(), lambda: score_tables(report), as_json)


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


@eval_group.command(name="errors")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("pred", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write every error to this JSONL file."
)
@_json_option
def errors(gold: Path, pred: Path, out: Path | None, as_json: bool) -> None:
    """Attribute the errors of the results PRED to stages and kinds, for the reference GOLD.

    Misses: not retrieved, ranked low, rejected by the reasoning, dropped by the policy or by a
    rule. Both sides: which near code was confused with which, and how the two differ.
    """
    from eval.errors import find_errors
    from knowledge.code_systems import get_code_system

    report = find_errors(gold, pred, get_code_system())
    if out:
        write_jsonl(out, (error._asdict() for error in report.errors))
    figures = report.to_json()
    _print(figures, lambda: _error_tables(figures), as_json)


def _error_tables(figures: Mapping[str, Any]) -> "Group":
    from rich.console import Group
    from rich.table import Table

    tables = []
    for name in ("misses", "false_alarms"):
        part = figures[name]
        for column in ("by_stage", "by_kind", "commonest"):
            table = Table(column.removeprefix("by_"), title=f"{name}: {part['total']}")
            table.add_column("errors", justify="right")
            for label, count in part[column].items():
                table.add_row(label, str(count))
            tables.append(table)
    confusions = Table("reference", "assigned", "kind", title="confusions")
    confusions.add_column("notes", justify="right")
    for row in figures["commonest_confusions"]:
        confusions.add_row(*map(str, row.values()))
    return Group(*tables, confusions)


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


@eval_group.command(name="judgements")
@click.argument("items", type=click.Path(path_type=Path))
@click.option(
    "--llm", default="builtin", show_default=True, metavar="SPEC", help="builtin or gguf:FILE."
)
@click.option(
    "--within",
    type=click.Path(path_type=Path),
    help="Put the notes of the split report behind this text: do short notes tell of longer ones?",
)
@_json_option
def judgements(items: Path, llm: str, within: Path | None, as_json: bool) -> None:
    """Measure how well an LLM judges what the rules leave open.

    ITEMS is a YAML file of argued questions (tests/data/judgements.yaml). Threshold and band are
    chosen on its split "tune"; the other figures are of the split "report".
    """
    from eval.judgements import judge_file

    report = judge_file(items, llm, within)
    _print(report, lambda: _judgements_table(report), as_json)


def _judgements_table(report: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    table = Table("figure", *report["kinds"], title=f"Judgements of {report['model']}")
    first = next(iter(report["kinds"].values()))
    for name in first:
        values = [kind[name] for kind in report["kinds"].values()]
        table.add_row(
            name.replace("_", " "),
            *(str(v) if isinstance(v, dict | bool) else _shown(v) for v in values),
        )
    return table


def _print(figures: dict[str, Any], table: "Callable[[], RenderableType]", as_json: bool) -> None:
    """Print a report as one JSON object, or as a table where a person reads it."""
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(figures))
        return
    from rich.console import Console

    Console().print(table())


def score_tables(report: ScoreReport) -> "Group":
    """Lay out a report for a reader at a terminal: the figures, to four decimals, then slices."""
    from rich.console import Group

    figures = report.to_json()
    slices = {name: figures.pop(name) for name in ("by_chapter", "by_train_frequency")}
    return Group(
        _figures_table("Score", figures),
        *(_slices_table(name, parts) for name, parts in slices.items() if parts),
    )


def _slices_table(name: str, slices: Mapping[str, Mapping[str, float]]) -> "Table":
    from rich.table import Table

    columns = list(next(iter(slices.values())))
    table = Table(name.removeprefix("by_").replace("_", " "))
    for column in columns:
        table.add_column(column, justify="right")
    for label, figures in slices.items():
        table.add_row(label, *(_shown(figures[column]) for column in columns))
    return table


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
