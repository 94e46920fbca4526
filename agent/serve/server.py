"""The process of ``icd-agent serve``: its socket, its signals, its end."""

import logging
import signal
import socket

import uvicorn

from agent.serve.gate import Gate
from knowledge.errors import UserError

_GRACE = 5  # seconds that requests are given to end when the server is told to


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; clients wait until `run` serves them.

    Args:
        host: Name or address.
        port: 0 takes a free one.

    Raises:
        UserError: The address does not exist here, or the port is taken or not allowed.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (")[0]
        raise UserError(
            f"cannot serve on {host} port {port}: {reason}",
            fix="name another port (--port 0 takes a free one) or an address of this machine",
        ) from error
    # Head and body of an answer are sent apart; TCP would hold the body back for some 40 ms. The
    # connections take this over; asyncio sets it only where a socket names its protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: Gate, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then let requests end for some seconds and return."""
    # What libraries would log may quote a request; the gate logs what matters.
    logging.disable(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=_GRACE,
    )
    # uvicorn raises the signal again at its end, and the process would end by it.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)
    _Server(config, app).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells the application of the end, so that streams without one do not use up the grace."""

    def __init__(self, config: uvicorn.Config, app: Gate) -> None:
        super().__init__(config)
        self._on_ending = app.on_ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_ending()
        await super().shutdown(sockets)
