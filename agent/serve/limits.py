"""What a request may take, and who may make one."""

import ipaddress
from dataclasses import dataclass

from knowledge.errors import UserError

TOKEN_VARIABLE = "ICD_AGENT_TOKEN"
_LEAST_TOKEN = 16  # characters; fewer can be guessed
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server.

    Attributes:
        body_bytes: Of a request; 413 beyond.
        body_seconds: In which the body has to arrive; 408 beyond.
        open_requests: Served at the same time, waiting ones included; 503 beyond.
        waiting_notes: Single notes that wait for the one being coded; 503 beyond. Notes of jobs
            wait besides.
        note_seconds: For a note, and for a request to code one with its wait; 504 beyond.
        requests_per_minute: Of a client address, all of which may come at once; 429 beyond.
        jobs: Kept at the same time, finished ones included.
        job_seconds: For which a finished job is kept.
        waiting_threads: Threads whose notes wait to be coded; 503 beyond.
        candidates: Places of the ranking in a result that is sent; None sends all. Threads keep
            all, since a coder may ask about any.
    """

    body_bytes: int = 8 * 2**20
    body_seconds: float = 30.0
    open_requests: int = 64
    waiting_notes: int = 8
    note_seconds: float = 300.0
    requests_per_minute: int = 600
    jobs: int = 20
    job_seconds: float = 3600.0
    waiting_threads: int = 500
    candidates: int | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may make a request.

    Attributes:
        token: What ``Authorization: Bearer`` has to hold; None asks for nothing.
        hosts: Names that the ``Host`` header may have, in lower case; None allows all. On loopback
            a web page elsewhere could otherwise have its own name resolved to this server (DNS
            rebinding).
    """

    token: str | None
    hosts: frozenset[str] | None


def access_of(host: str, token: str | None) -> Access:
    """Return who may use a server on an address.

    Args:
        host: The address as the user names it.
        token: From the environment; None or empty where it is not set.

    Raises:
        UserError: The address can be reached from elsewhere and there is no token, or the token is
            too short or cannot stand in a header.
    """
    token = token or None
    if token is not None and not (
        len(token) >= _LEAST_TOKEN and token.isascii() and token.isprintable() and " " not in token
    ):
        raise UserError(
            f"{TOKEN_VARIABLE} is shorter than {_LEAST_TOKEN} characters or holds others than "
            "printable ASCII without spaces",
            fix=_MAKE_TOKEN,
        )
    if is_loopback(host):
        return Access(token, _LOOPBACK_NAMES | {host.lower()})
    if token is None:
        raise UserError(
            f"{host} can be reached from other machines, and {TOKEN_VARIABLE} is not set",
            fix=f"{_MAKE_TOKEN}, or leave --host away to serve this machine alone",
        )
    return Access(token, None)


_MAKE_TOKEN = f"export {TOKEN_VARIABLE}=$(openssl rand -hex 32)"


def is_loopback(host: str) -> bool:
    """Tell whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
