"""Run a configuration: check the data, code what is left for each system, work out the figures."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from eval.jsonl import write_jsonl
from eval.run.config import PredictionsSystem, RunConfig
from eval.run.figures import figures_of
from eval.run.files import RunFiles
from eval.run.provenance import provenance
from eval.run.separation import require_separate
from knowledge.dataset_row import read_rows
from knowledge.errors import UserError


def run(
    config: RunConfig,
    folder: Path,
    only: Collection[str] = (),
    on_system: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run a configuration, or go on with it, and return its figures.

    Args:
        config: The configuration.
        folder: Of the run; one that holds a run goes on with it, under the same configuration.
        only: Systems to code; all if empty. Figures need every system coded.
        on_system: Told the name of each system before it is coded.

    Raises:
        UserError: The data sets overlap, the folder holds another run, a system cannot be loaded,
            or a file cannot be used.
    """
    unknown = sorted(set(only) - config.systems.keys())
    if unknown:
        raise UserError(
            f"no system of the configuration is called {', '.join(unknown)}",
            fix=f"name some of {', '.join(config.systems)}",
        )
    require_separate(config.data)
    files = RunFiles(folder)
    _open(config, files)
    for name, system in config.systems.items():
        if isinstance(system, PredictionsSystem) or (only and name not in only):
            continue
        if on_system:
            on_system(name)
        _code(name, files)
    figures = {**figures_of(config, files), "provenance": provenance(config)}
    files.figures.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def _open(config: RunConfig, files: RunFiles) -> None:
    """Write configuration and reference, or check that those of the folder are the same."""
    dumped = config.model_dump_json(indent=1) + "\n"
    if files.config.exists():
        if files.config.read_text(encoding="utf-8") != dumped:
            raise UserError(
                f"{files.folder} holds a run with another configuration",
                fix="name another folder: --out FOLDER",
            )
        return
    write_jsonl(files.reference, (row.to_json() for row in read_rows(config.data.report)))
    files.config.write_text(dumped, encoding="utf-8")


def _code(name: str, files: RunFiles) -> None:
    """Code the notes that are left for a system, in a process of its own."""
    command = [sys.executable, "-m", "eval.run.worker", str(files.folder), name]
    if subprocess.run(command, check=False).returncode:
        raise UserError(
            f"the system {name} was not coded to its end; what it has coded is kept",
            fix="mend what is named above, then run the same command: it goes on",
        )
