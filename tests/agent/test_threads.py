"""Threads over HTTP: what is kept, decided, answered, told to other pages and exported."""

import csv
import io
import json
import time

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="the test client of Starlette needs it")

from starlette.testclient import TestClient

from agent.chat.conversation import Conversation
from agent.chat.files import ChatFiles
from agent.chat.session import Parts
from agent.chat.store import ChatStore
from agent.result import Result, ResultContext
from agent.serve.app import build_app
from agent.serve.limits import Limits, access_of
from agent.serve.page import FOLDER

DEMO = """\
HISTORY: Mother with T2DM. Latex allergy.

ASSESSMENT:
1. Closed nondisplaced fracture of the left lateral malleolus, initial encounter. Fall at home.
2. Asthma, stable.
3. Hypothyroidism. Continue levothyroxine.
4. Nicotine dependence, cigarettes.
Possible mild osteopenia. BP 152/94.
"""
VISIT = {"id": "visit", "text": DEMO, "setting": "outpatient", "sex": "F", "age": 46}
BASE = "http://127.0.0.1:8000"


def client_of(coder, store, token=None, **limits):
    app = build_app(coder, access_of("127.0.0.1", token), Limits(**limits), store)
    return TestClient(app, base_url=BASE)


@pytest.fixture(scope="module")
def coder(coders):
    return coders["guidelines"]


@pytest.fixture(scope="module")
def client(coder):
    store = ChatStore.in_memory()
    with client_of(coder, store, requests_per_minute=100_000) as client:
        yield client


def coded(client, thread):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        state = client.get(f"/v1/threads/{thread}").json()
        if state["status"] in ("coded", "failed"):
            return state
        time.sleep(0.02)
    raise AssertionError("the note is not coded")


@pytest.fixture
def visit(client):
    """The demo note, coded in a thread of its own."""
    opened = client.post("/v1/threads", json=VISIT).json()
    yield coded(client, opened["thread"])
    client.delete(f"/v1/threads/{opened['thread']}")


@pytest.fixture
def decide(client, visit):
    def take(action, **fields):
        path = f"/v1/threads/{visit['thread']}/decisions"
        return client.post(path, json={"action": action, **fields}).json()

    return take


def listed(state):
    return [code["code"] for code in state["coded"]["codes"]]


def codes_of(answer):
    return listed(answer["state"])


def text_of(answer):
    return " ".join(statement["text"] for statement in answer["statements"])


def events_of(text):
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event")]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


def test_a_thread_shows_what_the_agent_the_rules_and_plm_icd_say(client, visit):
    assert (visit["status"], visit["note"], visit["context"]["age"]) == ("coded", DEMO, 46)
    shown = visit["coded"]
    codes = listed(visit)
    assert {"S82.65XA", "J45.909", "E03.9", "Z83.3"} <= set(codes)
    assert [code["role"] for code in shown["codes"]][:2] == ["principal", "secondary"]
    asthma = shown["codes"][codes.index("J45.909")]
    start, end = asthma["evidence"][0]
    assert DEMO[start:end] == "Asthma"
    assert asthma["plm_icd"]["verdict"] == "agrees"
    assert asthma["plm_icd"]["probability"] > 0.5
    assert shown["question"]["code"] == "J45.909"
    assert not {only["code"] for only in (*shown["plm_alone"], *shown["rejected"])} & set(codes)
    assert "E11.9" in {rejected["code"] for rejected in shown["rejected"]}


def test_the_same_note_opens_the_same_thread(client, visit, decide):
    decide("accept", code="E03.9")
    again = client.post("/v1/threads", json=VISIT).json()
    assert (again["thread"], again["status"]) == (visit["thread"], "coded")
    assert again["coded"]["undoable"] == 1
    (line,) = client.get("/v1/threads").json()["threads"]
    count = len(listed(visit))
    shown = (line["note_id"], line["codes"], line["accepted"], line["asks"])
    assert shown == ("visit", count, 1, True)


def test_decisions_change_the_list_and_are_taken_back(visit, decide):
    at = DEMO.index("osteopenia")
    span = [at, at + len("osteopenia")]
    steps = [
        ("reject", {"code": "E03.9", "text": "not treated"}),
        ("replace", {"code": "J45.909", "other": "j4530"}),
        ("add", {"code": "M85.80", "span": span}),
        ("add", {"code": "R03.0", "text": "BP 152/94"}),
        ("principal", {"code": "F17.210"}),
        ("move", {"code": "F17.210", "number": 3}),
        ("accept", {"code": "all"}),
    ]
    for action, fields in steps:
        answer = decide(action, **fields)
        assert answer["kind"] == "decision", answer["statements"]
    before = listed(visit)
    after = ["J45.30" if code == "J45.909" else code for code in before]
    after = [code for code in after if code not in ("E03.9", "F17.210")]
    after.insert(2, "F17.210")
    assert codes_of(answer) == [*after, "M85.80", "R03.0"]
    shown = answer["state"]["coded"]
    assert {code["status"] for code in shown["codes"]} == {"accepted"}
    added = {code["code"]: code["evidence"] for code in shown["codes"]}
    assert added["M85.80"] == [span]
    assert DEMO[slice(*added["R03.0"][0])] == "BP 152/94"
    assert [d["action"] for d in shown["decisions"]] == [action for action, _ in steps]
    for _ in steps:
        answer = decide("undo")
    assert codes_of(answer) == before
    assert decide("undo")["kind"] == "error"


def test_rules_judge_the_list_after_each_decision(decide):
    decide("add", code="W19.XXXS")
    report = decide("principal", code="W19.XXXS")["state"]["coded"]
    errors = [n for n, f in enumerate(report["findings"], 1) if f["severity"] == "error"]
    assert set(report["codes"][0]["findings"]) & set(errors)


def test_a_mend_is_of_the_list_that_was_seen(decide):
    shown = decide("add", code="I50.9")["state"]["coded"]
    seen = [code["code"] for code in shown["codes"]]
    shown = decide("add", code="I10")["state"]["coded"]
    number = next(n for n, f in enumerate(shown["findings"], 1) if f["mend"])
    late = decide("mend", number=number, seen=seen)
    assert (late["kind"], "has changed" in text_of(late)) == ("error", True)
    done = decide("mend", number=number, seen=[code["code"] for code in shown["codes"]])
    assert done["kind"] == "decision"
    assert codes_of(done)[-2:] == ["I11.0", "I50.9"]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("accept", {"code": "I10"}, "I10 is not on the list"),
        ("accept", {}, "is not on the list"),
        ("reject", {"code": "all"}, "takes one code, not all"),
        ("add", {"code": "E03.9"}, "on the list already"),
        ("add", {"code": "E11"}, "needs more characters"),
        ("add", {"code": "E11.99"}, "does not exist"),
        ("add", {"code": "I10", "span": [5, 500_000]}, "the note has no characters 5-500000"),
        ("add", {"code": "I10", "span": [9, 9]}, "the note has no characters 9-9"),
        ("add", {"code": "I10", "text": "zebra"}, "does not hold the words 'zebra'"),
        ("move", {"code": "E03.9", "number": 99}, "no place 99; it has"),
        ("replace", {"code": "E03.9"}, ""),
        ("mend", {"number": 1}, "there was no check yet"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(visit, decide, action, fields, message):
    answer = decide(action, **fields)
    assert (answer["kind"], codes_of(answer)) == ("error", listed(visit))
    assert message in text_of(answer)
    assert answer["state"]["coded"]["decisions"] == []


def test_an_answer_comes_statement_by_statement_and_stays_with_its_citations(client, visit):
    path = f"/v1/threads/{visit['thread']}"
    streamed = client.post(f"{path}/say", json={"say": "why not E11.9?"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    *told, (last, turn) = events_of(streamed.text)
    assert ({name for name, _ in told}, last) == ({"statement"}, "turn")
    assert [statement for _, statement in told] == turn["statements"]
    assert "Z83.3" in text_of(turn)
    *_, line, answer = client.get(path).json()["coded"]["messages"]
    assert (line["by_coder"], line["statements"][0]["text"]) == (True, "why not E11.9?")
    assert answer["statements"] == turn["statements"]
    sources = {c["source"] for s in answer["statements"] for c in s["citations"]}
    assert {"trace", "guideline"} <= sources
    mistake = client.post(f"{path}/say", json={"say": "sing"})
    ((last, turn),) = events_of(mistake.text)
    assert (last, turn["kind"]) == ("turn", "error")


def test_a_question_is_answered_once(client, visit):
    path = f"/v1/threads/{visit['thread']}/answers"
    question = visit["coded"]["question"]
    given = {"code": "J45.909", "axis": question["axis"], "value": "mild intermittent"}
    nonsense = client.post(path, json={**given, "value": "enormous"}).json()
    assert "'enormous' is no answer; the question offers mild intermittent" in text_of(nonsense)
    assert "J45.20" in codes_of(client.post(path, json=given).json())
    late = client.post(path, json=given).json()
    assert (late["kind"], "is not asked for any longer" in text_of(late)) == ("error", True)


def test_exports_hold_the_list_as_the_coder_left_it(client, visit, decide):
    decide("reject", code="E03.9")
    path = f"/v1/threads/{visit['thread']}/export"
    as_json = client.get(f"{path}/json")
    result = Result.model_validate_json(as_json.text)
    left = [code for code in listed(visit) if code != "E03.9"]
    assert [code.code for code in result.codes] == left
    assert "attachment" in as_json.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}/csv").text)))
    assert [row["code"] for row in rows] == left
    bundle = client.get(f"{path}/fhir").json()
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert (bundle["resourceType"], "Condition" in kinds) == ("Bundle", True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/threads/nope", None, 404),
        ("GET", "/v1/threads/%20", None, 404),
        ("GET", "/v1/threads/%00%ff", None, 404),
        ("DELETE", "/v1/threads/nope", None, 404),
        ("POST", "/v1/threads/nope/coding", None, 404),
        ("POST", "/v1/threads/nope/say", {"say": "why?"}, 404),
        ("POST", "/v1/threads/nope/decisions", {"action": "undo"}, 404),
        ("POST", "/v1/threads/nope/decisions", {"action": "note"}, 422),
        ("GET", "/v1/threads/nope/export/pdf", None, 422),
        ("POST", "/v1/threads", {"text": " "}, 422),
        ("GET", "/web/nope.js", None, 404),
        ("GET", "/web/..%2fpage.py", None, 404),
    ],
)
def test_what_is_not_there_is_told(client, method, path, body, status):
    answer = client.request(method, path, json=body)
    assert (answer.status_code, set(answer.json())) == (status, {"error"})


def test_a_turn_waits_for_no_coding(coder):
    """One long note is coded, another waits; neither can be decided on, both can be deleted."""
    store = ChatStore.in_memory()
    with client_of(coder, store) as client:
        long, short = (
            client.post("/v1/threads", json={"text": text}).json()
            for text in (DEMO * 20, "ASSESSMENT:\nHip pain.")
        )
        assert short["status"] == "waiting"
        for thread in (long["thread"], short["thread"]):
            path = f"/v1/threads/{thread}"
            refused = client.post(f"{path}/say", json={"say": "codes"})
            assert refused.status_code == 409
            assert client.get(f"{path}/export/json").status_code == 409
        assert client.delete(f"/v1/threads/{long['thread']}").status_code == 204
        assert coded(client, short["thread"])["coded"]["codes"][0]["code"] == "M25.559"
        assert [line["note_id"] for line in client.get("/v1/threads").json()["threads"]] == ["note"]


def test_what_waited_when_a_server_ended_is_coded_by_the_next(coder, tmp_path):
    files = ChatFiles(tmp_path / "chat")
    with ChatStore.open(files) as store, client_of(coder, store) as client:
        done = coded(client, client.post("/v1/threads", json=VISIT).json()["thread"])
        path = f"/v1/threads/{done['thread']}"
        client.post(f"{path}/decisions", json={"action": "reject", "code": "E03.9"})
        cut = client.post("/v1/threads", json={**VISIT, "id": "cut", "age": 47}).json()
    with ChatStore.open(files) as store, client_of(coder, store) as client:
        assert "E03.9" not in listed(client.get(path).json())
        assert coded(client, cut["thread"])["note_id"] == "cut"
        order = [line["note_id"] for line in client.get("/v1/threads").json()["threads"]]
    assert order == ["visit", "cut"]
    (logged,) = files.decisions.read_text().splitlines()
    assert json.loads(logged)["thread"] == done["thread"]


def test_a_coding_that_failed_can_be_tried_again(coder):
    with client_of(coder, ChatStore.in_memory(), note_seconds=0.001) as client:
        thread = client.post("/v1/threads", json={"text": "Hip pain."}).json()["thread"]
        failed = coded(client, thread)
        assert (failed["status"], failed["coded"]) == ("failed", None)
        assert "was not coded within 0.001 s" in failed["error"]
        assert client.post(f"/v1/threads/{thread}/coding").json()["error"] is None


def test_a_thread_of_the_terminal_is_one_of_the_server(coder):
    store = ChatStore.in_memory()
    talk = Conversation.open("ward 3", Parts(coder), store)
    talk.code_note("ASSESSMENT:\nHip pain.", ResultContext(), "hip")
    talk.decide("accept", "M25.559")
    with client_of(coder, store) as client:
        (line,) = client.get("/v1/threads").json()["threads"]
        assert (line["thread"], line["note_id"], line["accepted"]) == ("ward 3", "hip", 1)
        client.post("/v1/threads/ward 3/decisions", json={"action": "undo"})
    assert talk.codes().codes[0].status == "proposed"


def test_a_thread_of_another_version_stands_in_no_ones_way(coder):
    store = ChatStore.in_memory()
    talk = Conversation.open("old", Parts(coder), store)
    talk._graph.update_state(talk._config, {"turn": {"action": "note", "strange": 1}}, "__start__")
    with client_of(coder, store) as client:
        new = client.post("/v1/threads", json={"text": "ASSESSMENT:\nHip pain."}).json()
        assert coded(client, new["thread"])["status"] == "coded"
        old, _ = client.get("/v1/threads").json()["threads"]
        assert (old["thread"], old["status"]) == ("old", "failed")
        assert "stored by another version" in old["error"]
        assert client.get("/v1/threads/old").status_code == 422
        assert client.delete("/v1/threads/old").status_code == 204


def test_the_page_needs_no_token_and_what_it_asks_does(coder):
    with client_of(coder, ChatStore.in_memory(), token="a-token-of-the-tests") as client:
        assert client.get("/").status_code == 200
        assert client.get("/web/main.js").status_code == 200
        assert client.get("/v1/threads").status_code == 401
        assert client.post("/", json={}).status_code == 401
        assert client.get("/web/../v1/threads").status_code == 401


def test_every_file_of_the_page_allows_this_server_alone(client):
    for path in sorted(FOLDER.iterdir()):
        answer = client.get(f"/web/{path.name}")
        assert answer.content == path.read_bytes()
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "require-trusted-types-for" in answer.headers["content-security-policy"]
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "//cdn",
        ):
            assert word not in answer.text, (path.name, word)
