"""The four packages import one way, as CONTRIBUTING.md asks, and start fast."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("knowledge", "indexes", "agent", "eval")
HEAVY = {"torch", "transformers", "sentence_transformers", "fastapi", "mcp", "faiss", "onnxruntime"}


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports anywhere, for type checking included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_one_above_it(layer):
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    files = list((ROOT / layer).rglob("*.py"))
    assert len(files) > 10
    assert {str(path): found for path in files if (found := imported(path) & above)} == {}


def test_help_loads_nothing_heavy():
    program = (
        "import sys, agent.cli.main as m\n"
        "try: m.cli.main(['--help'], standalone_mode=False)\n"
        "finally: print(sorted(sys.modules.keys() & set(sys.argv[1:])), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *sorted(HEAVY)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert "Assign ICD codes" in done.stdout
    assert done.stderr.strip() == "[]"
