"""Where the figures of a run come from: data, code, packages, machine."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from eval.run.config import RunConfig
from indexes.encoder import file_sha256

_PACKAGES = ("icd-agent", "faiss-cpu", "lightgbm", "onnxruntime", "torch", "xllamacpp")


def provenance(config: RunConfig) -> dict[str, Any]:
    """Return what a reader needs to make the same figures."""
    data = {"report": config.data.report, "train": config.data.train, "tune": config.data.tune}
    return {
        "data_sha256": {name: file_sha256(path) for name, path in data.items() if path},
        "commit": _commit(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
    }


def _commit() -> str | None:
    """Return the commit of the checkout, marked where files differ; None outside a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
