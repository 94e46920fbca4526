"""``icd-agent index``: builds the search indexes and measures them."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexes.cli_output import json_option, print_report, progress_bar
from indexes.encoder import BUNDLED_ENCODER
from knowledge.errors import UserError
from knowledge.index_option import INDEX_VARIABLE

if TYPE_CHECKING:
    from indexes.artefacts import Artefacts, Manifest
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
    "--cdc",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Adopt the official files (XML of CDC/NCHS) in DIR: tabular list, Alphabetic Index, "
    "neoplasm, drug and external-cause tables, whichever are there. Needs --out.",
)
@click.option(
    "--reuse",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Take the vectors of wordings that the indexes in DIR have from there, and encode only "
    "the others. --cdc does so with the shipped indexes.",
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
def build(
    out: Path | None,
    cdc: Path | None,
    reuse: Path | None,
    encoder_name: str,
    code_system: str,
    as_json: bool,
) -> None:
    """Build the indexes; a build that was stopped goes on where it was."""
    from indexes.artefacts import BUNDLED_DIRECTORY, Artefacts

    start = time.perf_counter()
    if cdc is None:
        artefacts = Artefacts(out) if out else Artefacts.bundled()
        report = _build_installed(artefacts, encoder_name, code_system, reuse)
    elif out is None or out.resolve() == BUNDLED_DIRECTORY or code_system != "icd10cm":
        raise UserError(
            "--cdc adopts an ICD-10-CM release into a folder of its own",
            fix=f"icd-agent index build --cdc {cdc} --out FOLDER",
        )
    else:
        artefacts = Artefacts(out)
        report = _build_adopted(artefacts, encoder_name, cdc)
    report["bytes"] = sum(path.stat().st_size for path in artefacts.built_files())
    report["seconds"] = round(time.perf_counter() - start, 1)
    print_report(report, "\n".join(_built_lines(report)), as_json)


def _build_installed(
    artefacts: "Artefacts", encoder_name: str, code_system: str, reuse: Path | None
) -> dict[str, Any]:
    from indexes.artefacts import Artefacts
    from indexes.build import build as build_artefacts
    from indexes.build import content_of
    from indexes.encoder import load_encoder
    from knowledge.code_systems import get_icd10cm

    system = get_icd10cm(code_system)
    encoder = load_encoder(encoder_name)
    former = Artefacts.from_directory(reuse) if reuse else None
    if former and former.directory.resolve() == artefacts.directory.resolve():
        raise UserError(
            f"{reuse} cannot be read and written at the same time.", fix="give another --out"
        )
    with progress_bar("Encoding") as progress:
        manifest = build_artefacts(
            artefacts, system, encoder, content_of(system), progress, former=former
        )
    return _built_report(artefacts, manifest)


def _build_adopted(artefacts: "Artefacts", encoder_name: str, cdc: Path) -> dict[str, Any]:
    from indexes.adopt import adopt
    from indexes.encoder import load_encoder
    from knowledge.official.folder import find_official_files

    folder = find_official_files(cdc)
    encoder = load_encoder(encoder_name)
    with progress_bar("Encoding") as progress:
        adoption = adopt(folder, artefacts, encoder, progress)
    return _built_report(artefacts, adoption.manifest) | {
        "terms": adoption.terms,
        "entries": dict(adoption.official.entries),
        "unread": [code._asdict() for code in adoption.official.unread],
    }


def _built_report(artefacts: "Artefacts", manifest: "Manifest") -> dict[str, Any]:
    return {
        "directory": str(artefacts.directory),
        "rows": manifest.rows,
        "guideline_rows": manifest.guideline_rows,
        "manifest": manifest.model_dump(),
    }


def _built_lines(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{report['rows']} rows and {report['guideline_rows']} guideline cards, "
        f"{report['bytes'] / 1e6:.1f} MB in {report['directory']}, {report['seconds']} s"
    )
    manifest = report["manifest"]
    for file in manifest["official"]:
        count = report["entries"].get(file["kind"])
        read = f"{count} entries" if count else "the release"
        yield f"  {file['name']} ({file['release']}): {read}"
    if manifest["official"]:
        yield f"vectors taken over from the shipped index: {manifest['reused_rows']}"
        yield (
            f"ICD-10-CM {manifest['release']} is used by code, search, show and check with "
            f"--index {report['directory']}, or for all with "
            f"export {INDEX_VARIABLE}={report['directory']}"
        )
    for unread in report.get("unread", ()):
        yield (f"  not in the release: {unread['code']} ({unread['file']}, line {unread['line']})")


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


@index.command()
@click.option(
    "--queries",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help='YAML: groups of questions, each with "question" and "sections".',
)
@click.option(
    "--index",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the indexes; the shipped ones if not given.",
)
@json_option
def measure_guidelines(queries: Path, directory: Path | None, as_json: bool) -> None:
    """Tell how well the search for guideline cards answers questions."""
    from indexes.guideline_measure import DEPTH, measure_questions, read_questions
    from indexes.guideline_search import load_guideline_search
    from knowledge.official.releases_at_hand import icd10cm_of

    groups = read_questions(queries)
    search = load_guideline_search(icd10cm_of(directory), directory)
    report: dict[str, Any] = {}
    lines = []
    for group, questions in groups.items():
        found = measure_questions(search, questions)
        report[group] = {"questions": len(questions)}
        lines.append(f"{group}, {len(questions)} questions:")
        for name, (recall, mrr) in found.items():
            report[group][name] = {f"recall@{DEPTH}": round(recall, 4), "mrr": round(mrr, 4)}
            lines.append(f"  {name}: recall@{DEPTH} {recall:.3f}, MRR {mrr:.3f}")
    print_report(report, "\n".join(lines), as_json)


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
