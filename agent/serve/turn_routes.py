"""Turns of a thread over HTTP: what a coder asks, decides and answers; the export of the list."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from agent.chat.conversation import Conversation
from agent.chat.export import Format
from agent.chat.models import Reply, Statement
from agent.serve.coding_routes import json_of
from agent.serve.errors import refusals
from agent.serve.sse import Events, stream_of, streamed
from agent.serve.thread_models import (
    AnswerToThread,
    DecisionOnThread,
    SaidToThread,
    ThreadName,
    TurnTaken,
)
from agent.serve.threads import Threads

_MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "fhir": "application/fhir+json",
}
_ENDINGS: dict[Format, str] = {"json": "json", "csv": "csv", "fhir": "fhir.json"}
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The list, as JSON, CSV or a FHIR bundle.",
        "content": {kind.partition(";")[0]: {} for kind in _MEDIA_TYPES.values()},
    }
}


def turn_router(threads: Threads) -> APIRouter:
    """Return the paths of turns."""
    router = APIRouter(tags=["threads"])

    @router.post(
        "/v1/threads/{thread}/say",
        responses={
            **refusals(404, 409, 422),
            **streamed("Events `statement` (Statement) and, last, `turn` (TurnTaken) or `error`."),
        },
        response_class=StreamingResponse,
    )
    async def say(thread: ThreadName, said: SaidToThread) -> StreamingResponse:
        """Say a line, as in `icd-agent chat`; the answer comes statement by statement."""
        await threads.read(thread, lambda talk: talk.thread)  # refusals come before the stream
        events: Events = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(statement: Statement) -> None:
            loop.call_soon_threadsafe(events.put_nowait, ("statement", statement))

        def take(talk: Conversation) -> Reply:
            return talk.send(said.say, tell)

        return stream_of(asyncio.create_task(threads.turn(thread, take)), events, "turn")

    @router.post(
        "/v1/threads/{thread}/decisions",
        responses=refusals(404, 409, 422),
        response_model=TurnTaken,
    )
    async def decide(thread: ThreadName, decision: DecisionOnThread) -> Response:
        """Take a decision on the list; what the rules say of the list after it is in the answer."""
        turn = decision.turn()
        return json_of(await threads.turn(thread, lambda talk: talk.take(turn)))

    @router.post(
        "/v1/threads/{thread}/answers",
        responses=refusals(404, 409, 422),
        response_model=TurnTaken,
    )
    async def answer(thread: ThreadName, given: AnswerToThread) -> Response:
        """Answer the clarifying question that is open."""
        return json_of(
            await threads.turn(
                thread, lambda talk: talk.answer(given.code, given.axis, given.value)
            )
        )

    @router.get(
        "/v1/threads/{thread}/export/{form}", responses={**refusals(404, 409, 422), **_EXPORTED}
    )
    async def export(thread: ThreadName, form: Format) -> Response:
        """Return the list as the coder left it; `icd-agent export` reads the JSON."""
        text = await threads.read(thread, lambda talk: talk.export(form))
        name = f"codes-{datetime.now(UTC):%Y-%m-%d}.{_ENDINGS[form]}"
        return Response(
            text,
            media_type=_MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router
