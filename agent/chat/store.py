"""Where threads live: LangGraph's SQLite checkpointer, or memory alone.

Of a thread only the newest checkpoint is kept. It holds all that undo needs, and a checkpoint a
turn would store the note and its result again with every word that a coder types.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import orjson
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agent.chat.files import ChatFiles
from agent.chat.models import Decision
from knowledge.errors import UserError

_BUSY_SECONDS = 10.0
DECISION_LOG_VERSION = 1


class ChatStore:
    """Threads and the log of decisions; `open` keeps them in files, `in_memory` keeps nothing.

    Args:
        checkpointer: Where LangGraph keeps the state of threads.
        files: The files; None: nothing is written.
    """

    def __init__(
        self, checkpointer: "BaseCheckpointSaver[str]", files: ChatFiles | None = None
    ) -> None:
        self.checkpointer = checkpointer
        self._files = files

    @classmethod
    def in_memory(cls) -> Self:
        """Return a store that ends with the process."""
        return cls(InMemorySaver(serde=_serializer()))

    @classmethod
    def open(cls, files: ChatFiles) -> Self:
        """Open the store of a folder, or make it.

        Raises:
            UserError: The folder cannot be written, or the file is no database.
        """
        files.create(files.threads)
        connection = sqlite3.connect(files.threads, check_same_thread=False, timeout=_BUSY_SECONDS)
        try:
            connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
            saver = SqliteSaver(connection, serde=_serializer())
            saver.setup()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise UserError(
                f"{files.threads} cannot be used as the store of threads: {error}",
                fix="icd-agent data purge",
            ) from error
        return cls(saver, files)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        if isinstance(self.checkpointer, SqliteSaver):
            self.checkpointer.conn.close()

    def keep_newest(self, thread: str) -> None:
        """Delete the checkpoints of a thread but the newest."""
        if not isinstance(self.checkpointer, SqliteSaver):
            return
        newest = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        with self.checkpointer.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ({newest})",
                    (thread, thread),
                )

    def newest(self) -> dict[str, str]:
        """Return the id of the newest checkpoint of every thread; it changes with every turn."""
        if isinstance(self.checkpointer, SqliteSaver):
            query = "SELECT thread_id, max(checkpoint_id) FROM checkpoints GROUP BY thread_id"
            with self.checkpointer.cursor(transaction=False) as cursor:
                return dict(cursor.execute(query).fetchall())
        assert isinstance(self.checkpointer, InMemorySaver)
        threads = dict(self.checkpointer.storage)
        return {name: max(spaces[""]) for name, spaces in threads.items() if spaces.get("")}

    def forget(self, thread: str) -> None:
        """Delete a thread; what was decided in it stays in the log."""
        self.checkpointer.delete_thread(thread)

    def log(self, about: Mapping[str, str], decisions: Iterable[Decision]) -> None:
        """Append decisions to the log, where there is one.

        Args:
            about: What every line says of thread and note.
            decisions: The decisions.

        Raises:
            UserError: The log cannot be written.
        """
        if self._files is None:
            return
        self._files.create(self._files.decisions)
        head = {"version": DECISION_LOG_VERSION, **about}
        with self._files.decisions.open("ab") as file:
            for decision in decisions:
                file.write(orjson.dumps({**head, **decision.model_dump()}) + b"\n")


def _serializer() -> JsonPlusSerializer:
    """Return LangGraph's serializer without pickle; the state is plain data and messages."""
    return JsonPlusSerializer(pickle_fallback=False)
