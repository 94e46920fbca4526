"""Server-sent events: an answer that comes in parts, each an event with a name and an object."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from agent.defects import report_defect
from agent.serve.errors import RefusalError, refusal_of
from knowledge.errors import UserError

_KEEP_ALIVE = 15.0  # seconds without an event after which a comment keeps a connection open

Event: TypeAlias = tuple[str, BaseModel]
Events: TypeAlias = "asyncio.Queue[Event | None]"  # None ends the stream


def streamed(events: str) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a stream, as FastAPI wants it.

    Args:
        events: Which events come.
    """
    return {200: {"description": events, "content": {"text/event-stream": {}}}}


def stream_of(task: asyncio.Task[BaseModel], events: Events, last: str) -> StreamingResponse:
    """Return an answer that tells what a task puts into a queue and, last, what it returns.

    Where the client goes, the task is cancelled.

    Args:
        task: Work whose end ends the stream.
        events: What it tells meanwhile.
        last: Name of the event with its result; an error is the event ``error``.
    """

    def end(task: asyncio.Task[BaseModel]) -> None:
        if not task.cancelled():
            events.put_nowait(_outcome(task, last))
        events.put_nowait(None)

    async def parts() -> AsyncIterator[str]:
        try:
            async for part in told(events):
                yield part
        finally:
            task.cancel()

    task.add_done_callback(end)
    return event_stream(parts())


def event_stream(parts: AsyncIterator[str]) -> StreamingResponse:
    """Return parts as an answer that no proxy holds back."""
    return StreamingResponse(
        parts, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def told(events: Events) -> AsyncIterator[str]:
    """Yield the events of a queue as they are sent, with comments while nothing happens."""
    while True:
        try:
            async with asyncio.timeout(_KEEP_ALIVE):
                event = await events.get()
        except TimeoutError:
            yield ": still at work\n\n"
            continue
        if event is None:
            return
        yield text_of(event)


def text_of(event: Event) -> str:
    """Return an event as it is sent."""
    name, data = event
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"


def _outcome(task: asyncio.Task[BaseModel], last: str) -> Event:
    error = task.exception()
    if error is None:
        return last, task.result()
    if isinstance(error, Exception):
        if not isinstance(error, RefusalError | UserError):
            report_defect(error)
        return "error", refusal_of(error).problems
    raise error
