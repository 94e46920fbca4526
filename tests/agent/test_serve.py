"""The HTTP interface around a real coder: what it answers, and what it refuses."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="the test client of Starlette needs it")

from starlette.testclient import TestClient

from agent.coder import Coder, CoderOptions
from agent.request import CodingRequest
from agent.serve.app import build_app
from agent.serve.gate import Gate
from agent.serve.limits import Access, Limits, access_of
from agent.serve.rate import RateLimit
from agent.serve.workbench import Workbench
from agent.tools import Desk
from knowledge.errors import UserError

DATA = Path(__file__).parent.parent / "data"
NOTE = "ASSESSMENT:\nLobar pneumonia. No chest pain. Zebrafish smuggler.\n"
DEMO = (DATA / "notes" / "emergency_visit.txt").read_text(encoding="utf-8")
TOKEN = "a-token-of-the-tests"
BASE = "http://127.0.0.1:8000"


def client_of(coder, token=None, host="127.0.0.1", **limits):
    app = build_app(coder, access_of(host, token), Limits(**limits))
    return TestClient(app, base_url=BASE)


@pytest.fixture(scope="module")
def coder(coders):
    return coders["guidelines"]


@pytest.fixture(scope="module")
def client(coder):
    with client_of(coder, requests_per_minute=100_000) as client:
        yield client


def events_of(text):
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


def finished(client, job_id):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        state = client.get(f"/v1/jobs/{job_id}").json()
        if state["status"] == "done":
            return state
        time.sleep(0.02)
    raise AssertionError("the job does not end")


def without_time(result):
    return {**result, "usage": {**result["usage"], "seconds": 0}}


def assert_refused(answer, status, message):
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"message", "fix"}
    assert message in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text


def test_a_note_is_coded_as_the_agent_codes_it(client, code):
    asked = {"id": "n", "text": NOTE, "setting": "outpatient", "sex": "F", "age": 40}
    answer = client.post("/v1/code", json=asked)
    expected = code(NOTE, setting="outpatient", sex="F", age=40)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert without_time(answer.json()) == without_time(expected.model_dump(mode="json"))
    assert answer.json()["codes"][0]["code"] == "J18.1"


def test_a_stream_tells_each_stage_and_ends_with_the_result(client):
    answer = client.post("/v1/code/stream", json={"text": NOTE})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *stages, (last, result) = events_of(answer.text)
    assert {name for name, _ in stages} == {"stage"}
    names = [stage["stage"] for _, stage in stages]
    assert (names[:2], names[-1], last) == (["read", "retrieve"], "finalise", "result")
    assert stages[0][1]["summary"]["sections"][0]["title"] == "ASSESSMENT"
    assert without_time(result) == without_time(client.post("/v1/code", json={"text": NOTE}).json())


def test_lookups_are_those_of_the_desk(client, coder):
    desk = Desk(coder.context.system, lambda: coder.context)
    for path, expected in (
        ("/v1/search?q=heart+failure&limit=3", desk.search_codes("heart failure", 3)),
        (
            "/v1/search?q=uncertain+diagnosis&kind=guideline",
            desk.search_guidelines("uncertain diagnosis", 10),
        ),
        ("/v1/codes/E11.22", desk.show_code("E11.22")),
        ("/v1/codes/E08-E13", desk.show_code("E08-E13")),
        ("/v1/codes/J18.9?system=icd10who", desk.show_code("J18.9", "icd10who")),
        ("/v1/map/250.00?from=icd9cm&to=icd10cm", desk.map_code("250.00", "icd10cm", "icd9cm")),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, expected.model_dump(mode="json")), path
    asked = {"codes": ["O80", "I10"], "sex": "M", "setting": "inpatient"}
    report = desk.check_codes(["O80", "I10"], "inpatient", "M")
    assert report.findings
    assert client.post("/v1/check", json=asked).json() == report.model_dump(mode="json")


def test_the_server_says_what_it_is(client, coder):
    assert client.get("/v1/health").json() == {"status": "ok"}
    version = client.get("/v1/version").json()
    assert (version["llm"], version["policy"]) == ("none", "guidelines")
    assert version["release"] == coder.context.system.release


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/v1/codes/E11.99", None, 404, "existing codes: E11.9"),
        ("GET", "/v1/codes/E11.9?system=icd12", None, 422, "query.system"),
        ("GET", "/v1/codes/" + "9" * 40, None, 422, "at most 16 characters"),
        ("GET", "/v1/codes/..%2f..%2fetc%2fpasswd", None, 404, "Not Found"),
        ("GET", "/v1/codes/%2e%2e", None, 404, "not shaped like an ICD-10-CM code"),
        ("GET", "/v1/codes/%00", None, 404, "not shaped like an ICD-10-CM code"),
        ("GET", "/v1/codes/%ff%fe", None, 404, "not shaped like an ICD-10-CM code"),
        ("GET", "/../../etc/passwd", None, 404, "Not Found"),
        ("GET", "/docs", None, 404, "Not Found"),
        ("GET", "/v1/map/E11.99?to=icd9cm", None, 422, "E11.99"),
        ("GET", "/v1/map/E11.9", None, 422, "query.to: Field required"),
        ("GET", "/v1/search", None, 422, "query.q: Field required"),
        ("GET", "/v1/search?q=%20", None, 422, "the query is empty"),
        ("GET", "/v1/search?q=" + "a" * 501, None, 422, "at most 500 characters"),
        ("GET", "/v1/search?q=pain&limit=51", None, 422, "less than or equal to 50"),
        ("PUT", "/v1/check", {}, 405, "Method Not Allowed"),
        ("POST", "/v1/check", {"codes": []}, 422, "at least 1 item"),
        ("POST", "/v1/check", {"codes": ["E11.99"]}, 422, "E11.99"),
        ("POST", "/v1/check", {"codes": ["I10"] * 101}, 422, "at most 100 items"),
        ("POST", "/v1/check", {"codes": ["I10"], "date": "yesterday"}, 422, "calendar date"),
        ("POST", "/v1/check", {"codes": ["I10"], "gender": "F"}, 422, "body.gender"),
        ("POST", "/v1/code", {"text": " \n"}, 422, "is empty"),
        ("POST", "/v1/code", {"text": "a\0b"}, 422, "is binary"),
        ("POST", "/v1/code", {"text": NOTE, "llm": "gguf:/etc/passwd"}, 422, "body.llm"),
        ("POST", "/v1/code", {"text": NOTE, "age": -1}, 422, "body.age"),
        ("POST", "/v1/code", {"text": "a" * 500_001}, 422, "at most 500000 characters"),
        ("POST", "/v1/code/stream", {"text": ""}, 422, "at least 1 character"),
        ("POST", "/v1/jobs", {"notes": []}, 422, "at least 1 item"),
        ("POST", "/v1/jobs", {"notes": [{"text": "a"}] * 501}, 422, "at most 500 items"),
        ("POST", "/v1/jobs", {"notes": [{"text": NOTE}] * 2}, 422, "'note' occurs twice"),
        ("GET", "/v1/jobs/nope", None, 404, "no such job"),
        ("DELETE", "/v1/jobs/..", None, 404, "Not Found"),
    ],
)
def test_a_mistake_is_told_in_one_shape(client, method, path, body, status, message):
    assert_refused(client.request(method, path, json=body), status, message)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 422, "JSON decode error"),
        (b"", 422, "Field required"),
        (b"\x00\xff\xfe" * 100, 422, "JSON decode error"),
        (b'{"text": "\xff"}', 400, "parsing the body"),
        (b"[" * 100_000, 400, "parsing the body"),
        (b'["text"]', 422, "valid dictionary"),
        (b'{"text": "\\ud800"}', 422, "body.text"),
        (b'{"text": "a", "age": NaN}', 422, "body.age"),
        (b'{"text": "a", "age": 1e999}', 422, "body.age"),
    ],
)
def test_a_body_that_is_no_request_is_refused(client, body, status, message):
    answer = client.post("/v1/code", content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer, status, message)
    is_object = message.startswith("body.")
    assert ("send one JSON object" in answer.json()["error"]["fix"]) is not is_object


def test_json_under_another_type_is_refused(client):
    """Another site's page can send text/plain without asking; the browser asks for JSON."""
    answer = client.post(
        "/v1/check", content=b'{"codes": ["I10"]}', headers={"Content-Type": "text/plain"}
    )
    assert_refused(answer, 422, "body")


@given(st.binary(max_size=200), st.sampled_from(["/v1/code", "/v1/check", "/v1/jobs"]))
def test_no_body_brings_the_server_down(client, body, path):
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def test_commands_in_advice_become_requests(client):
    error = client.get("/v1/codes/E11.99").json()["error"]
    assert error["fix"] == "GET /v1/codes/E11.9"


def test_a_job_codes_all_notes_in_order(client, code):
    notes = [{"id": f"n{i}", "text": NOTE, "sex": "F"} for i in range(3)]
    answer = client.post("/v1/jobs", json={"notes": notes})
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["total"]) == ("running", 3)
    state = finished(client, answer.json()["id"])
    assert [result["id"] for result in state["results"]] == ["n0", "n1", "n2"]
    assert (state["done"], state["failed"]) == (3, 0)
    assert state["results"][0]["codes"][0]["code"] == code(NOTE, sex="F").codes[0].code
    rest = client.get(f"/v1/jobs/{state['id']}?after=2").json()
    assert [result["id"] for result in rest["results"]] == ["n2"]
    assert client.delete(f"/v1/jobs/{state['id']}").status_code == 204
    assert_refused(client.get(f"/v1/jobs/{state['id']}"), 404, "no such job")


def test_a_job_survives_a_note_that_fails():
    """A replayed LLM has no answer for a note other than the recorded one, which then fails."""
    trace = DATA / "traces" / "emergency_visit.jsonl"
    coder = Coder(CoderOptions(llm=f"replay:{trace}"))
    recorded = {"id": "recorded", "text": DEMO, "setting": "outpatient", "sex": "F", "age": 46}
    unknown = {**recorded, "id": "unknown", "text": DEMO.replace("ankle", "wrist")}
    with client_of(coder) as client:
        job = client.post("/v1/jobs", json={"notes": [unknown, recorded]}).json()
        state = finished(client, job["id"])
        alone = client.post("/v1/code", json=unknown)
        *_, (last, told) = events_of(client.post("/v1/code/stream", json=unknown).text)
    assert [(r["id"], r["status"]) for r in state["results"]] == [
        ("unknown", "failed"),
        ("recorded", "ok"),
    ]
    assert state["failed"] == 1
    assert state["results"][1]["usage"]["llm_calls"] > 0
    assert_refused(alone, 422, "trace")
    assert (last, told) == ("error", alone.json())


def test_a_deleted_job_stops(coder):
    notes = [{"id": f"n{i}", "text": DEMO} for i in range(200)]
    with client_of(coder, jobs=1) as client:
        job = client.post("/v1/jobs", json={"notes": notes}).json()
        refused = client.post("/v1/jobs", json={"notes": notes})
        assert_refused(refused, 503, "1 jobs are kept already")
        assert refused.headers["retry-after"] == "60"
        assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
        began = time.monotonic()
        assert client.post("/v1/code", json={"text": NOTE}).status_code == 200
        assert time.monotonic() - began < 5  # and not after 200 notes


def test_finished_jobs_are_forgotten(coder):
    with client_of(coder, jobs=1, job_seconds=0.2) as client:
        for _ in range(2):
            job = client.post("/v1/jobs", json={"notes": [{"text": NOTE}]})
            assert job.status_code == 202
            finished(client, job.json()["id"])
            time.sleep(0.3)
        assert_refused(client.get(f"/v1/jobs/{job.json()['id']}"), 404, "no such job")


def test_many_clients_get_what_one_gets(client):
    """Twenty at once, while notes are coded in the other thread."""
    asked = [
        lambda: client.post("/v1/check", json={"codes": ["E10.9", "E11.9"]}).json(),
        lambda: client.get("/v1/search?q=acute+kidney+injury").json(),
        lambda: client.get("/v1/search?q=sequencing+of+sepsis&kind=guideline").json(),
        lambda: client.get("/v1/search?q=fracture+of+the+left+ankle").json(),
    ]
    alone = [ask() for ask in asked]
    job = client.post(
        "/v1/jobs", json={"notes": [{"id": f"n{i}", "text": DEMO} for i in range(5)]}
    ).json()
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(lambda n: asked[n % 4](), range(80)))
    assert together == alone * 20
    results = finished(client, job["id"])["results"]
    assert len({json.dumps(r["codes"]) for r in results}) == 1
    assert client.post("/v1/code", json={"text": DEMO}).json()["codes"] == results[0]["codes"]


def test_no_more_notes_wait_than_allowed(coder):
    with client_of(coder, waiting_notes=1) as client, ThreadPoolExecutor(6) as pool:
        long = {"text": DEMO * 4}
        answers = list(pool.map(lambda _: client.post("/v1/code", json=long), range(6)))
        statuses = {answer.status_code for answer in answers}
        assert statuses == {200, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["retry-after"] == "5"
        assert_refused(refused, 503, "1 notes are waiting already")


def test_a_note_that_takes_too_long_is_given_up(coder):
    with client_of(coder, note_seconds=0.001) as client:
        message = "the note was not coded within 0.001 s"
        answer = client.post("/v1/code", json={"text": NOTE})
        assert_refused(answer, 504, message)
        *_, last = events_of(client.post("/v1/code/stream", json={"text": NOTE}).text)
        assert last == ("error", answer.json())
        job = client.post("/v1/jobs", json={"notes": [{"text": NOTE}]}).json()
        assert message in finished(client, job["id"])["results"][0]["error"]


def test_a_note_that_nobody_waits_for_is_given_up(coder):
    stages = []

    async def go_away():
        workbench = Workbench(coder, Limits())
        with workbench.opened():
            begun = asyncio.Event()
            long = CodingRequest("long", DEMO * 10)
            task = workbench.start(long, lambda end: (stages.append(end.node), begun.set()))
            await begun.wait()
            task.cancel()
            return await workbench.start(CodingRequest("short", NOTE))

    assert asyncio.run(go_away()).status == "ok"
    assert stages == ["read"]


def test_a_body_beyond_the_limit_is_refused(coder):
    with client_of(coder, body_bytes=1000) as client:
        within = client.post("/v1/check", json={"codes": ["I10"]})
        assert within.status_code == 200
        assert_refused(client.post("/v1/code", json={"text": "a" * 1000}), 413, "1000 bytes")
        chunks = (b"a" * 100 for _ in range(20))  # of a length that is not told
        assert_refused(client.post("/v1/code", content=chunks), 413, "1000 bytes")


def test_no_more_requests_are_open_than_allowed(coder):
    with client_of(coder, open_requests=1) as client, ThreadPoolExecutor(6) as pool:
        long = {"text": DEMO * 4}
        answers = list(pool.map(lambda _: client.post("/v1/code", json=long), range(6)))
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert_refused(refused, 503, "too many requests at once")
        assert client.get("/v1/version").status_code == 200  # the place is free again


def test_probes_are_answered_however_busy_the_server_is(coder):
    with client_of(coder, open_requests=0) as client:
        assert client.get("/v1/version").status_code == 503
        assert client.get("/v1/health").status_code == 200


def test_a_client_may_not_ask_too_often(coder):
    with client_of(coder, requests_per_minute=3) as client:
        answers = [client.get("/v1/health") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert_refused(answers[-1], 429, "more than 3 requests a minute")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


@pytest.fixture
def gate_alone():
    """Return a function that sends a request to a gate before an application that never answers.

    ``body`` is None where it never arrives; the task is cancelled once the application has it.
    """

    async def ask(body, limits):
        sent, began = [], asyncio.Event()

        async def endless(scope, receive, send):
            began.set()
            await asyncio.Event().wait()

        async def receive():
            if body is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        gate = Gate(endless, Access(token=None, hosts=None), limits)
        scope = {"type": "http", "method": "POST", "path": "/v1/code", "headers": []}
        task = asyncio.create_task(gate(scope, receive, send))
        await asyncio.wait({task, asyncio.create_task(began.wait())}, return_when="FIRST_COMPLETED")
        task.cancel()
        await asyncio.wait({task})
        start, end = sent
        return start["status"], json.loads(end["body"])["error"]["message"]

    return lambda body, limits: asyncio.run(ask(body, limits))


def test_a_request_that_the_end_of_the_server_cuts_short_is_told_so(gate_alone):
    assert gate_alone(b"{}", Limits()) == (503, "the server is ending")


def test_a_body_that_does_not_arrive_is_not_waited_for(gate_alone):
    limits = Limits(body_seconds=0.05)
    assert gate_alone(None, limits) == (408, "the body did not arrive in time")


@given(st.lists(st.floats(0, 100), max_size=50), st.integers(1, 20))
def test_a_bucket_never_gives_more_than_it_was_filled_with(pauses, per_minute):
    now = 0.0
    limit = RateLimit(per_minute, clock=lambda: now)
    served = 0
    for pause in pauses:
        now += pause
        wait = limit.wait("a")
        served += wait == 0
        assert wait <= 60 / per_minute + 1
    assert served <= per_minute + now * per_minute / 60 + 1e-6
    assert limit.wait("another") == 0


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_without_the_token_nothing_is_answered(coder, given):
    headers = {} if given is None else {"Authorization": given}
    with client_of(coder, token=TOKEN, host="0.0.0.0") as client:
        for path in ("/v1/version", "/v1/openapi.json", "/v1/jobs/x", "/nope"):
            answer = client.get(path, headers=headers)
            assert_refused(answer, 401, "the token is missing or wrong")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/v1/health").status_code == 200


def test_with_the_token_any_name_of_the_server_will_do(coder):
    with client_of(coder, token=TOKEN, host="0.0.0.0") as client:
        headers = {"Authorization": f"Bearer {TOKEN}", "Host": "codes.example"}
        assert client.get("/v1/version", headers=headers).status_code == 200
        assert "HTTPBearer" in client.get("/v1/openapi.json", headers=headers).text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:9"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Host": "evil.example"}, 400),
        ({"Host": "127.0.0.1.evil.example:8000"}, 400),
        ({"Host": "localhost@evil.example"}, 400),
        ({"Host": ""}, 400),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_web_sites_have_no_access(client, headers, status):
    answer = client.get("/v1/version", headers=headers)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "token", "message"),
    [
        ("0.0.0.0", None, "can be reached from other machines"),
        ("::", "", "can be reached from other machines"),
        ("example.org", None, "can be reached from other machines"),
        ("0.0.0.0", "short", "shorter than 16 characters"),
        ("127.0.0.1", "with spaces in between", "shorter than 16 characters or holds others"),
        ("127.0.0.1", "schlüssel-mit-umlaut", "shorter than 16 characters or holds others"),
    ],
)
def test_an_open_address_needs_a_good_token(host, token, message):
    with pytest.raises(UserError, match=message) as caught:
        access_of(host, token)
    assert "openssl rand" in caught.value.fix


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "LocalHost"])
def test_loopback_needs_no_token(host):
    assert host.lower() in access_of(host, None).hosts


def test_the_log_holds_no_word_of_a_user(client, capfd):
    client.post("/v1/code", json={"text": NOTE})
    client.get("/v1/search?q=Zebrafish")
    client.get("/v1/codes/Zebrafish?system=icd10cm")
    client.get("/Zebrafish")
    client.post("/v1/code", json={"text": NOTE, "Zebrafish": 1})
    client.request("ZEBRAFISH", "/v1/health")
    logged = capfd.readouterr()
    assert logged.out == ""
    assert "Zebrafish" not in logged.err
    assert "ZEBRAFISH" not in logged.err
    lines = [line.split(" ", 1)[1].rsplit(" ", 2)[0] for line in logged.err.splitlines()]
    assert lines == [
        "POST /v1/code 200",
        "GET /v1/search 200",
        "GET /v1/codes/{code} 404",
        "GET - 404",
        "POST /v1/code 422",
        "OTHER /v1/health 405",
    ]


def test_a_defect_names_its_kind_and_keeps_the_note_out(coder, capfd):
    """A coder without its graph breaks at the first note."""
    broken = Coder(coder.options)
    del broken._graph
    with client_of(broken) as client:
        client = TestClient(client.app, base_url=BASE, raise_server_exceptions=False)
        answer = client.post("/v1/code", json={"text": NOTE})
    assert_refused(answer, 500, "a defect of icd-agent (AttributeError)")
    logged = capfd.readouterr().err
    assert "AttributeError in:" in logged
    assert "Zebrafish" not in logged
