"""Every refusal in one shape: ``{"error": {"message", "fix"}}``."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from agent.tools.advice import Wording, reworded
from knowledge.errors import UserError

_REQUESTS = Wording(
    search=r'GET /v1/search?q="\1"',
    show_in=r"GET /v1/codes/\1?system=\2",
    show=r"GET /v1/codes/\1",
    source=r"from=\1",
)


class Problem(BaseModel):
    """What is wrong and how to mend it."""

    message: str
    fix: str | None = Field(description="null: nothing that a client could do.")


class Problems(BaseModel):
    """The answer to every request that is not served."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "message": "'E11.99' does not exist in ICD-10-CM 2026-04-01; "
                        "existing codes: E11.9",
                        "fix": "GET /v1/codes/E11.9",
                    }
                }
            ]
        }
    )

    error: Problem


class RefusalError(Exception):
    """A request that is not served.

    Args:
        status: HTTP status.
        message: What is wrong.
        fix: What mends it.
        headers: Of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        fix: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problems = Problems(error=Problem(message=message, fix=fix))
        self.headers = headers

    @property
    def response(self) -> JSONResponse:
        """The answer to the client."""
        return JSONResponse(self.problems.model_dump(), self.status, headers=self.headers)


def refusal_of(error: Exception, status: int = 422) -> RefusalError:
    """Return what a client is told of an error.

    Args:
        error: A refusal, a user's mistake, or anything else, which is a defect.
        status: For a user's mistake.
    """
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, UserError):
        fix = error.fix and reworded(error.fix, _REQUESTS)
        return RefusalError(status, reworded(error.message, _REQUESTS), fix)
    return RefusalError(500, f"a defect of icd-agent ({type(error).__name__})", "report it")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of refusals with these statuses, as FastAPI wants it."""
    return {status: {"model": Problems} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Give errors inside the application their shape."""

    @app.exception_handler(RefusalError)
    @app.exception_handler(UserError)
    @app.exception_handler(Exception)
    async def answer(request: Request, error: Exception) -> JSONResponse:
        return refusal_of(error).response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()
        problems = "; ".join(
            f"{'.'.join(map(_part, problem['loc']))}: {problem['msg']}" for problem in found[:_TOLD]
        )
        is_no_object = any(p["type"] == "json_invalid" or p["loc"] == ("body",) for p in found)
        fix = _SEND_JSON if is_no_object else "GET /v1/openapi.json says what is allowed"
        return RefusalError(422, f"the request is not valid: {problems}", fix).response

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        fix = _FIXES.get(error.status_code)
        return RefusalError(error.status_code, str(error.detail), fix, error.headers).response


_TOLD = 5  # a body of a thousand notes may have a thousand mistakes
_SEND_JSON = "send one JSON object with Content-Type: application/json"
_FIXES = {
    400: _SEND_JSON,
    404: "GET /v1/openapi.json lists what there is",
    405: "GET /v1/openapi.json lists what there is",
}


def _part(part: object) -> str:
    # A name that the client has sent; long ones and control characters are cut.
    return repr(part)[1:-1][:60] if isinstance(part, str) else str(part)
