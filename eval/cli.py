"""The commands of ``icd-agent eval``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eval.accuracy_cli import accuracy
from eval.faithfulness_cli import faithfulness
from eval.jsonl import write_jsonl
from eval.metrics import DEFAULT_RESAMPLES, PAIRED_RESAMPLES
from eval.printing import print_figures
from eval.run.cli import report_command, run_command
from eval.score import score_files
from eval.tables import (
    comparison_table,
    error_tables,
    figures_table,
    judgements_table,
    score_tables,
    unseen_table,
)
from indexes.train_cli import hidden_share_option

if TYPE_CHECKING:
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
    print_figures(report.to_json(), lambda: score_tables(report), as_json)


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
    print_figures(report.to_json(), lambda: comparison_table(report), as_json)


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
    print_figures(figures, lambda: figures_table("Evidence", figures), as_json)


@eval_group.command(name="errors")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("pred", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write every error to this JSONL file."
)
@_json_option
def errors(gold: Path, pred: Path, out: Path | None, as_json: bool) -> None:
    """Attribute the errors of the results PRED to stages and kinds, for the reference GOLD.

    Misses: not retrieved, ranked low, under the threshold, rejected by the reasoning, dropped by
    the policy or by a rule. Both sides: which near code was confused with which, and how the two
    differ. PRED may be the out-of-fold confidences that "train ranker" keeps.
    """
    from eval.errors import find_errors
    from knowledge.code_systems import get_code_system

    report = find_errors(gold, pred, get_code_system())
    if out:
        write_jsonl(out, (error._asdict() for error in report.errors))
    figures = report.to_json()
    print_figures(figures, lambda: error_tables(figures), as_json)


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
    print_figures(figures, lambda: unseen_table(report), as_json)


@eval_group.command(name="judgements")
@click.argument("items", type=click.Path(path_type=Path))
@click.option(
    "--llm",
    default="builtin",
    show_default=True,
    metavar="SPEC",
    help="builtin, gguf:FILE or openai:MODEL@URL.",
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
    print_figures(report, lambda: judgements_table(report), as_json)


eval_group.add_command(accuracy)
eval_group.add_command(faithfulness)
eval_group.add_command(run_command)
eval_group.add_command(report_command)
