"""Coding: one note at once, one note stage by stage, many notes as a job."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from agent.encounter import make_context
from agent.inputs import unique_requests
from agent.request import CodingRequest
from agent.result import Result
from agent.serve.errors import RefusalError, refusals
from agent.serve.jobs import Job, Jobs
from agent.serve.models import JobState, JobToDo, NoteToCode, StageDone
from agent.serve.sse import Events, stream_of, streamed
from agent.serve.workbench import Workbench
from agent.trace.events import NodeEnd
from knowledge.errors import UserError

_LOOK_AFTER = 0.5  # seconds between two looks whether the client is still there


def coding_router(workbench: Workbench, jobs: Jobs) -> APIRouter:
    """Return the paths that code notes."""
    router = APIRouter(tags=["coding"])

    @router.post("/v1/code", responses=refusals(422, 504), response_model=Result)
    async def code(note: NoteToCode, request: Request) -> Response:
        """Code a note; the answer is the result of docs/output.md."""
        task = workbench.start(coding_request(note))
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK_AFTER))[0]:
                if await request.is_disconnected():
                    raise RefusalError(499, "the client has gone")
        finally:
            task.cancel()
        return json_of(task.result())

    @router.post(
        "/v1/code/stream",
        responses={
            **refusals(422),
            **streamed("Events `stage` (StageDone) and, last, `result` (Result) or `error`."),
        },
        response_class=StreamingResponse,
    )
    async def stream(note: NoteToCode) -> StreamingResponse:
        """Code a note and tell each finished stage as a server-sent event."""
        events: Events = asyncio.Queue()
        task = workbench.start(
            coding_request(note), lambda stage: events.put_nowait(("stage", _done(stage)))
        )
        return stream_of(task, events, "result")

    @router.post("/v1/jobs", status_code=202, responses=refusals(422))
    async def begin(asked: JobToDo) -> JobState:
        """Begin to code many notes in the background."""
        return _state(jobs.add(list(unique_requests(map(coding_request, asked.notes)))))

    @router.get("/v1/jobs/{job_id}", responses=refusals(404, 422), response_model=JobState)
    async def progress(
        job_id: str,
        after: Annotated[int, Query(ge=0, le=500, description="Leave out the first results.")] = 0,
    ) -> Response:
        """Tell how far a job is, with the results so far."""
        return json_of(_state(jobs.get(job_id), after))

    @router.delete("/v1/jobs/{job_id}", status_code=204, responses=refusals(404, 422))
    async def forget(job_id: str) -> None:
        """Stop a job and forget its results."""
        jobs.delete(job_id)

    return router


def coding_request(note: NoteToCode) -> CodingRequest:
    """Return a note that was sent as the agent takes it.

    Raises:
        UserError: It is empty or binary, or its date is none.
    """
    where = f"note {note.id!r}"
    if "\0" in note.text:
        raise UserError(f"{where} is binary, not text", fix="give the note as plain text")
    if not note.text.strip():
        raise UserError(f"{where} is empty", fix="give the whole text of the note")
    encounter = make_context(note.model_dump(include={"setting", "sex", "age", "date"}), where)
    return CodingRequest(note.id, note.text, encounter)


def _state(job: Job, after: int = 0) -> JobState:
    return JobState(
        id=job.id,
        status="running" if job.ended is None else "done",
        total=job.total,
        done=len(job.results),
        failed=sum(result.status == "failed" for result in job.results),
        results=job.results[after:],
    )


def json_of(answer: BaseModel, status: int = 200) -> Response:
    """Return an answer as it is; FastAPI would validate all of it once more."""
    return Response(answer.model_dump_json(), status, media_type="application/json")


def _done(stage: NodeEnd) -> StageDone:
    return StageDone(stage=stage.node, seconds=round(stage.seconds, 4), summary=stage.summary)
