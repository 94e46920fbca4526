"""The gate: every request passes it before the application reads a word of it.

Checked in this order, the cheap first: host, origin, rate, token, open requests, size of the body.
The log has one line a request: method, the pattern of the path, status and time; neither a path nor
a query, which hold words of the user.
"""

import asyncio
import hmac
import sys
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.defects import report_defect
from agent.serve.errors import RefusalError, refusal_of
from agent.serve.limits import TOKEN_VARIABLE, Access, Limits
from agent.serve.rate import RateLimit

OPEN_PATH: Final = "/v1/health"  # for probes: no token, no place among the open requests
PAGE_PATHS: Final = ("/", "/web/")  # what is under them holds no data: no token
GATE_STATUSES: Final = (400, 401, 403, 408, 413, 429, 503)
_ENDING = RefusalError(503, "the server is ending", "try again when it is back")
# No cache may keep what was said of a patient.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


class Gate:
    """Lets requests through to an application.

    Args:
        app: The application.
        access: Who may make requests.
        limits: How many, and how large.
        on_ending: Called when the server is told to end, before it waits for open requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        limits: Limits,
        on_ending: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self.on_ending = on_ending
        self._access = access
        self._limits = limits
        self._rate = RateLimit(limits.requests_per_minute)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is none."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        try:
            await self._serve(scope, receive, watched)
        except RefusalError as refusal:
            await refusal.response(scope, receive, watched)
        except asyncio.CancelledError:
            if not status:
                await _ENDING.response(scope, receive, watched)
            raise
        except Exception as error:
            report_defect(error)
            if not status:
                await refusal_of(error).response(scope, receive, watched)
        finally:
            _log(scope, status, time.perf_counter() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers)
        self._check_rate(scope)
        if scope["path"] == OPEN_PATH:
            await self._app(scope, receive, send)
            return
        if not _is_of_page(scope):
            self._check_token(headers)
        if self._open >= self._limits.open_requests:
            raise RefusalError(503, "too many requests at once", "try again", {"Retry-After": "1"})
        self._open += 1
        try:
            body = await self._body(headers, receive)
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._open -= 1

    def _check_host(self, headers: Headers) -> None:
        host = headers.get("host", "")
        hosts = self._access.hosts
        if hosts is not None and _name(host) not in hosts:
            raise RefusalError(
                400,
                "the Host header does not name this server",
                f"use {' or '.join(sorted(hosts))}",
            )
        # A page of another site may send a request, although it could not read the answer.
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise RefusalError(403, "requests of other web sites are not served")

    def _check_rate(self, scope: Scope) -> None:
        client = scope["client"][0] if scope.get("client") else ""
        if seconds := self._rate.wait(client):
            raise RefusalError(
                429,
                f"more than {self._limits.requests_per_minute} requests a minute",
                f"try again in {seconds} s",
                {"Retry-After": str(seconds)},
            )

    def _check_token(self, headers: Headers) -> None:
        if self._access.token is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(
            given.strip().encode("utf-8"), self._access.token.encode("utf-8")
        )
        if scheme.lower() != "bearer" or not right:
            raise RefusalError(
                401,
                "the token is missing or wrong",
                f"send Authorization: Bearer with the server's {TOKEN_VARIABLE}",
                {"WWW-Authenticate": "Bearer"},
            )

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limits.body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await self._read(receive)
        except TimeoutError:
            raise RefusalError(408, "the body did not arrive in time", "send it at once") from None

    async def _read(self, receive: Receive) -> bytes:
        parts = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusalError(400, "the client has gone before its body arrived")
            parts += message.get("body", b"")
            if len(parts) > self._limits.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(parts)

    def _too_large(self) -> RefusalError:
        return RefusalError(
            413,
            f"the body is larger than {self._limits.body_bytes} bytes",
            "send fewer notes at once",
        )


def _is_of_page(scope: Scope) -> bool:
    root, folder = PAGE_PATHS
    path: str = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path == root or path.startswith(folder))


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives a body that was read, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _name(host: str) -> str:
    """Return the name in a Host header, without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _log(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    pattern = getattr(scope.get("route"), "path", "-")
    now = time.strftime("%Y-%m-%dT%H:%M:%S")
    sys.stderr.write(f"{now} {method} {pattern} {status} {seconds:.3f} s\n")
    sys.stderr.flush()
