"""Text to vectors: one protocol, the bundled ONNX encoder and any sentence-transformers model.

Only `SentenceTransformerEncoder` imports torch, and only when one is made: the default needs
onnxruntime and tokenizers alone. How the bundled ONNX file is made is in `indexes.export_encoder`.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import orjson

from indexes.token_vectors import OnnxTokenEncoder, Vectors
from knowledge.errors import UserError

BUNDLED_ENCODER = "all-MiniLM-L6-v2-int8"
BUNDLED_FOLDER = Path(__file__).parent / "bundled" / "encoder"


class Encoder(Protocol):
    """Turns texts into unit vectors whose inner product is their similarity."""

    @property
    def name(self) -> str:
        """The name under which `load_encoder` finds it again."""
        ...

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies the weights; vectors of encoders with other fingerprints do not compare."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors, float32 of shape (texts, dimension)."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """The files of an ONNX encoder in one folder."""

    folder: Path

    @property
    def model(self) -> Path:
        """ONNX graph: input_ids and attention_mask to last_hidden_state."""
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        """Tokenizer in the format of the tokenizers library."""
        return self.folder / "tokenizer.json"

    @property
    def config(self) -> Path:
        """Name, dimension and token limit."""
        return self.folder / "encoder.json"

    def missing(self) -> list[str]:
        """Return the names of the files that do not exist."""
        files = (self.model, self.tokenizer, self.config)
        return [path.name for path in files if not path.is_file()]


class OnnxEncoder:
    """A BERT-like ONNX model with mean pooling, run by onnxruntime on the CPU.

    Args:
        folder: Holds ``model.onnx``, ``tokenizer.json`` and ``encoder.json``.
        name: Name to report; the folder's path if not given.
        threads: Cores to use; all that the process may use if not given.

    Raises:
        UserError: A file is missing.
    """

    def __init__(
        self, folder: Path, *, name: str | None = None, threads: int | None = None
    ) -> None:
        from tokenizers import Tokenizer

        files = EncoderFiles(folder)
        if missing := files.missing():
            raise UserError(
                f"Encoder folder {folder} lacks {', '.join(missing)}.",
                fix="python -m indexes.export_encoder --out FOLDER",
            )
        config = orjson.loads(files.config.read_bytes())
        self._name = name or str(folder.resolve())
        self._dimension = int(config["dimension"])
        self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        self._tokenizer.enable_truncation(int(config["max_tokens"]))
        self._tokenizer.no_padding()
        self._token_encoder = OnnxTokenEncoder(files.model, threads)
        self._fingerprint = file_sha256(files.model)

    @property
    def name(self) -> str:
        """The name under which `load_encoder` finds it again."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the ONNX file."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors, float32 of shape (texts, dimension)."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, vector in enumerate(self._token_encoder.encode(ids, mean_pool)):
            vectors[row] = vector
        return vectors


class SentenceTransformerEncoder:
    """Any model that sentence-transformers can load, by hub name or folder.

    Raises:
        UserError: The model cannot be loaded.
    """

    def __init__(self, name_or_path: str) -> None:
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(name_or_path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"Encoder {name_or_path!r} cannot be loaded ({type(error).__name__}); give "
                f"{BUNDLED_ENCODER!r}, a folder or the name of a sentence-transformers model.",
                fix=f"--encoder {BUNDLED_ENCODER}",
            ) from error
        self._name = name_or_path
        self._fingerprint = _probe_fingerprint(self.encode(["fever", "fracture of femur"]))

    @property
    def name(self) -> str:
        """The name under which `load_encoder` finds it again."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def fingerprint(self) -> str:
        """Digest of the vectors of two probe texts, rounded so that machines agree."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors, float32 of shape (texts, dimension)."""
        vectors = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension)


def load_encoder(name: str = BUNDLED_ENCODER, *, threads: int | None = None) -> Encoder:
    """Return the bundled encoder, an ONNX encoder folder or a sentence-transformers model.

    Args:
        name: ``all-MiniLM-L6-v2-int8`` for the bundled one, else a folder or a hub name.
        threads: Cores for an ONNX encoder; all that the process may use if not given.

    Raises:
        UserError: There is no such encoder.
    """
    if name == BUNDLED_ENCODER:
        return OnnxEncoder(BUNDLED_FOLDER, name=name, threads=threads)
    if EncoderFiles(Path(name)).model.is_file():
        return OnnxEncoder(Path(name), threads=threads)
    return SentenceTransformerEncoder(name)


def mean_pool(hidden: Vectors) -> Vectors:
    """Average token vectors and scale the result to length 1.

    Args:
        hidden: Token vectors, shape (tokens, dimension).

    Returns:
        A unit vector, shape (dimension,).
    """
    pooled = hidden.mean(axis=0)
    return np.asarray(pooled / max(float(np.linalg.norm(pooled)), 1e-12), dtype=np.float32)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _probe_fingerprint(vectors: Vectors) -> str:
    return hashlib.sha256(np.round(vectors, 2).astype(np.float32).tobytes()).hexdigest()


@functools.cache
def english_words() -> frozenset[str]:
    """Return the whole words in the vocabulary of the bundled encoder: they are spelt right."""
    tokenizer = orjson.loads(EncoderFiles(BUNDLED_FOLDER).tokenizer.read_bytes())
    return frozenset(w for w in tokenizer["model"]["vocab"] if w.isalpha())
