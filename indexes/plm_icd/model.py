"""The network: an encoder over chunks and a label attention over all tokens of a note.

Label attention after M. Mullenbach et al., "Explainable prediction of medical codes from clinical
text", NAACL 2018, in the form of T. Vu, D. Q. Nguyen and A. Nguyen, "A label attention model for
ICD coding from clinical text", IJCAI 2020.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from indexes.plm_icd.chunks import SpecialTokens
from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.labels import LabelSpace


class LabelOutput(NamedTuple):
    """What one label attention says of a note.

    Attributes:
        logits: Shape (labels,).
        attention: Weight of each token for each label, shape (labels, tokens); rows sum to 1.
    """

    logits: Tensor
    attention: Tensor


class NoteOutput(NamedTuple):
    """What the model says of a note, level by level."""

    codes: LabelOutput
    categories: LabelOutput
    chapters: LabelOutput


class LabelAttention(nn.Module):
    """Attention of each label over the tokens of a note, and the label's logit.

    Args:
        labels: Number of labels.
        width: Length of a token vector.
        scale: Factor of the attention scores at the start.
        prior: Share of training notes with each label; sets the bias. Shape (labels,).
        vectors: Where the label vectors start, shape (labels, width); small random ones if None.
    """

    def __init__(
        self, labels: int, width: int, scale: float, prior: Tensor, vectors: Tensor | None
    ) -> None:
        super().__init__()
        start = 0.03 * torch.randn(labels, width) if vectors is None else vectors
        self.norm = nn.LayerNorm(width)
        self.key = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.key.weight)
        self.query = nn.Parameter(start.clone())
        self.value = nn.Parameter(0.5 * start)
        self.scale = nn.Parameter(torch.tensor(float(scale)))
        bounded = prior.clamp(1e-3, 1 - 1e-3)
        self.bias = nn.Parameter(torch.log(bounded / (1 - bounded)))

    def forward(self, tokens: Tensor) -> LabelOutput:
        """Score a note.

        Args:
            tokens: Vectors of its tokens, padding left out, shape (tokens, width).
        """
        normed = self.norm(tokens)
        scores = (self.scale * self.query) @ self.key(normed).T
        attention = torch.softmax(scores.float(), dim=-1)
        logits = ((attention @ normed).float() * self.value).sum(-1) + self.bias
        return LabelOutput(logits, attention)


class PLMICD(nn.Module):
    """Encoder and one label attention for codes, categories and chapters each.

    Args:
        encoder: A Hugging Face encoder.
        heads: Label attentions over codes, categories and chapters.
        special: The encoder's special tokens.
        config: The model's numbers.
    """

    def __init__(
        self,
        encoder: nn.Module,
        heads: Sequence[LabelAttention],
        special: SpecialTokens,
        config: PLMConfig,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.codes: LabelAttention
        self.codes, self.categories, self.chapters = heads
        self.dropout = nn.Dropout(config.dropout)
        self._special = special
        self._half = config.precision == "bfloat16"

    def encode(self, notes: Sequence[Sequence[list[int]]]) -> list[Tensor]:
        """Return the token vectors of notes, float32, each of shape (tokens, width).

        Args:
            notes: For each note the token ids of its chunks.
        """
        chunks = [torch.tensor(ids) for chunks in notes for ids in chunks]
        ids = pad_sequence(chunks, batch_first=True, padding_value=self._special.padding)
        lengths = torch.tensor([len(chunk) for chunk in chunks])
        places = torch.arange(ids.shape[1])[None, :]
        mask = places < lengths[:, None]
        with self._autocast():
            hidden = self.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        # Neither padding nor special tokens are words that could be evidence.
        words = (places > 0) & (places < lengths[:, None] - 1)
        per_note = hidden.float()[words].split(
            [sum(len(ids) - 2 for ids in chunks) for chunks in notes]
        )
        return list(per_note)

    def read(self, tokens: Tensor) -> NoteOutput:
        """Return what the labels say of the token vectors of one note, shape (tokens, width)."""
        dropped = self.dropout(tokens)
        with self._autocast():
            return NoteOutput(*(head(dropped) for head in self.heads()))

    def heads(self) -> tuple[LabelAttention, LabelAttention, LabelAttention]:
        """Return the label attentions over codes, categories and chapters."""
        return self.codes, self.categories, self.chapters

    def _autocast(self) -> torch.autocast:
        """Compute matrix products in half precision while training, never when predicting."""
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._half and self.training)

    def forward(self, notes: Sequence[Sequence[list[int]]]) -> list[NoteOutput]:
        """Score notes given as the token ids of their chunks."""
        return [self.read(tokens) for tokens in self.encode(notes)]


def build_heads(
    labels: LabelSpace,
    counts: Sequence[Tensor],
    notes: int,
    vectors: Tensor | None,
    width: int,
    config: PLMConfig,
) -> list[LabelAttention]:
    """Return fresh label attentions for codes, categories and chapters.

    Args:
        labels: The label space.
        counts: Training notes with each code, category and chapter.
        notes: Training notes in all.
        vectors: Description vectors of the codes, shape (codes, width), or None.
        width: Length of a token vector.
        config: The model's numbers.
    """
    category = _mean_by(vectors, labels.category_positions, len(labels.categories))
    chapter = _mean_by(vectors, labels.chapter_positions, len(labels.chapters))
    return [
        LabelAttention(len(count), width, config.attention_scale, count / max(notes, 1), start)
        for count, start in zip(counts, (vectors, category, chapter), strict=True)
    ]


def _mean_by(vectors: Tensor | None, groups: Sequence[int], count: int) -> Tensor | None:
    if vectors is None:
        return None
    sums = torch.zeros(count, vectors.shape[1]).index_add_(0, torch.tensor(groups), vectors)
    return nn.functional.normalize(sums, dim=-1)
