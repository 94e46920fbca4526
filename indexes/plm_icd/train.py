"""Trains PLM-ICD; a run that is killed goes on after the last whole epoch and ends the same.

First the label attentions learn on the frozen encoder, whose token vectors are computed once; then
everything learns together until validation F1 stops rising. Order and dropout of an epoch depend on
its number and the seed alone, so a resumed run repeats exactly what an unbroken one does.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from indexes.coded_notes import CodedNote, data_identity, folds
from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.encoders import Pretrained, describe, freeze, load_pretrained
from indexes.plm_icd.epoch import Epoch
from indexes.plm_icd.examples import Example, count_labels, make_example
from indexes.plm_icd.labels import LabelSpace
from indexes.plm_icd.model import PLMICD, LabelOutput, build_heads
from indexes.thresholds import Threshold, best_threshold
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError

_RANKED = 200  # codes of a note that take part in tuning the threshold
_WARM_UP = 0.06  # share of the steps in which the learning rate rises


class Trained(NamedTuple):
    """A trained model with what it needs to be used.

    Attributes:
        model: The network with the weights of the best epoch.
        pretrained: Tokenizer and special tokens.
        labels: The label space.
        threshold: Tuned on the validation notes.
        epochs: The history.
        validation: Positions of the validation notes.
        fitted_notes: Number of notes it learned from.
        config: The numbers it was trained with.
    """

    model: PLMICD
    pretrained: Pretrained
    labels: LabelSpace
    threshold: Threshold
    epochs: Sequence[Epoch]
    validation: Sequence[int]
    fitted_notes: int
    config: PLMConfig


@dataclass
class _Progress:
    """What a checkpoint must remember besides weights."""

    epochs: list[Epoch]
    best_f1: float = -1.0
    best_threshold: float = 0.5
    stale: int = 0


Report = Callable[[Epoch], None]
Step = Callable[[int, int], None]


def train(
    notes: Sequence[CodedNote],
    system: CodeSystem,
    config: PLMConfig,
    *,
    checkpoint: Path | None = None,
    on_epoch: Report = lambda epoch: None,
    on_step: Step = lambda done, total: None,
) -> Trained:
    """Train a model on coded notes.

    Args:
        notes: The training notes; a share of them is held out for validation.
        system: Gives titles and chapters of the codes.
        config: The model's numbers.
        checkpoint: File to resume from and to write after each epoch; None keeps none.
        on_epoch: Told of each epoch that ended.
        on_step: Told notes read and notes to read over all epochs.

    Raises:
        UserError: The encoder cannot be loaded, or the checkpoint belongs to another training.
    """
    torch.manual_seed(config.seed)
    pretrained = load_pretrained(config.encoder)
    held_out, fitted = _split(len(notes), config)
    labels = LabelSpace.of((code for n in fitted for code in notes[n].codes), system)
    examples = [make_example(coded, labels, pretrained, config) for coded in notes]
    trainer = _Trainer(
        pretrained,
        labels,
        config,
        [examples[n] for n in fitted],
        [(examples[n], notes[n].codes) for n in held_out],
    )
    identity = _identity(notes, config)
    if checkpoint is not None and checkpoint.is_file():
        trainer.restore(_read(checkpoint, identity))
    for epoch in trainer.run(on_step):
        if checkpoint is not None:
            _write(checkpoint, {"identity": identity, **trainer.snapshot()})
        on_epoch(epoch)
    model, progress = trainer.finish()
    threshold = Threshold(progress.best_threshold, max(progress.best_f1, 0.0))
    return Trained(
        model, pretrained, labels, threshold, progress.epochs, held_out, len(fitted), config
    )


def probabilities(model: PLMICD, notes: Sequence[list[list[int]]]) -> np.ndarray:
    """Return the probability of each code for notes given as chunks, shape (notes, codes)."""
    model.eval()
    rows = []
    with torch.no_grad():
        for chunks in notes:
            (tokens,) = model.encode([chunks])
            rows.append(torch.sigmoid(model.codes(tokens).logits).numpy())
    return np.stack(rows)


class _Trainer:
    """Model, optimiser and history of one training."""

    def __init__(
        self,
        pretrained: Pretrained,
        labels: LabelSpace,
        config: PLMConfig,
        fitted: Sequence[Example],
        held_out: Sequence[tuple[Example, frozenset[str]]],
    ) -> None:
        self._labels, self._config = labels, config
        self._fitted, self._held_out = fitted, held_out
        titles = list(labels.titles)
        vectors = describe(titles, pretrained) if config.description_labels else None
        counts = [torch.from_numpy(c) for c in count_labels(fitted, labels)]
        heads = build_heads(labels, counts, len(fitted), vectors, pretrained.width, config)
        freeze(pretrained.model, config.frozen_layers)
        self._model = PLMICD(pretrained.model, heads, pretrained.special, config)
        self._progress = _Progress([])
        self._best: dict[str, Tensor] | None = None
        self._optimiser = self._new_optimiser(whole=config.head_epochs == 0)

    def run(self, on_step: Step) -> Iterator[Epoch]:
        """Train epoch by epoch from where the history ends."""
        config = self._config
        frozen: list[Tensor] | None = None
        while len(self._progress.epochs) < config.head_epochs + config.epochs:
            number = len(self._progress.epochs) + 1
            whole = number > config.head_epochs
            if whole and self._progress.stale >= config.patience:
                return
            if number == config.head_epochs + 1 and number > 1:
                self._optimiser = self._new_optimiser(whole=True)
            if not whole and frozen is None:
                frozen = self._frozen_tokens()
            loss = self._epoch(number, None if whole else frozen, on_step)
            yield self._judge(number, whole, loss)

    def snapshot(self) -> dict[str, Any]:
        """Return all that a resumed training needs."""
        return {
            "model": self._model.state_dict(),
            "best": self._best,
            "optimiser": self._optimiser.state_dict(),
            "progress": {
                **asdict(self._progress),
                "epochs": [tuple(epoch) for epoch in self._progress.epochs],
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        progress = dict(state["progress"])
        progress["epochs"] = [Epoch(*epoch) for epoch in progress["epochs"]]
        self._progress = _Progress(**progress)
        whole = len(self._progress.epochs) > self._config.head_epochs
        self._model.load_state_dict(state["model"])
        self._optimiser = self._new_optimiser(whole=whole or self._config.head_epochs == 0)
        self._optimiser.load_state_dict(state["optimiser"])
        self._best = state["best"]

    def finish(self) -> tuple[PLMICD, _Progress]:
        """Return the model with the weights of its best epoch."""
        if self._best is not None:
            self._model.load_state_dict(self._best)
        self._model.eval()
        return self._model, self._progress

    def _new_optimiser(self, *, whole: bool) -> torch.optim.Optimizer:
        config = self._config
        encoder = [p for p in self._model.encoder.parameters() if p.requires_grad]
        labels = [p for head in self._model.heads() for p in head.parameters()]
        rate = config.joint_head_rate if whole else config.head_rate
        groups = [{"params": labels, "peak": rate, "weight_decay": 0.0}]
        if whole:
            decay = config.weight_decay
            groups.append({"params": encoder, "peak": config.encoder_rate, "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=rate, fused=True)

    def _frozen_tokens(self) -> list[Tensor]:
        self._model.eval()
        with torch.no_grad():
            return [self._model.encode([e.chunks])[0].bfloat16() for e in self._fitted]

    def _epoch(self, number: int, frozen: Sequence[Tensor] | None, on_step: Step) -> float:
        config, model = self._config, self._model
        # Seeded by the number of the epoch: a resumed run draws what an unbroken one draws.
        torch.manual_seed(config.seed * 1_000_003 + number)
        order = torch.randperm(len(self._fitted)).tolist()
        model.train()
        total = 0.0
        for begin in range(0, len(order), config.batch_notes):
            batch = order[begin : begin + config.batch_notes]
            self._set_rate(number, begin / len(order))
            if frozen is None:
                tokens = model.encode([self._fitted[n].chunks for n in batch])
            else:
                tokens = [frozen[n].float() for n in batch]
            loss = torch.stack(
                [self._loss(t, self._fitted[n]) for t, n in zip(tokens, batch, strict=True)]
            ).mean()
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_norm)
            self._optimiser.step()
            total += float(loss.detach()) * len(batch)
            on_step((number - 1) * len(order) + begin + len(batch), self._notes_to_read())
        return total / max(len(order), 1)

    def _notes_to_read(self) -> int:
        return (self._config.head_epochs + self._config.epochs) * len(self._fitted)

    def _set_rate(self, number: int, part: float) -> None:
        """Set the learning rates: a short rise, then a straight line down, in each phase."""
        head = self._config.head_epochs
        begin, epochs = (0, head) if number <= head else (head, self._config.epochs)
        done = (number - 1 - begin + part) / max(epochs, 1)
        factor = min((done + 1e-3) / _WARM_UP, 1.0) * max(1.0 - done, 0.02)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * factor

    def _loss(self, tokens: Tensor, example: Example) -> Tensor:
        config = self._config
        output = self._model.read(tokens)
        loss = _label_loss(output.codes, example.codes)
        loss = loss + config.category_weight * _label_loss(output.categories, example.categories)
        loss = loss + config.chapter_weight * _label_loss(output.chapters, example.chapters)
        if config.evidence_weight and example.evidence:
            loss = loss + config.evidence_weight * _evidence_loss(output.codes, example)
        return loss

    def _judge(self, number: int, whole: bool, loss: float) -> Epoch:
        phase = "all" if whole else "labels"
        if not self._held_out:
            epoch = Epoch(number, phase, loss, float("nan"), self._progress.best_threshold)
            self._progress.epochs.append(epoch)
            return epoch
        found = probabilities(self._model, [example.chunks for example, _ in self._held_out])
        scores = [ranked_scores(row, self._labels.codes) for row in found]
        threshold = best_threshold(scores, [gold for _, gold in self._held_out])
        epoch = Epoch(number, phase, loss, threshold.micro_f1, threshold.value)
        self._progress.epochs.append(epoch)
        self._remember(epoch, whole)
        return epoch

    def _remember(self, epoch: Epoch, whole: bool) -> None:
        progress = self._progress
        if epoch.f1 > progress.best_f1:
            progress.best_f1, progress.best_threshold = epoch.f1, epoch.threshold
            progress.stale = 0
            self._best = copy.deepcopy(self._model.state_dict())
        elif whole:
            progress.stale += 1


def ranked_scores(row: np.ndarray, codes: Sequence[str]) -> dict[str, float]:
    """Return the most probable codes of a note with their probabilities."""
    best = np.argsort(-row, kind="stable")[:_RANKED]
    return {codes[n]: float(row[n]) for n in best.tolist()}


def _label_loss(output: LabelOutput, positive: Sequence[int]) -> Tensor:
    target = torch.zeros_like(output.logits)
    target[list(positive)] = 1.0
    return bce(output.logits, target, reduction="sum")


def _evidence_loss(output: LabelOutput, example: Example) -> Tensor:
    """Return the negative log of the attention that falls on evidence, summed over codes."""
    masses = [output.attention[code, tokens].sum() for code, tokens in example.evidence.items()]
    return -torch.log(torch.stack(masses) + 1e-6).sum()


def _split(count: int, config: PLMConfig) -> tuple[list[int], list[int]]:
    """Return the positions of validation notes and of the others."""
    held = round(count * config.validation_share)
    order = [n for (n,) in folds(count, count, config.seed)]
    return sorted(order[:held]), sorted(order[held:])


def _identity(notes: Sequence[CodedNote], config: PLMConfig) -> str:
    return f"{data_identity(notes)} {config.model_dump_json()}"


def _read(path: Path, identity: str) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, weights_only=True)
    if state.get("identity") != identity:
        raise UserError(
            f"The checkpoint {path} belongs to another training: notes or settings differ.",
            fix=f"give another folder, or delete {path.name} to start anew.",
        )
    return state


def _write(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: a run killed here leaves the former checkpoint whole.
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)
