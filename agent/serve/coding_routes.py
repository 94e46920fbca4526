"""Coding: one note at once, one note stage by stage, many notes as a job."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from agent.defects import report_defect
from agent.encounter import make_context
from agent.inputs import unique_requests
from agent.request import CodingRequest
from agent.result import Result
from agent.serve.errors import RefusalError, refusal_of, refusals
from agent.serve.jobs import Job, Jobs
from agent.serve.models import JobState, JobToDo, NoteToCode, StageDone
from agent.serve.workbench import Workbench
from agent.trace.events import NodeEnd
from knowledge.errors import UserError

_LOOK_AFTER = 0.5  # seconds between two looks whether the client is still there
_KEEP_ALIVE = 15.0  # seconds without an event after which a comment keeps a connection open
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `stage` (StageDone) and, last, `result` (Result) or `error`.",
        "content": {"text/event-stream": {}},
    }
}


def coding_router(workbench: Workbench, jobs: Jobs) -> APIRouter:
    """Return the paths that code notes."""
    router = APIRouter(tags=["coding"])

    @router.post("/v1/code", responses=refusals(422, 504), response_model=Result)
    async def code(note: NoteToCode, request: Request) -> Response:
        """Code a note; the answer is the result of docs/output.md."""
        task = workbench.start(_coding_request(note))
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK_AFTER))[0]:
                if await request.is_disconnected():
                    raise RefusalError(499, "the client has gone")
        finally:
            task.cancel()
        return _json(task.result())

    @router.post(
        "/v1/code/stream",
        responses={**refusals(422), **_STREAM},
        response_class=StreamingResponse,
    )
    async def stream(note: NoteToCode) -> StreamingResponse:
        """Code a note and tell each finished stage as a server-sent event."""
        stages: asyncio.Queue[NodeEnd | None] = asyncio.Queue()
        task = workbench.start(_coding_request(note), stages.put_nowait)
        task.add_done_callback(lambda _: stages.put_nowait(None))
        return StreamingResponse(
            _events(task, stages),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @router.post("/v1/jobs", status_code=202, responses=refusals(422))
    async def begin(asked: JobToDo) -> JobState:
        """Begin to code many notes in the background."""
        return _state(jobs.add(list(unique_requests(map(_coding_request, asked.notes)))))

    @router.get("/v1/jobs/{job_id}", responses=refusals(404, 422), response_model=JobState)
    async def progress(
        job_id: str,
        after: Annotated[int, Query(ge=0, le=500, description="Leave out the first results.")] = 0,
    ) -> Response:
        """Tell how far a job is, with the results so far."""
        return _json(_state(jobs.get(job_id), after))

    @router.delete("/v1/jobs/{job_id}", status_code=204, responses=refusals(404, 422))
    async def forget(job_id: str) -> None:
        """Stop a job and forget its results."""
        jobs.delete(job_id)

    return router


def _coding_request(note: NoteToCode) -> CodingRequest:
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


def _json(answer: BaseModel) -> Response:
    """Return an answer as it is; FastAPI would validate all of it once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


async def _events(
    task: asyncio.Task[Result], stages: "asyncio.Queue[NodeEnd | None]"
) -> AsyncIterator[str]:
    """Yield the events of a note; where the client goes, the note is given up."""
    try:
        while True:
            try:
                async with asyncio.timeout(_KEEP_ALIVE):
                    stage = await stages.get()
            except TimeoutError:
                yield ": still at work\n\n"
                continue
            if stage is None:
                break
            yield _event("stage", _done(stage))
        yield _event("result", task.result())
    except Exception as error:
        if not isinstance(error, RefusalError | UserError):
            report_defect(error)
        yield _event("error", refusal_of(error).problems)
    finally:
        task.cancel()


def _done(stage: NodeEnd) -> StageDone:
    return StageDone(stage=stage.node, seconds=round(stage.seconds, 4), summary=stage.summary)


def _event(name: str, data: BaseModel) -> str:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"
