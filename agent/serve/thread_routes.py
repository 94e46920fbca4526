"""Threads over HTTP: a note is opened, coded in the background, listed and forgotten."""

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from agent.serve.coding_routes import coding_request, json_of
from agent.serve.errors import refusals
from agent.serve.models import NoteToCode
from agent.serve.sse import event_stream, streamed
from agent.serve.thread_models import Queue, ThreadName, ThreadState
from agent.serve.threads import Threads


def thread_router(threads: Threads) -> APIRouter:
    """Return the paths of threads."""
    router = APIRouter(tags=["threads"])

    @router.post("/v1/threads", responses=refusals(422), response_model=ThreadState)
    async def add(note: NoteToCode) -> Response:
        """Open the thread of a note; one that is new is coded in the background."""
        return json_of(await threads.add(coding_request(note)))

    @router.get("/v1/threads", response_model=Queue)
    async def queue() -> Response:
        """List the threads, in the order in which their notes came."""
        return json_of(Queue(threads=await threads.queue()))

    @router.get(
        "/v1/events",
        responses=streamed("Event `listening`, then events `thread` (ThreadEvent), without end."),
        response_class=StreamingResponse,
    )
    async def events() -> StreamingResponse:
        """Tell what happens to threads from now on: stages of the coding, changes."""
        return event_stream(threads.events.listen())

    @router.get("/v1/threads/{thread}", responses=refusals(404, 422), response_model=ThreadState)
    async def state(thread: ThreadName) -> Response:
        """Tell how a thread stands: note, codes, findings, question, what was said."""
        return json_of(await threads.state(thread))

    @router.delete("/v1/threads/{thread}", status_code=204, responses=refusals(404, 422))
    async def forget(thread: ThreadName) -> None:
        """Delete a thread with its note; decisions stay in the log."""
        await threads.forget(thread)

    @router.post(
        "/v1/threads/{thread}/coding",
        status_code=202,
        responses=refusals(404, 422),
        response_model=ThreadState,
    )
    async def again(thread: ThreadName) -> Response:
        """Code a note again whose coding failed."""
        return json_of(await threads.again(thread), 202)

    return router
