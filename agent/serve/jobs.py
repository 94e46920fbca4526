"""Jobs: many notes coded in the background, kept in memory and forgotten after a while."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

from agent.request import CodingRequest
from agent.result import Result
from agent.serve.errors import RefusalError
from agent.serve.limits import Limits
from agent.serve.workbench import Workbench


class Job:
    """Notes that are being coded, in their order.

    Attributes:
        id: Cannot be guessed.
        total: Number of notes.
        results: Of the notes done so far.
        ended: When the last note was done, on the clock of the jobs; None before.
    """

    def __init__(self, requests: Sequence[CodingRequest]) -> None:
        self.id = secrets.token_urlsafe(16)
        self.total = len(requests)
        self.results: list[Result] = []
        self.ended: float | None = None
        self._requests = list(reversed(requests))

    async def run(self, workbench: Workbench, clock: Callable[[], float]) -> None:
        """Code all notes; of each, only the result is kept."""
        while self._requests:
            request = self._requests.pop()
            self.results.append(await workbench.code_or_fail(request))
        self.ended = clock()


class Jobs:
    """The jobs of a server.

    Args:
        workbench: Codes the notes.
        limits: How many jobs are kept, and how long.
        clock: Seconds, never going back.
    """

    def __init__(
        self, workbench: Workbench, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workbench = workbench
        self._limits = limits
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, requests: Sequence[CodingRequest]) -> Job:
        """Begin a job.

        Raises:
            RefusalError: There are too many; finished ones count until they are forgotten.
        """
        self._forget_old()
        if len(self._jobs) >= self._limits.jobs:
            raise RefusalError(
                503,
                f"{self._limits.jobs} jobs are kept already",
                "DELETE /v1/jobs/{id} of those you have read",
                {"Retry-After": "60"},
            )
        job = Job(requests)
        self._jobs[job.id] = job
        self._tasks[job.id] = asyncio.create_task(job.run(self._workbench, self._clock))
        return job

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            RefusalError: There is none of this id, or no longer.
        """
        self._forget_old()
        if job_id not in self._jobs:
            raise RefusalError(
                404,
                "there is no such job",
                f"POST /v1/jobs; finished jobs are kept for {self._limits.job_seconds:g} s",
            )
        return self._jobs[job_id]

    def delete(self, job_id: str) -> None:
        """Stop a job and forget it with its results.

        Raises:
            RefusalError: As in `get`.
        """
        self._remove(self.get(job_id))

    def close(self) -> None:
        """Stop and forget all jobs."""
        for job in list(self._jobs.values()):
            self._remove(job)

    def _forget_old(self) -> None:
        oldest = self._clock() - self._limits.job_seconds
        for job in list(self._jobs.values()):
            if job.ended is not None and job.ended < oldest:
                self._remove(job)

    def _remove(self, job: Job) -> None:
        del self._jobs[job.id]
        self._tasks.pop(job.id).cancel()
