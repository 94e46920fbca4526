"""eval run and eval report: a whole run of small systems, and what can be wrong with one."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.registry import load_llm
from eval.cli import eval_group
from eval.run.config import read_config
from eval.run.cost import Prices, Session, cost_of
from eval.run.files import RunFiles
from eval.run.plots import pareto_front
from eval.run.report import _pieces
from eval.run.separation import require_separate
from eval.run.tree_search import as_row, tree_search
from knowledge.code_systems import get_icd10cm
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError

NOTES = Path(__file__).parents[1] / "data" / "notes"


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sample_rows() -> list[dict[str, Any]]:
    """The sample notes with the codes they must get; one has marked evidence and odd characters."""
    expected = json.loads((NOTES / "expected.json").read_text(encoding="utf-8"))
    rows = []
    for name, about in expected.items():
        text = (NOTES / f"{name}.txt").read_text(encoding="utf-8")
        known = {key: about[key] for key in ("setting", "sex", "age")}
        rows.append({"id": name, "text": text, "codes": about["must"], **known})
    first = rows[0]
    first["text"] += "\n<script>alert('note')</script> & pneumonia.\n"
    start = first["text"].index("pneumonia")
    first["evidence"] = [{"code": "J18.9", "start": start, "end": start + len("pneumonia")}]
    return rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory, sample_rows) -> tuple[Path, dict[str, Any]]:
    """A run of four systems on the sample notes, and its figures."""
    folder = tmp_path_factory.mktemp("run")
    write_rows(folder / "notes.jsonl", sample_rows)
    empty = [{"id": row["id"], "codes": []} for row in sample_rows]
    write_rows(folder / "nothing.jsonl", empty)
    (folder / "prices.yaml").write_text("machine_hour: 3600\n", encoding="utf-8")
    config = {
        "name": "sample notes",
        "data": {"report": "notes.jsonl"},
        "baseline": "agent",
        "prices": "prices.yaml",
        "systems": {
            "agent": {"kind": "agent"},
            "no-terms": {"kind": "agent", "notes": 2, "settings": {"withheld": ["terms"]}},
            "plm-icd": {"kind": "plm-icd"},
            "nothing": {"kind": "predictions", "path": "nothing.jsonl"},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = ["run", str(folder / "config.yaml"), "--out", str(folder / "out"), "--json"]
    result = CliRunner().invoke(eval_group, command, catch_exceptions=False)
    assert result.exit_code == 0
    return folder, json.loads(result.stdout)


def test_a_run_scores_compares_and_costs_every_system(finished):
    _, figures = finished
    systems = figures["systems"]
    agent, nothing = systems["agent"], systems["nothing"]
    assert agent["score"]["micro_f1"] > 0.5 > systems["no-terms"]["score"]["micro_f1"]
    assert nothing["score"]["micro_f1"] == 0
    assert agent["against_baseline"] is None
    difference = nothing["against_baseline"]["micro_f1"]
    assert difference["difference"] == pytest.approx(-agent["score"]["micro_f1"])
    assert difference["p"] <= difference["p_holm"] <= 1
    assert systems["no-terms"]["score"]["notes"] == 2
    assert agent["evidence"]["judged"] == 1
    assert nothing["evidence"] is None
    assert nothing["cost"] is None
    cost = agent["cost"]
    # A machine hour for 3,600: a second costs 1.
    assert cost["price"] == pytest.approx(1 / cost["notes_per_second"])
    assert cost["peak_bytes"] > cost["model_bytes"] > systems["plm-icd"]["cost"]["model_bytes"]
    assert figures["provenance"]["data_sha256"].keys() == {"report"}


def test_a_run_goes_on_without_coding_again(finished):
    folder, _ = finished
    results = folder / "out" / "systems" / "plm-icd" / "results.jsonl"
    before = results.read_bytes()
    sessions = folder / "out" / "systems" / "plm-icd" / "sessions.jsonl"
    lines = before.splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:-1]))
    command = ["run", str(folder / "config.yaml"), "--out", str(folder / "out"), "--only"]
    CliRunner().invoke(eval_group, [*command, "plm-icd"], catch_exceptions=False)
    again = results.read_bytes().splitlines(keepends=True)
    assert again[:-1] == lines[:-1]
    assert json.loads(again[-1])["codes"] == json.loads(lines[-1])["codes"]
    assert [json.loads(s)["notes"] for s in sessions.read_bytes().splitlines()] == [3, 1]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_the_report_stands_alone_and_shows_notes_as_text(finished):
    folder, figures = finished
    result = CliRunner().invoke(eval_group, ["report", str(folder / "out"), "--json"])
    page = Path(json.loads(result.stdout)["report"]).read_text(encoding="utf-8")
    parsed = _Text()
    parsed.feed(page)
    assert "script" not in parsed.tags, "a note must not become part of the page"
    assert "link" not in parsed.tags
    assert "<script>alert('note')</script> & pneumonia." in parsed.text
    assert parsed.text.count("Community-acquired pneumonia") >= 1
    for name in figures["systems"]:
        assert name in parsed.text
    assert {"svg", "mark", "table"} <= parsed.tags


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no figures of a run"):
        CliRunner().invoke(eval_group, ["report", str(tmp_path)], catch_exceptions=False)


def test_another_configuration_does_not_go_on_with_a_run(finished):
    folder, _ = finished
    other = folder / "other.yaml"
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace("sample notes", "other notes"), encoding="utf-8")
    command = ["run", str(other), "--out", str(folder / "out")]
    with pytest.raises(UserError, match="another configuration"):
        CliRunner().invoke(eval_group, command, catch_exceptions=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "best"}, "baseline: 'best' is none of the systems"),
        ({"systems": {"a": {"kind": "oracle"}}}, "systems.a"),
        ({"systems": {"A B": {"kind": "agent"}}}, "should match pattern"),
        ({"systems": {"a": {"kind": "agent", "settings": {"doubts": 1}}}}, "doubts"),
        ({"data": {}}, "data.report"),
        ({"systems": {"a": {"kind": "agent", "notes": 1}}}, "notes"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_named(tmp_path, change, message):
    config = {
        "name": "x",
        "data": {"report": "notes.jsonl"},
        "baseline": "a",
        "systems": {"a": {"kind": "agent"}},
    }
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({**config, **change}), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_config(path)


def test_an_unreadable_configuration_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "twice.yaml").write_text("name: a\nname: b\n", encoding="utf-8")
    with pytest.raises(UserError, match="occurs twice"):
        read_config(tmp_path / "twice.yaml")


def test_an_unknown_generator_cannot_be_withheld(tmp_path, sample_rows):
    write_rows(tmp_path / "notes.jsonl", sample_rows)
    config = {
        "name": "x",
        "data": {"report": "notes.jsonl"},
        "baseline": "a",
        "systems": {"a": {"kind": "agent", "settings": {"withheld": ["term"]}}},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = ["run", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match="the system a was not coded to its end"):
        CliRunner().invoke(eval_group, command, catch_exceptions=False)


@pytest.mark.parametrize(
    "shared",
    [{"id": "n1"}, {"text": "Acute  appendicitis."}, {"patient": "p1"}],
    ids=["id", "text", "patient"],
)
def test_notes_that_report_are_none_that_taught(tmp_path, shared):
    taught = {"id": "n1", "text": "Acute appendicitis.", "codes": ["K35.80"], "patient": "p1"}
    judged = {"id": "n2", "text": "Asthma.", "codes": ["J45.909"], "patient": "p2"}
    train = write_rows(tmp_path / "train.jsonl", [taught])
    apart = write_rows(tmp_path / "apart.jsonl", [judged])
    overlapping = write_rows(tmp_path / "overlapping.jsonl", [{**judged, **shared}])

    def data(report: Path):
        config = {
            "name": "x",
            "data": {"report": str(report), "train": str(train), "tune": str(train)},
            "baseline": "a",
            "systems": {"a": {"kind": "agent"}},
        }
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        return read_config(tmp_path / "c.yaml").data

    require_separate(data(apart))
    with pytest.raises(UserError, match=rf"share 1 notes.*{next(iter(shared))}"):
        require_separate(data(overlapping))


def test_cost_by_hand(tmp_path):
    files = RunFiles(tmp_path)
    usages = [
        {
            "llm": "big",
            "llm_calls": 2,
            "prompt_tokens": 1000,
            "completion_tokens": 10,
            "seconds": 1,
        },
        {
            "llm": "big",
            "llm_calls": 4,
            "prompt_tokens": 3000,
            "completion_tokens": 30,
            "seconds": 3,
        },
    ]
    files.results("s").parent.mkdir(parents=True)
    write_rows(files.results("s"), [{"id": str(n), "usage": u} for n, u in enumerate(usages)])
    session = Session(notes=1, load_seconds=2, peak_bytes=100, energy_kwh=0.001, model_bytes=7)
    write_rows(files.sessions("s"), [session.model_dump(), session.model_dump()])
    prices = Prices(
        machine_hour=3.6,
        million_prompt_tokens={"big": 2.0},
        million_completion_tokens={"big": 50.0},
    )
    cost = cost_of(files, "s", prices)
    assert cost is not None
    assert cost.notes_per_second == 0.5
    assert cost.seconds_p50 == 2
    assert (cost.llm_calls, cost.prompt_tokens, cost.completion_tokens) == (3, 2000, 20)
    assert cost.energy_wh == pytest.approx(1)
    # 2 s of a machine at .001 a second, 2,000 tokens at 2 and 20 at 50 a million.
    assert cost.price == pytest.approx(0.002 + 0.004 + 0.001)
    assert cost_of(files, "s", None)._replace(price=cost.price) == cost


points = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.tuples(st.floats(0, 9), st.floats(0, 1)), min_size=1
)


@given(points)
def test_nothing_beats_the_front_and_all_else_is_beaten(systems):
    front = pareto_front(systems)
    for name, (cost, accuracy) in systems.items():
        beaten = any(
            c <= cost and a >= accuracy and (c, a) != (cost, accuracy) for c, a in systems.values()
        )
        twin = any(systems[other] == (cost, accuracy) for other in front if other != name)
        assert (name in front) == (not beaten and not twin)


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.just("I10"), st.just("right"))),
)
def test_pieces_join_to_the_note(text, spans):
    inside = [(a, b, c, k) for a, b, c, k in spans if a < b <= len(text)]
    pieces = list(_pieces(text, inside))
    assert "".join(piece.text for piece in pieces) == text
    covered = {n for a, b, _, _ in inside for n in range(a, b)}
    assert sum(len(piece.text) for piece in pieces if piece.right) == len(covered)


@pytest.mark.llm
def test_tree_search_walks_to_billable_codes_within_its_budget():
    llm, system = load_llm("builtin"), get_icd10cm("icd10cm")
    text = "Diagnosis: acute appendicitis. Appendectomy was done."
    walk = tree_search(text, llm, system, 6)
    assert 1 <= walk.calls <= 6
    assert walk.prompt_tokens > 1000
    assert all(system.get(code).billable for code in walk.codes)
    row = as_row(DatasetRow(id="a", text=text), walk, "builtin")
    assert row["usage"]["llm_calls"] == walk.calls
    assert [code["code"] for code in row["codes"]] == list(walk.codes)
    assert tree_search(text, llm, system, 1).calls == 1
