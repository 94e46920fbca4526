"""The folder of a run: every file name in one class."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration, paths made absolute; a run goes on under the same one only."""
        return self.folder / "config.json"

    @property
    def reference(self) -> Path:
        """The notes that report, with their codes."""
        return self.folder / "reference.jsonl"

    def first(self, notes: int) -> Path:
        """Return where the first notes of the reference stand."""
        return self.folder / f"reference_{notes}.jsonl"

    @property
    def figures(self) -> Path:
        """All figures, as `icd-agent eval report` shows them."""
        return self.folder / "figures.json"

    def results(self, system: str) -> Path:
        """Return where the predictions of a system stand."""
        return self.folder / "systems" / system / "results.jsonl"

    def sessions(self, system: str) -> Path:
        """Return where each process that coded for a system left what it cost."""
        return self.folder / "systems" / system / "sessions.jsonl"

    def traces(self, system: str) -> Path:
        """Return the folder of the traces of a system."""
        return self.folder / "systems" / system / "traces"
