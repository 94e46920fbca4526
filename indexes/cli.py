"""``icd-agent index``: builds the search indexes and measures them."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexes.cli_output import json_option, print_report, progress_bar
from indexes.encoder import BUNDLED_ENCODER

if TYPE_CHECKING:
    from indexes.measure import Measurement


@click.group()
def index() -> None:
    """Build and measure the search indexes."""


@index.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; the shipped one if not given.",
)
@click.option(
    "--encoder",
    "encoder_name",
    default=BUNDLED_ENCODER,
    show_default=True,
    help="The bundled encoder, an ONNX encoder folder or a sentence-transformers model.",
)
@click.option("--code-system", default="icd10cm", show_default=True, help="What to index.")
@json_option
def build(out: Path | None, encoder_name: str, code_system: str, as_json: bool) -> None:
    """Build the indexes; a build that was stopped goes on where it was."""
    from indexes.artefacts import Artefacts
    from indexes.build import build as build_artefacts
    from indexes.build import content_of
    from indexes.encoder import load_encoder
    from knowledge.code_systems import get_icd10cm

    start = time.perf_counter()
    artefacts = Artefacts(out) if out else Artefacts.bundled()
    system = get_icd10cm(code_system)
    encoder = load_encoder(encoder_name)
    with progress_bar("Encoding") as progress:
        manifest = build_artefacts(artefacts, system, encoder, content_of(system), progress)
    size = sum(path.stat().st_size for path in artefacts.built_files())
    report = {
        "directory": str(artefacts.directory),
        "rows": manifest.rows,
        "guideline_rows": manifest.guideline_rows,
        "bytes": size,
        "seconds": round(time.perf_counter() - start, 1),
        "manifest": manifest.model_dump(),
    }
    text = (
        f"{manifest.rows} rows and {manifest.guideline_rows} guideline cards, "
        f"{size / 1e6:.1f} MB in {artefacts.directory}"
    )
    print_report(report, text, as_json)


@index.command()
@click.option(
    "--queries",
    type=click.Path(path_type=Path, dir_okay=False),
    help='JSONL with "text" and, to measure recall of codes, "codes"; '
    "the texts of the guideline cards if not given.",
)
@click.option(
    "--index",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the indexes; the shipped ones if not given.",
)
@json_option
def measure(queries: Path | None, directory: Path | None, as_json: bool) -> None:
    """Compare the compressed index with exact search, and candidates with gold codes.

    Encodes all rows anew where the last build's vectors are no longer in the cache.
    """
    from indexes.artefacts import Artefacts
    from indexes.encoder import load_encoder
    from indexes.measure import default_queries, measure_artefacts, read_queries
    from knowledge.code_systems import get_icd10cm

    artefacts = Artefacts.from_directory(directory) if directory else Artefacts.bundled()
    manifest = artefacts.read_manifest()
    encoder = load_encoder(manifest.encoder)
    artefacts.verify(get_icd10cm(manifest.code_system), encoder)
    asked = read_queries(queries) if queries else default_queries()
    with progress_bar("Encoding") as progress:
        found = measure_artefacts(artefacts, encoder, asked, progress)
    print_report(_measured_json(found), "\n".join(_measured_lines(found)), as_json)


def _measured_json(found: "Measurement") -> dict[str, Any]:
    def by_depth(values: Mapping[int, float]) -> dict[str, float]:
        return {str(depth): round(value, 4) for depth, value in values.items()}

    return {
        "windows": found.windows,
        "index_recall": by_depth(found.index_recall),
        "code_recall": {name: by_depth(values) for name, values in found.code_recall.items()},
    }


def _measured_lines(found: "Measurement") -> Iterator[str]:
    yield f"{found.windows} windows; share of the exact n nearest rows that the index finds:"
    for depth, value in found.index_recall.items():
        yield f"  n = {depth}: {value:.3f}"
    for name, values in found.code_recall.items():
        listed = ", ".join(f"@{depth} {value:.3f}" for depth, value in values.items())
        yield f"recall of gold codes, {name}: {listed}"
