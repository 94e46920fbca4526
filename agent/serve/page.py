"""The coder's page: the files of ``agent/serve/page``, as they are.

They hold no data, so no token is asked for them. Trusted Types make every way from a string to
markup an error, so words of a note can only ever be text.
"""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from agent.serve.errors import RefusalError

FOLDER: Final = Path(__file__).parent / "page"
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
}


def page_router() -> APIRouter:
    """Return the paths of the page; its files are read once."""
    router = APIRouter(include_in_schema=False)
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.is_file()}

    def answer(name: str) -> Response:
        if name not in files:
            raise RefusalError(404, "the page has no such file", "GET /")
        return Response(
            files[name], media_type=_MEDIA_TYPES[Path(name).suffix], headers=dict(_HEADERS)
        )

    @router.get("/")
    def page() -> Response:
        """Return the page."""
        return answer("index.html")

    @router.get("/web/{name}")
    def file(name: str) -> Response:
        """Return a file of the page."""
        return answer(name)

    return router
