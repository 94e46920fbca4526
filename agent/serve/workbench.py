"""The one coder of a server and the thread it works in.

Notes are coded one after the other: a note already keeps the cores busy (FAISS, ONNX, LLM), and the
LLM has one context. Look-ups and rule checks run in other threads meanwhile. Waiting notes are
taken first come, first served; of each job only one waits at a time, so that a single note waits
for no whole job.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar

from agent.coder import Coder
from agent.defects import report_defect
from agent.request import CodingRequest
from agent.result import Result
from agent.serve.errors import RefusalError
from agent.serve.limits import Limits
from agent.trace.events import Event, NodeEnd
from knowledge.errors import UserError

T = TypeVar("T")
OnStage: TypeAlias = Callable[[NodeEnd], None]
OnEvent: TypeAlias = Callable[[Event], None]
Work: TypeAlias = Callable[[OnEvent], T]  # codes a note and tells each event of its trace


class _StoppedError(Exception):
    """Nobody waits for the note any longer."""


class _Run(Generic[T]):
    """The coding of one note, which can be stopped between two events of its trace."""

    def __init__(self, work: Work[T], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._stop = threading.Event()
        self.on_stage: OnStage | None = None

    def __call__(self) -> T:
        self._end = time.monotonic() + self._seconds
        return self._work(self._look_up)

    def stop(self) -> None:
        self._stop.set()

    def _look_up(self, event: Event) -> None:
        if self._stop.is_set():
            raise _StoppedError
        if time.monotonic() > self._end:
            raise _too_slow(self._seconds)
        if self.on_stage and isinstance(event, NodeEnd):
            self.on_stage(event)


class Workbench:
    """Codes notes for requests and jobs.

    Args:
        coder: The coder; nothing else may code with it.
        limits: How many notes may wait, and for how long.
    """

    def __init__(self, coder: Coder, limits: Limits) -> None:
        self._coder = coder
        self._limits = limits
        self._thread: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Result]] = set()
        self._runs: set[_Run[Any]] = set()

    def start(
        self, request: CodingRequest, on_stage: OnStage | None = None
    ) -> asyncio.Task[Result]:
        """Begin to code a single note; cancelling the task gives it up.

        Args:
            request: The note.
            on_stage: Told each stage that has ended, in the thread of the event loop.

        Raises:
            RefusalError: Too many notes are waiting. The task raises another one where the note
                takes too long.
        """
        if len(self._tasks) > self._limits.waiting_notes:
            raise RefusalError(
                503,
                f"{self._limits.waiting_notes} notes are waiting already",
                "try again later, or POST /v1/jobs",
                {"Retry-After": "5"},
            )
        task = asyncio.create_task(self._in_time(request, on_stage))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def code_or_fail(self, request: CodingRequest) -> Result:
        """Code a note of a job; what goes wrong fails this note alone."""
        try:
            return await self.do(self._coding(request))
        except (RefusalError, UserError) as error:
            return self._coder.failed(request, error)
        except Exception as error:
            report_defect(error)
            return self._coder.failed(request, error)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the thread; at the end, what is being coded is stopped."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="coding")
        try:
            yield
        finally:
            for run in self._runs:
                run.stop()
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    async def _in_time(self, request: CodingRequest, on_stage: OnStage | None) -> Result:
        try:
            async with asyncio.timeout(self._limits.note_seconds):
                return await self.do(self._coding(request), on_stage)
        except TimeoutError:
            raise _too_slow(self._limits.note_seconds) from None

    def _coding(self, request: CodingRequest) -> Work[Result]:
        def work(on_event: OnEvent) -> Result:
            result = self._coder.code(request, on_event=on_event)
            sent = result.candidates[: self._limits.candidates]
            return result.model_copy(update={"candidates": sent})

        return work

    async def do(self, work: Work[T], on_stage: OnStage | None = None) -> T:
        """Do work that codes one note, when it is its turn; cancelling gives it up.

        Args:
            work: Codes the note with the coder of the workbench.
            on_stage: Told each stage that has ended, in the thread of the event loop.

        Raises:
            RefusalError: The coding took too long.
        """
        assert self._thread, "requests come while the workbench is open"
        loop = asyncio.get_running_loop()
        run = _Run(work, self._limits.note_seconds)
        if on_stage:
            run.on_stage = lambda event: _tell(loop, on_stage, event)
        self._runs.add(run)
        try:
            return await loop.run_in_executor(self._thread, run)
        finally:
            run.stop()
            self._runs.discard(run)


def _tell(loop: asyncio.AbstractEventLoop, on_stage: OnStage, event: NodeEnd) -> None:
    loop.call_soon_threadsafe(on_stage, event)


def _too_slow(seconds: float) -> RefusalError:
    return RefusalError(
        504,
        f"the note was not coded within {seconds:g} s",
        "try again, or serve with a longer --timeout",
    )
