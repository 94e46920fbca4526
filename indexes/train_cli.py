"""``icd-agent train plm-icd`` and ``train ranker``: the learned parts from coded notes."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from indexes.cli_output import json_option, print_report, progress_bar
from knowledge.errors import UserError

if TYPE_CHECKING:
    from indexes.bundle import Bundle
    from indexes.plm_icd.config import PLMConfig
    from indexes.plm_icd.epoch import Epoch
    from indexes.training import Workshop
    from knowledge.code_systems.base import CodeSystem

DATA = click.Path(path_type=Path, dir_okay=False, exists=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
_COUNT = click.IntRange(min=0)
_REMEMBERED_TEXTS = 50_000  # 80 MB for vectors of length 384

F = TypeVar("F", bound=Callable[..., Any])


def _plm_options(function: F) -> F:
    """Add the numbers of PLM-ICD that people change; each replaces a default of `PLMConfig`."""
    for option in (
        click.option("--seed", type=int, help="Decides order, dropout and validation notes."),
        click.option("--head-epochs", type=_COUNT, help="Epochs of the labels alone."),
        click.option("--epochs", type=_COUNT, help="Epochs of the whole model, at most."),
        click.option(
            "--set",
            "numbers",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any other number of PLM-ICD, such as evidence_weight=0; may be repeated.",
        ),
        click.option("--encoder", help="Packaged weights, a folder or a Hugging Face encoder."),
    ):
        function = option(function)
    return function


def hidden_share_option(function: F) -> F:
    """Add the share of codes whose learned voices the ranker also learns to do without."""
    return click.option(
        "--hidden-share",
        type=click.FloatRange(0, 1, max_open=True),
        help="Of the codes that the ranker also sees as if they were not in training; the "
        "documented one if not given.",
    )(function)


@click.command("plm-icd")
@click.argument("data", type=DATA)
@click.option("--out", type=FOLDER, required=True, help="Folder of the exported model.")
@_plm_options
@click.option("--code-system", default="icd10cm", show_default=True)
@click.option("--work", type=FOLDER, help="Folder of the checkpoint; in the cache if not given.")
@json_option
def plm_icd(
    data: Path,
    out: Path,
    code_system: str,
    work: Path | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401 (fields of PLMConfig)
) -> None:
    """Train PLM-ICD on DATA, a data-set JSONL with "text" and "codes".

    A run that was stopped goes on after its last whole epoch.
    """
    from indexes.coded_notes import read_coded_notes
    from indexes.training import train_plm
    from knowledge.code_systems import get_icd10cm

    config = _given(given)
    system, folder = get_icd10cm(code_system), work_folder(work)
    notes = read_coded_notes(data)
    card = train_plm(notes, out, config, system, folder, progress_bar, print_epoch)
    report = {"directory": str(out), **card.model_dump(exclude={"codes"})}
    report["labels"] = len(card.codes)
    text = (
        f"{len(card.codes)} codes, validation micro-F1 {card.validation_f1:.4f} at threshold "
        f"{card.threshold:.3f}; model in {out}"
    )
    print_report(report, text, as_json)


@click.command()
@click.argument("data", type=DATA)
@click.option(
    "--out", type=FOLDER, help="Folder of the learned parts; the shipped one if not given."
)
@click.option("--work", type=FOLDER, help="Folder of unfinished work; in the cache if not given.")
@hidden_share_option
@_plm_options
@json_option
def ranker(
    data: Path,
    out: Path | None,
    work: Path | None,
    hidden_share: float | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401 (fields of PLMConfig)
) -> None:
    """Train mentions, evidence lines, PLM-ICD and ranker on DATA, a data-set JSONL.

    Every part that scores a note in the training of the ranker learned from other notes. A run that
    was stopped goes on where it was.
    """
    import orjson

    from indexes.artefacts import Artefacts
    from indexes.coded_notes import read_coded_notes
    from indexes.learned import LearnedFiles
    from indexes.training import train_all
    from knowledge.code_systems import get_code_system

    notes = read_coded_notes(data)
    files = LearnedFiles(out or Artefacts.bundled().learned)
    system = get_code_system()
    shop = workshop(untrained_bundle(system), system, work, _given(given), hidden_share)
    stacked = train_all(notes, files, shop)
    kept = shop.folder / "out_of_fold.jsonl"
    rows = stacked.predictions(note.id for note in notes)
    kept.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    card = stacked.card
    report = {
        "directory": str(files.folder),
        "out_of_fold": str(kept),
        "micro_f1": card.micro_f1,
        "threshold": card.threshold,
        "features": len(card.features),
        "training_notes": len(notes),
    }
    text = (
        f"Out-of-fold micro-F1 {card.micro_f1:.4f} at confidence {card.threshold:.3f}; learned "
        f"parts in {files.folder}, out-of-fold confidences in {kept}"
    )
    print_report(report, text, as_json)


def print_epoch(model: str, epoch: "Epoch") -> None:
    """Print what an epoch came to on standard error."""
    text = f"{model}, epoch {epoch.number} ({epoch.phase}): loss {epoch.loss:.3f}"
    if not math.isnan(epoch.f1):
        text += f", validation micro-F1 {epoch.f1:.4f} at {epoch.threshold:.3f}"
    click.echo(text, err=True)


def _given(options: dict[str, Any]) -> "PLMConfig":
    from pydantic import ValidationError

    from indexes.plm_icd.config import PLMConfig

    given = {name: value for name, value in options.items() if value is not None}
    for number in given.pop("numbers"):
        name, _, value = number.partition("=")
        given[name] = value
    try:
        return PLMConfig(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(PLMConfig.model_fields))
        raise UserError(
            f"PLM-ICD cannot be trained with {name}={given.get(name)!r}: {first['msg']}.",
            fix=f"--set NAME=VALUE with one of {known}.",
        ) from error


def workshop(
    bundle: "Bundle",
    system: "CodeSystem",
    work: Path | None,
    plm: "PLMConfig",
    hidden_share: float | None = None,
) -> "Workshop":
    """Return the tools of training.

    Args:
        bundle: What `untrained_bundle` returns.
        system: The code system.
        work: Folder of unfinished work; one in the cache if None.
        plm: How PLM-ICD is trained.
        hidden_share: See `Workshop`; `HIDDEN_SHARE` if None.
    """
    from indexes.training import HIDDEN_SHARE, Workshop

    return Workshop(
        system=system,
        encoder=bundle.encoder,
        untrained=bundle.generators,
        known_words=bundle.known_words,
        plm=plm,
        index_identity=bundle.identity,
        folder=work_folder(work),
        progress=progress_bar,
        on_epoch=print_epoch,
        hidden_share=HIDDEN_SHARE if hidden_share is None else hidden_share,
    )


def untrained_bundle(system: "CodeSystem") -> "Bundle":
    """Load the shipped generators that learn nothing from coded notes.

    The encoder remembers all sentences of a training set, since each fold reads them anew.
    """
    from indexes.bundle import load_bundle

    return load_bundle(system, with_learned=False, remembered_texts=_REMEMBERED_TEXTS)


def work_folder(given: Path | None) -> Path:
    """Return (and create) the folder of unfinished work; one in the cache if none is given."""
    from knowledge.paths import cache_dir

    folder = given or cache_dir("training")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
