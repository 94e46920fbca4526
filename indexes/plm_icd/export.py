"""Turns a trained PLM-ICD model into what is shipped: an int8 ONNX encoder and label vectors."""

import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from indexes.export_encoder import export_float32, quantise
from indexes.plm_icd.files import FORMAT_VERSION, PLMCard, PLMFiles
from indexes.plm_icd.model import LabelAttention
from indexes.plm_icd.train import Trained
from knowledge.code_systems.base import CodeSystem

_PACKAGES = ("onnxruntime", "tokenizers", "torch", "transformers")


def export(trained: Trained, system: CodeSystem, data_sha256: str, folder: Path) -> PLMCard:
    """Write a trained model for inference without torch.

    The levels above the code, which only helped to train, are left out.

    Args:
        trained: The model.
        system: The code system of its codes.
        data_sha256: Identifies its training data.
        folder: Where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = PLMFiles(folder)
    files.card.unlink(missing_ok=True)
    config = trained.config
    with tempfile.TemporaryDirectory() as temporary:
        source, float32 = Path(temporary) / "encoder", Path(temporary) / "float32.onnx"
        encoder: Any = (
            trained.pretrained.model
        )  # a PreTrainedModel, which torch's types do not know
        encoder.save_pretrained(source)
        export_float32(source, float32, config.chunk_tokens)
        quantise(float32, files.encoder)
    trained.pretrained.tokenizer.save(str(files.tokenizer))
    arrays = label_arrays(trained.model.codes)
    np.savez_compressed(files.labels, allow_pickle=False, **arrays)
    card = PLMCard(
        format_version=FORMAT_VERSION,
        config=config,
        codes=trained.labels.codes,
        code_system=system.key,
        special_tokens=trained.pretrained.special,
        threshold=trained.threshold.value,
        validation_f1=trained.threshold.micro_f1,
        training_notes=trained.fitted_notes,
        validation_notes=len(trained.validation),
        data_sha256=data_sha256,
        packages={name: metadata.version(name) for name in _PACKAGES},
    )
    files.card.write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return card


def label_arrays(head: LabelAttention) -> dict[str, np.ndarray]:
    """Return the label attention as arrays; scale and key matrix are folded into the queries."""
    query = (head.scale * head.query) @ head.key.weight
    return {
        "query": query.detach().numpy().astype(np.float16),
        "value": head.value.detach().numpy().astype(np.float16),
        "bias": head.bias.detach().numpy().astype(np.float32),
        "norm_weight": head.norm.weight.detach().numpy().astype(np.float32),
        "norm_bias": head.norm.bias.detach().numpy().astype(np.float32),
    }
