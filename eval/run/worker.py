"""One process that codes the notes of a run for one system: ``python -m eval.run.worker``.

A process of its own, so that its peak memory and energy are the system's and no other's. What was
coded is kept; a run that was stopped goes on with the notes that are left.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click
import orjson

from agent.output import ResultsFile
from eval.datasets.peak_memory import peak_bytes
from eval.run.config import AgentSystem, PLMSystem, RunConfig, TreeSearchSystem
from eval.run.cost import Session
from eval.run.energy import measured_energy
from eval.run.files import RunFiles
from indexes.artefacts import Artefacts
from indexes.cli_output import progress_bar
from knowledge.dataset_row import DatasetRow, read_rows
from knowledge.errors import UserError

# Codes one note and writes its line.
CodeNote: TypeAlias = Callable[[DatasetRow, ResultsFile], None]


class Loaded(NamedTuple):
    """A system that is ready.

    Attributes:
        code: Codes a note.
        reads: Files and folders that it was loaded from.
    """

    code: CodeNote
    reads: tuple[Path, ...]


def load_system(name: str, config: RunConfig, files: RunFiles) -> Loaded:
    """Load a system of a run.

    Raises:
        UserError: A part of it is missing.
    """
    system = config.systems[name]
    if isinstance(system, AgentSystem):
        return _agent(system, files.traces(name))
    if isinstance(system, PLMSystem):
        return _plm(system)
    if isinstance(system, TreeSearchSystem):
        return _tree_search(system)
    raise ValueError(f"{name} is of kind {system.kind}, which nothing is coded for")


def _agent(system: AgentSystem, traces: Path) -> Loaded:
    from agent.coder import Coder, CoderOptions, code_or_fail
    from agent.llm.registry import llm_file
    from eval.requests import coding_request

    options = CoderOptions(
        llm=system.llm, policy=system.policy, trace_dir=traces, settings=system.settings
    )
    coder = Coder(options)

    def code(row: DatasetRow, results: ResultsFile) -> None:
        results.write(code_or_fail(coder, coding_request(row)))

    artefacts = Artefacts.bundled()
    model = llm_file(system.llm)
    return Loaded(code, (artefacts.directory, *((model,) if model else ())))


def _plm(system: PLMSystem) -> Loaded:
    from eval.plm_icd import exported_row, shipped_folder
    from indexes.plm_icd.predict import PLMPredictor

    folder = system.model or shipped_folder()
    predictor = PLMPredictor(folder)

    def code(row: DatasetRow, results: ResultsFile) -> None:
        began = time.perf_counter()
        found = exported_row(row, predictor)
        usage = {"llm": "none", "seconds": time.perf_counter() - began}
        results.write_row({**found, "status": "ok" if found["codes"] else "empty", "usage": usage})

    return Loaded(code, (folder,))


def _tree_search(system: TreeSearchSystem) -> Loaded:
    from agent.llm.registry import llm_file, load_llm
    from eval.run.tree_search import as_row, tree_search
    from knowledge.code_systems import get_icd10cm

    llm = load_llm(system.llm)
    if llm is None:
        raise UserError("a tree search needs an LLM", fix="llm: builtin")
    codes = get_icd10cm("icd10cm")

    def code(row: DatasetRow, results: ResultsFile) -> None:
        walk = tree_search(row.text, llm, codes, system.calls)
        results.write_row(as_row(row, walk, system.llm))

    model = llm_file(system.llm)
    return Loaded(code, (model,) if model else ())


def run_system(name: str, config: RunConfig, files: RunFiles) -> int:
    """Code the notes of a run that a system has not coded yet; return their number.

    Raises:
        UserError: A file cannot be written, or a part of the system is missing.
    """
    rows = list(read_rows(files.reference))[: getattr(config.systems[name], "notes", None)]
    with ResultsFile(files.results(name), resume=True) as results:
        left = [row for row in rows if row.id not in results.done]
        if not left:
            return 0
        began = time.perf_counter()
        loaded = load_system(name, config, files)
        load_seconds = time.perf_counter() - began
        with measured_energy() as energy:
            coded = _code(left, loaded.code, results, name)
        session = Session(
            notes=coded,
            load_seconds=load_seconds,
            peak_bytes=peak_bytes() or 0,
            energy_kwh=energy(),
            model_bytes=sum(map(_size, loaded.reads)),
        )
    with files.sessions(name).open("ab") as out:
        out.write(orjson.dumps(session.model_dump()) + b"\n")
    return coded


def _code(left: list[DatasetRow], code: CodeNote, results: ResultsFile, name: str) -> int:
    with progress_bar(name) as progress:
        for number, row in enumerate(left, 1):
            code(row, results)
            progress(number, len(left))
    return len(left)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (file for file in path.rglob("*") if file.is_file())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name")
def main(folder: Path, name: str) -> None:
    """Code the notes of the run in FOLDER for the system NAME."""
    files = RunFiles(folder)
    config = RunConfig.model_validate_json(files.config.read_bytes())
    try:
        run_system(name, config, files)
    except UserError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
