"""PLM-ICD alone: its codes for a data set, and the exported model beside the one it came from.

``python -m eval.plm_icd DATA.jsonl --out PREDICTIONS.jsonl`` writes what ``icd-agent eval score``
reads. With ``--checkpoint`` of the training the float32 model in torch predicts in place of the
exported one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from eval.jsonl import write_jsonl
from indexes.artefacts import Artefacts
from indexes.learned import LearnedFiles
from indexes.plm_icd.files import PLMCard, PLMFiles
from indexes.plm_icd.predict import PLMPredictor
from knowledge.dataset_row import DatasetRow, read_rows
from knowledge.errors import UserError
from knowledge.note_text import Note

_RANKED = 200

Scores = dict[str, float]


def shipped_folder() -> Path:
    """Return the folder of the shipped model."""
    return LearnedFiles(Artefacts.bundled().learned).plm_icd


def exported_scores(folder: Path) -> Callable[[Note], Scores]:
    """Return a function from a note to the probabilities of its likeliest codes.

    Raises:
        UserError: The folder holds no exported model.
    """
    predictor = PLMPredictor(folder)
    return lambda note: predictor.scores(note, _RANKED)


def eager_scores(card: PLMCard, checkpoint: Path | None) -> Callable[[Note], Scores]:
    """Return the same for the model in torch, float32, layer by layer.

    Args:
        card: Of the exported model.
        checkpoint: Weights of the training; without, the label vectors are random, which serves to
            measure time but nothing else.

    Raises:
        UserError: The checkpoint is missing.
    """
    import torch

    from indexes.plm_icd.chunks import chunk_note
    from indexes.plm_icd.encoders import load_pretrained
    from indexes.plm_icd.labels import LabelSpace
    from indexes.plm_icd.model import PLMICD, build_heads
    from indexes.plm_icd.train import probabilities, ranked_scores
    from knowledge.code_systems import get_code_system

    labels = LabelSpace.of(card.codes, get_code_system(card.code_system))
    pretrained = load_pretrained(card.config.encoder)
    counts = [torch.ones(len(x)) for x in (labels.codes, labels.categories, labels.chapters)]
    heads = build_heads(labels, counts, 2, None, pretrained.width, card.config)
    model = PLMICD(pretrained.model, heads, pretrained.special, card.config)
    if checkpoint is not None:
        model.load_state_dict(_best_weights(checkpoint))

    def scores(note: Note) -> Scores:
        chunks = chunk_note(
            note, pretrained.tokenizer, pretrained.special, card.config.chunk_tokens
        )
        if not chunks.tokens:
            return {}
        return ranked_scores(probabilities(model, [chunks.ids])[0], labels.codes)

    return scores


def predictions(
    rows: Iterator[DatasetRow], scores: Callable[[Note], Scores], threshold: float
) -> Iterator[dict[str, Any]]:
    """Yield one line of predictions a note, in the form that ``eval score`` reads."""
    for row in rows:
        found = scores(Note.parse(row.text))
        ranked = [{"code": code, "confidence": p} for code, p in found.items()]
        chosen = [entry for entry, p in zip(ranked, found.values(), strict=True) if p >= threshold]
        yield {"id": row.id, "codes": chosen, "candidates": ranked}


def exported_row(row: DatasetRow, predictor: PLMPredictor) -> dict[str, Any]:
    """Return the line of predictions of one note, with the evidence of the assigned codes."""
    found = predictor.predict(Note.parse(row.text), _RANKED)
    chosen = [
        {
            "code": code,
            "confidence": probability,
            "evidence": [{"start": span.start, "end": span.end}],
        }
        for code, probability, span in found
        if probability >= predictor.threshold
    ]
    ranked = [{"code": code, "confidence": probability} for code, probability, _ in found]
    return {"id": row.id, "codes": chosen, "candidates": ranked}


def _best_weights(checkpoint: Path) -> dict[str, Any]:
    import torch

    if not checkpoint.is_file():
        raise UserError(
            f"{checkpoint}: no such file.", fix="icd-agent train plm-icd DATA.jsonl --out FOLDER"
        )
    state = torch.load(checkpoint, weights_only=True)
    weights: dict[str, Any] = state["best"] or state["model"]
    return weights


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--model", type=click.Path(path_type=Path), help="Exported model; the shipped one.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Predict with it in torch.")
def main(data: Path, out: Path, model: Path | None, checkpoint: Path | None) -> None:
    """Write PLM-ICD's predictions for the notes of DATA."""
    folder = model or shipped_folder()
    try:
        card = PLMFiles(folder).read_card()
        scores = eager_scores(card, checkpoint) if checkpoint else exported_scores(folder)
        written = write_jsonl(out, predictions(read_rows(data), scores, card.threshold))
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{written} notes in {out}")


if __name__ == "__main__":
    main()
