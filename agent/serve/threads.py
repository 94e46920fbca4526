"""The threads of a server: each is a `Conversation`, as in ``icd-agent chat``, with its note.

A note is stored before it is coded, and a decision before it is answered: a server that is killed
goes on where it was. Notes are coded one after the other on the workbench; turns of one thread come
one after the other, those of different threads beside one another.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from agent.chat.conversation import Conversation
from agent.chat.models import Reply
from agent.chat.session import Parts
from agent.chat.snapshot import Snapshot
from agent.chat.store import ChatStore
from agent.defects import report_defect
from agent.request import CodingRequest
from agent.serve.errors import RefusalError, refusal_of
from agent.serve.limits import Limits
from agent.serve.thread_events import ThreadEvents
from agent.serve.thread_models import ThreadEvent, ThreadLine, ThreadState, ThreadStatus, TurnTaken
from agent.serve.thread_view import coded_note
from agent.serve.workbench import OnEvent, Workbench
from agent.trace.events import NodeEnd
from knowledge.errors import UserError

TakeTurn = Callable[[Conversation], Reply]


class _Summary(NamedTuple):
    """What the queue shows of a thread, as of one of its checkpoints."""

    version: str
    added: str
    note_id: str
    has_result: bool
    codes: int
    accepted: int
    asks: bool
    error: str | None


class Threads:
    """Opens, codes and forgets threads, and takes turns in them.

    Args:
        parts: The coder, whose coding goes over the workbench.
        store: Where threads live.
        workbench: Codes the notes.
        limits: How many notes may wait.
    """

    def __init__(
        self, parts: Parts, store: ChatStore, workbench: Workbench, limits: Limits
    ) -> None:
        self._parts = parts
        self._store = store
        self._workbench = workbench
        self._limits = limits
        self._waiting: dict[str, None] = {}  # in order
        self._coding: str | None = None
        self._task: asyncio.Task[Reply | None] | None = None
        self._stages: list[str] = []
        self._errors: dict[str, str] = {}
        self._summaries: dict[str, _Summary] = {}
        # Whoever writes or reads a thread holds its lock: LangGraph stores the state of a turn and
        # the question after it one after the other.
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._wake = asyncio.Event()
        self.events = ThreadEvents()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Code what waits, also what waited when the last server ended; stop at the end."""
        runner = asyncio.create_task(self._code_all())
        try:
            yield
        finally:
            self.events.close()
            runner.cancel()
            with suppress(asyncio.CancelledError):
                await runner

    async def add(self, request: CodingRequest) -> ThreadState:
        """Open the thread of a note; the note is coded where it has not been yet.

        Raises:
            RefusalError: Too many notes wait.
        """
        thread = self._parts.thread_of(request)
        if len(self._waiting) >= self._limits.waiting_threads:
            raise RefusalError(
                503,
                f"{self._limits.waiting_threads} notes are waiting already",
                "try again later",
                {"Retry-After": "60"},
            )

        def keep() -> bool:
            with self._locks[thread]:
                talk = self._open(thread)
                now = talk.snapshot()
                if not now.has_note and now.kept is None:
                    talk.keep_note(request)
                return not now.has_note

        if await asyncio.to_thread(keep):
            self._enqueue(thread)
        return await self.state(thread)

    async def again(self, thread: str) -> ThreadState:
        """Code the note of a thread whose coding failed.

        Raises:
            RefusalError: There is no such thread.
        """
        if (await self.state(thread)).status == "failed":
            self._enqueue(thread)
        return await self.state(thread)

    async def queue(self) -> list[ThreadLine]:
        """Return all threads in the order in which their notes came."""
        return await asyncio.to_thread(self._queue)

    async def state(self, thread: str) -> ThreadState:
        """Return a thread as it stands.

        Raises:
            RefusalError: There is no such thread.
        """
        return await asyncio.to_thread(self._state, thread)

    async def turn(self, thread: str, take: TakeTurn) -> TurnTaken:
        """Take a turn in a thread, and tell every page of it.

        Raises:
            RefusalError: There is no such thread, or its note has not been coded yet.
        """
        taken = await asyncio.to_thread(self._turn, thread, take)
        self._publish(thread, taken.state.version)
        return taken

    async def read(self, thread: str, ask: Callable[[Conversation], str]) -> str:
        """Return what is asked of a coded thread without a turn.

        Raises:
            RefusalError: As for `turn`.
        """
        return await asyncio.to_thread(lambda: ask(self._coded(thread)))

    async def forget(self, thread: str) -> None:
        """Delete a thread; its coding ends.

        Raises:
            RefusalError: There is no such thread.
        """
        with suppress(UserError):  # of another version: it can be deleted all the same
            await asyncio.to_thread(self._existing, thread)
        self._waiting.pop(thread, None)
        if self._task and self._coding == thread:
            self._task.cancel()

        def delete() -> None:
            with self._locks[thread]:  # a coding that was cancelled lets go at its next event
                self._store.forget(thread)

        await asyncio.to_thread(delete)
        self._errors.pop(thread, None)
        self._summaries.pop(thread, None)
        self.events.publish(ThreadEvent(thread=thread, event="forgotten"))

    async def _code_all(self) -> None:
        for line in await self.queue():
            if line.status == "failed" and line.error is None:
                self._enqueue(line.thread)
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            thread = next(iter(self._waiting))
            del self._waiting[thread]
            await self._code(thread)

    async def _code(self, thread: str) -> None:
        self._coding, self._stages = thread, []
        self._publish(thread)

        def work(on_event: OnEvent) -> Reply | None:
            with self._locks[thread]:
                talk = self._open(thread)
                return talk.code_kept(on_event) if talk.snapshot().kept else None

        def staged(stage: NodeEnd) -> None:
            self._stages.append(stage.node)
            self.events.publish(ThreadEvent(thread=thread, event="stage", stage=stage.node))

        self._task = asyncio.create_task(self._workbench.do(work, staged))
        try:
            await asyncio.wait({self._task})
        finally:
            self._task.cancel()
            self._coding = None
        error = None if self._task.cancelled() else self._task.exception()
        if isinstance(error, Exception):
            self._errors[thread] = _told(error)
        self._task = None
        self._publish(thread)

    def _enqueue(self, thread: str) -> None:
        if thread != self._coding:
            self._errors.pop(thread, None)
            self._waiting[thread] = None
            self._wake.set()
            self._publish(thread)

    def _publish(self, thread: str, version: str | None = None) -> None:
        self.events.publish(ThreadEvent(thread=thread, event="changed", version=version))

    def _open(self, thread: str) -> Conversation:
        return Conversation.open(thread, self._parts, self._store)

    def _existing(self, thread: str) -> Snapshot:
        now = self._open(thread).snapshot() if thread.strip() else None
        if now is None or not (now.has_note or now.kept):
            raise RefusalError(404, "there is no such thread", "GET /v1/threads lists them")
        return now

    def _coded(self, thread: str) -> Conversation:
        if not self._existing(thread).has_note:
            raise RefusalError(
                409, "the note has not been coded yet", "wait for the event of its change"
            )
        return self._open(thread)

    def _turn(self, thread: str, take: TakeTurn) -> TurnTaken:
        talk = self._coded(thread)
        with self._locks[thread]:
            reply = take(talk)
            state = self._state(thread)
        return TurnTaken(kind=reply.kind, statements=list(reply.statements), state=state)

    def _state(self, thread: str) -> ThreadState:
        if thread == self._coding:  # the lock is held until the note is coded
            return self._as_of(thread, self._existing(thread), is_coded=False)
        self._existing(thread)  # a lock for every name that is asked for would be kept
        with self._locks[thread]:
            now = self._existing(thread)
        return self._as_of(thread, now, now.has_note)

    def _as_of(self, thread: str, now: Snapshot, is_coded: bool) -> ThreadState:
        of_note = now.kept or now.session.request
        return ThreadState(
            thread=thread,
            version=now.version,
            note_id=of_note.id,
            note=of_note.text,
            context=of_note.context,
            status=self._status(thread, is_coded),
            stages=list(self._stages) if thread == self._coding else [],
            error=self._errors.get(thread),
            coded=coded_note(now) if is_coded else None,
        )

    def _status(self, thread: str, has_result: bool) -> ThreadStatus:
        if has_result:
            return "coded"
        if thread == self._coding:
            return "coding"
        return "waiting" if thread in self._waiting else "failed"

    def _queue(self) -> list[ThreadLine]:
        found = []
        for thread, version in self._store.newest().items():
            summary = self._summary(thread, version)
            if summary.note_id:
                found.append((summary.added, thread, summary))
        return [self._line(thread, summary) for _, thread, summary in sorted(found)]

    def _line(self, thread: str, summary: _Summary) -> ThreadLine:
        return ThreadLine(
            thread=thread,
            note_id=summary.note_id,
            status="failed" if summary.error else self._status(thread, summary.has_result),
            codes=summary.codes,
            accepted=summary.accepted,
            asks=summary.asks,
            error=summary.error or self._errors.get(thread),
        )

    def _summary(self, thread: str, version: str) -> _Summary:
        known = self._summaries.get(thread)
        if known is None or known.version != version:
            known = _summary_of(thread, self._open(thread).snapshot())
            self._summaries[thread] = known
        return known


def _summary_of(thread: str, now: Snapshot) -> _Summary:
    version, added = now.version, now.added
    try:
        if not now.has_note:
            note_id = now.kept.id if now.kept else ""
            return _Summary(version, added, note_id, False, 0, 0, False, None)
        session = now.session
    except UserError as error:  # of another version or release
        return _Summary(version, added, thread, True, 0, 0, False, str(error))
    codes = session.work.codes
    return _Summary(
        version=version,
        added=added,
        note_id=session.result.id,
        has_result=True,
        codes=len(codes),
        accepted=sum(item.status == "accepted" for item in codes),
        asks=now.question is not None,
        error=None,
    )


def _told(error: Exception) -> str:
    """Return what a page shows of a coding that failed."""
    if not isinstance(error, RefusalError | UserError):
        report_defect(error)
    problem = refusal_of(error).problems.error
    return f"{problem.message}. Fix: {problem.fix}" if problem.fix else problem.message
