"""The files of conversations in the user's data folder: health data, for the user alone.

Folder 0700, files 0600. `purge` removes them; nothing else in the folder is touched.
"""

import os
from pathlib import Path

from knowledge.errors import UserError
from knowledge.paths import DATA_VARIABLE, data_dir

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class ChatFiles:
    """The names of the files.

    Args:
        folder: The folder; None takes ``chat`` in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_dir() / "chat"
        self.threads = self.folder / "threads.sqlite"
        self.decisions = self.folder / "decisions.jsonl"
        self.history = self.folder / "history"

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that a conversation may leave, those of SQLite's journal included."""
        journals = (f"{self.threads.name}{end}" for end in ("-wal", "-shm", "-journal"))
        beside = (self.folder / name for name in journals)
        return (self.threads, *beside, self.decisions, self.history)

    def create(self, path: Path) -> None:
        """Make one of the files, empty and private, where it is not there yet.

        Raises:
            UserError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, _PRIVATE_FILE))
            path.chmod(_PRIVATE_FILE)
        except OSError as error:
            raise UserError(
                f"cannot write {path}: {error.strerror}",
                fix=f"set {DATA_VARIABLE} to a folder of yours, or add --no-store",
            ) from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it replaces one that is there.

    Raises:
        UserError: It cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        path.chmod(_PRIVATE_FILE)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}", fix="name a file in a writable folder"
        ) from error


def purge(files: ChatFiles) -> list[Path]:
    """Remove the files of all conversations; return those that were there.

    Raises:
        UserError: One cannot be removed.
    """
    removed = []
    for path in files.all:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(
                f"cannot remove {path}: {error.strerror}", fix="make the folder writable"
            ) from error
        removed.append(path)
    return removed
