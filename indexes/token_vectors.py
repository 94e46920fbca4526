"""Token vectors of texts by an int8 ONNX encoder: one text a core, run by onnxruntime."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
T = TypeVar("T")


class OnnxTokenEncoder:
    """A BERT-like ONNX graph: input_ids and attention_mask to last_hidden_state.

    Every text goes through the graph alone. An int8 model scales its activations by the largest of
    the batch, so in a batch a text's vectors would depend on the other texts. The cores share out
    the texts, not the matrix products of one text: for texts of a hundred tokens that is faster,
    and no thread has to wait for another.

    Args:
        model: The file.
        threads: Cores to use; all that the process may use if None.
    """

    def __init__(self, model: Path, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            # The fused kernel is not vectorised: ten times slower than a sum and a layer norm,
            # a quarter of the time of a text.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
        self._pool = ThreadPoolExecutor(threads or available_cores())

    def encode(self, texts: Sequence[Sequence[int]], keep: Callable[[Vectors], T]) -> Iterator[T]:
        """Yield what to keep of each text's token vectors, in the order of the texts.

        Args:
            texts: Token numbers of each text, special tokens included.
            keep: From the vectors of a text, shape (tokens, width), to what is wanted of them:
                all vectors of many texts would fill the memory.
        """
        return self._pool.map(lambda tokens: keep(self._encode_one(tokens)), texts)

    def _encode_one(self, tokens: Sequence[int]) -> Vectors:
        ids = np.array([tokens], dtype=np.int64)
        (hidden,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        vectors: Vectors = hidden[0]
        return vectors


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
