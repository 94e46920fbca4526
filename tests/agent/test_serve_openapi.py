"""Requests made from the OpenAPI document: whatever they hold, no answer is a defect."""

import re
from pathlib import Path

import pytest

pytest.importorskip("schemathesis", reason="the extra dev is not installed")
pytest.importorskip("fastapi", reason="the extra serve is not installed")

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agent.serve.app import build_app
from agent.serve.limits import Access, Limits

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
OPERATIONS = (
    "GET /v1/health",
    "GET /v1/version",
    "GET /v1/search",
    "GET /v1/codes/{code}",
    "GET /v1/map/{code}",
    "POST /v1/check",
    "POST /v1/code",
    "POST /v1/code/stream",
    "POST /v1/jobs",
    "GET /v1/jobs/{job_id}",
    "DELETE /v1/jobs/{job_id}",
    "POST /v1/threads",
    "GET /v1/threads",
    "GET /v1/threads/{thread}",
    "DELETE /v1/threads/{thread}",
    "POST /v1/threads/{thread}/coding",
    "POST /v1/threads/{thread}/say",
    "POST /v1/threads/{thread}/decisions",
    "POST /v1/threads/{thread}/answers",
    "GET /v1/threads/{thread}/export/{form}",
    "GET /v1/events",
)
ENDLESS = "GET /v1/events"  # test_threads.py reads it
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def operations(coders):
    """The operations of the document by name; every host may ask, as that has its own tests."""
    limits = Limits(requests_per_minute=100_000, jobs=10_000)
    app = build_app(coders["guidelines"], Access(token=None, hosts=None), limits)
    document = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    return {found.ok().label: found.ok() for found in document.get_all_operations()}


def test_the_document_and_the_guide_list_all_operations(operations):
    assert sorted(operations) == sorted(OPERATIONS)
    rows = re.findall(r"^\| `((?:GET|POST|DELETE) [^`?]+)` \|", GUIDE, re.MULTILINE)
    assert sorted(rows) == sorted(OPERATIONS)


def test_the_guide_lists_every_status(operations):
    told = set(re.findall(r"^\| (\d{3}) \|", GUIDE, re.MULTILINE))
    documented = {str(s) for o in operations.values() for s in o.definition.raw["responses"]}
    # 405 and 500 belong to no operation.
    assert told - {"405", "500"} == documented - {"200", "202", "204"}


def test_the_guide_tells_the_limits():
    limits = Limits()
    for limit in (
        f"{limits.body_bytes // 2**20} MiB",
        f"{limits.body_seconds:g} s",
        f"{limits.open_requests} requests are open",
        f"{limits.waiting_notes} notes are waiting ({limits.waiting_threads} of threads)",
        f"{limits.jobs} jobs are kept",
        f"(default {limits.note_seconds:g} s)",
        f"(default {limits.requests_per_minute})",
    ):
        assert limit in GUIDE


VALID, INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
WITHOUT_INVALID = {
    "GET /v1/health",
    "GET /v1/version",
    "DELETE /v1/jobs/{job_id}",
    "GET /v1/threads",
    ENDLESS,
}


# A job goes on in its thread while the next request is drawn, and LangGraph draws its run ids.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, VALID) for name in OPERATIONS if name != ENDLESS),
        *((name, INVALID) for name in OPERATIONS if name not in WITHOUT_INVALID),
    ],
)
def test_every_answer_is_one_that_is_documented(operations, name, mode):
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operations[name].as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(checks=list(CHECKS))

    ask()
