"""What happens to the threads of a server, told to every page that listens."""

import asyncio
from collections.abc import AsyncIterator

from agent.serve.sse import Events, text_of, told
from agent.serve.thread_models import Listening, ThreadEvent

_UNREAD = 1000  # events that a listener may leave unread; then it is let go, and asks again


class ThreadEvents:
    """Passes events on; call it in the thread of the event loop."""

    def __init__(self) -> None:
        self._listeners: set[Events] = set()
        self._closed = False

    def publish(self, event: ThreadEvent) -> None:
        """Tell all listeners."""
        for events in tuple(self._listeners):
            if events.qsize() >= _UNREAD:
                self._listeners.discard(events)
                events.put_nowait(None)
            else:
                events.put_nowait(("thread", event))

    async def listen(self) -> AsyncIterator[str]:
        """Yield what happens from now on, until the server ends."""
        events: Events = asyncio.Queue()
        if self._closed:
            return
        self._listeners.add(events)
        try:
            yield text_of(("listening", Listening()))
            async for part in told(events):
                yield part
        finally:
            self._listeners.discard(events)

    def close(self) -> None:
        """Let all listeners go."""
        self._closed = True
        for events in self._listeners:
            events.put_nowait(None)
