"""Builds the search indexes: rows, vectors, FAISS and BM25 indexes, term table, manifest.

Encoding takes minutes and is the only slow part. Vectors are kept in shards named after their
content, so a build that was stopped goes on where it was, and a rebuild encodes only what changed.
"""

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexes.artefacts import FORMAT_VERSION, Artefacts, Manifest, OfficialSource
from indexes.dense import build_faiss, factory_string, write_index
from indexes.encoder import Encoder
from indexes.lexical import LexicalIndex
from indexes.row_reuse import index_from
from indexes.rows import Row, code_rows, guideline_rows, write_rows
from indexes.term_table import Term, build_term_table, write_terms
from indexes.token_vectors import Vectors
from knowledge.code_systems import ICD10CM
from knowledge.code_systems.base import CodeSystem
from knowledge.guidelines import load_cards
from knowledge.official.releases_at_hand import write_adopted
from knowledge.paths import cache_dir

ROWS_PER_SHARD = 1024
_PACKAGES = ("bm25s", "faiss-cpu", "numpy", "onnxruntime", "PyStemmer", "tokenizers")

Progress = Callable[[int, int], None]


class Content(NamedTuple):
    """What goes into the indexes.

    Attributes:
        rows: Wordings of codes.
        cards: Guideline cards.
        terms: Terms of the term look-up.
    """

    rows: Sequence[Row]
    cards: Sequence[Row]
    terms: Sequence[Term]


def content_of(system: CodeSystem) -> Content:
    """Return everything there is to index for a code system."""
    return Content(code_rows(system), guideline_rows(load_cards()), build_term_table(system))


def build(
    artefacts: Artefacts,
    system: CodeSystem,
    encoder: Encoder,
    content: Content,
    progress: Progress,
    *,
    official: Sequence[OfficialSource] = (),
    release: ICD10CM | None = None,
    former: Artefacts | None = None,
) -> Manifest:
    """Write all artefacts; the manifest comes last and vouches for them.

    Args:
        artefacts: Where to write.
        system: The code system that the content comes from.
        encoder: Makes the vectors.
        content: What to index.
        progress: Called with rows encoded and rows to encode, as the work goes on.
        official: The user's files that the content comes from.
        release: The release to keep beside the indexes; None where it is the installed one.
        former: Artefacts whose vectors are taken over where the wording is the same.
    """
    artefacts.directory.mkdir(parents=True, exist_ok=True)
    artefacts.manifest.unlink(missing_ok=True)
    reused = _write_vectors(artefacts, encoder, content, former, progress)
    write_rows(artefacts.rows, content.rows)
    write_rows(artefacts.guideline_rows, content.cards)
    write_terms(artefacts.terms, content.terms)
    LexicalIndex.build(content.rows).save(artefacts.lexical_index)
    artefacts.tabular.unlink(missing_ok=True)
    if release is not None:
        write_adopted(artefacts.tabular, release)
    manifest = _manifest(artefacts, system, encoder, content).model_copy(
        update={"official": tuple(official), "reused_rows": reused}
    )
    artefacts.write_manifest(manifest)
    return manifest


def _write_vectors(
    artefacts: Artefacts,
    encoder: Encoder,
    content: Content,
    former: Artefacts | None,
    progress: Progress,
) -> int:
    """Write both FAISS indexes; return how many rows took their vector from the former ones."""

    def encode(rows: Sequence[Row]) -> Vectors:
        return encode_rows(rows, encoder, shards_folder(), progress)

    taken = index_from(content.rows, former, encoder, encode) if former else None
    if taken is None:
        vectors = encode([*content.rows, *content.cards])
        split = len(content.rows)
        codes, cards = build_faiss(vectors[:split]), vectors[split:]
    else:
        codes, cards = taken.index, encode(content.cards)
    write_index(artefacts.code_index, codes)
    write_index(artefacts.guideline_index, build_faiss(cards))
    return taken.reused if taken else 0


def encode_rows(rows: Sequence[Row], encoder: Encoder, folder: Path, progress: Progress) -> Vectors:
    """Encode rows in shards; shards that a former run wrote are read instead.

    Args:
        rows: What to encode.
        encoder: Makes the vectors.
        folder: Where the shards are kept.
        progress: Called after each shard with rows encoded and rows in all.

    Returns:
        Unit vectors, shape (rows, dimension).
    """
    shards: list[Vectors] = []
    for start in range(0, len(rows), ROWS_PER_SHARD):
        texts = [row.text for row in rows[start : start + ROWS_PER_SHARD]]
        shards.append(_shard(texts, encoder, folder))
        progress(min(start + ROWS_PER_SHARD, len(rows)), len(rows))
    return np.concatenate(shards)


def shards_folder() -> Path:
    """Return the folder of the shards; it may be deleted at any time."""
    return cache_dir("embeddings")


def _shard(texts: Sequence[str], encoder: Encoder, folder: Path) -> Vectors:
    path = folder / f"{_shard_name(texts, encoder)}.npy"
    if path.is_file():
        stored: Vectors = np.load(path, allow_pickle=False)
        return stored
    vectors = encoder.encode(texts)
    # Written aside and renamed: a run killed here leaves no half shard.
    unfinished = path.with_suffix(".unfinished.npy")
    np.save(unfinished, vectors, allow_pickle=False)
    unfinished.replace(path)
    return vectors


def _shard_name(texts: Sequence[str], encoder: Encoder) -> str:
    digest = hashlib.sha256(encoder.fingerprint.encode("utf-8"))
    for text in texts:
        digest.update(b"\0" + text.encode("utf-8"))
    return digest.hexdigest()


def _manifest(
    artefacts: Artefacts, system: CodeSystem, encoder: Encoder, content: Content
) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        encoder=encoder.name,
        encoder_fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        code_system=system.key,
        release=system.release,
        rows=len(content.rows),
        guideline_rows=len(content.cards),
        faiss_factory=factory_string(len(content.rows)),
        files=artefacts.digests(),
        packages={name: metadata.version(name) for name in _PACKAGES},
        git_commit=_git_commit(),
    )


def _git_commit() -> str | None:
    """Return the commit of the source tree, "+" added if it has changes; None outside one."""
    folder = Path(__file__).parent
    try:
        commit = _git("rev-parse", "HEAD", cwd=folder).strip()
        return commit + ("+" if _git("status", "--porcelain", cwd=folder).strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout
