"""`trace diff`, `replay` and `stats` on recorded and new runs."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.trace import trace_group
from agent.cli.trace_diff import print_diff
from agent.cli.trace_stats import print_report
from agent.coder import Coder, CoderOptions
from agent.request import CodingRequest
from agent.settings import Settings
from agent.trace.diff import diff_results, diff_traces
from agent.trace.facts import Entry, gather, read_facts
from agent.trace.reader import read_trace, trace_files
from agent.trace.replay import replay
from agent.trace.stats import TraceStats, spread
from knowledge.errors import UserError

DATA = Path(__file__).parents[1] / "data"
TRACES = DATA / "traces"
KEPT = DATA / "old_traces" / "version_1.jsonl.gz"  # recorded once; the others change
NAMES = ("clinic_letter", "discharge_summary", "emergency_visit")
NOTE = "ASSESSMENT:\n1. Community acquired pneumonia with cough.\n2. Hypertension.\n"


def path_of(name):
    return TRACES / f"{name}.jsonl"


def run(*arguments):
    return CliRunner().invoke(trace_group, [str(a) for a in arguments])


def traced(coder, text=NOTE, note_id="n"):
    return list(coder.code_traced(CodingRequest(note_id, text)).events)


# diff


def test_a_run_does_not_part_from_itself_nor_from_its_repetition(coders):
    one, again = traced(coders["guidelines"]), traced(coders["guidelines"])
    found = diff_traces(one, again)
    assert found.same
    assert found.setup == []


def test_runs_part_in_the_first_node_that_decides_otherwise(coders):
    found = diff_traces(traced(coders["guidelines"]), traced(coders["mentions"]))
    assert not found.same
    assert ("settings", "policy", "guidelines", "mentions") in found.setup
    # The trained ranker decides under "mentions": the candidates differ already.
    assert found.steps[0].node == "retrieve"
    assert {d.kind for d in found.steps[0].differences} <= {"candidate", "plm_icd"}
    assert any(d.kind == "code" and d.about == "R05" for d in found.result)


def test_another_threshold_parts_the_runs_in_reason(coders):
    strict = Coder(CoderOptions(llm="none", settings=Settings(threshold=0.7)))
    found = diff_traces(traced(coders["guidelines"]), traced(strict))
    assert found.steps[0].node == "reason"
    decisions = {d.about: (d.a, d.b) for d in found.steps[0].differences if d.kind == "decision"}
    assert decisions["I10"] == (["accept"], ["reject"])
    assert any(d[:3] == ("code", "I10", "secondary") and d.b is None for d in found.result)


def test_another_answer_of_the_llm_is_where_the_runs_part():
    recorded = read_trace(KEPT)
    changed = [
        e.model_copy(update={"logprobs": {"Yes": -3.0, "No": -0.1}})
        if e.event == "llm_call" and e.purpose == "verify_code I10"
        else e
        for e in recorded
    ]
    found = diff_traces(recorded, changed)
    assert [(s.node, [d.kind for d in s.differences]) for s in found.steps] == [
        ("reason", ["answer"])
    ]
    other_prompt = [
        e.model_copy(update={"prompt_sha256": "0" * 64}) if e.event == "llm_call" else e
        for e in recorded
    ]
    kinds = {d.kind for d in diff_traces(recorded, other_prompt).steps[0].differences}
    assert kinds == {"prompt"}


def test_a_killed_run_parts_where_it_ended(coders):
    whole = traced(coders["guidelines"])
    cut = [e for e in whole if e.id < next(e.id for e in whole if e.node == "policy")]
    found = diff_traces(whole, cut)
    assert (found.steps[0].node, found.steps[0].differences[0].kind) == ("policy", "visit")
    assert found.result == [("status", "status", "ok", "unfinished")]


def test_results_that_differ_in_order_and_confidence():
    result = read_trace(KEPT)[-1].result
    first, second, *others = result.codes
    lower = second.model_copy(update={"confidence": second.confidence - 0.1})
    other = result.model_copy(update={"codes": [lower, first, *others]})
    kinds = [(d.kind, d.about) for d in diff_results(result, other)]
    assert kinds == [("confidence", second.code), ("order", "codes")]


def test_diff_exits_as_diff_does():
    same = run("diff", path_of("clinic_letter"), path_of("clinic_letter"))
    assert same.exit_code == 0
    assert json.loads(same.stdout)["same"] is True
    other = run("diff", path_of("clinic_letter"), path_of("emergency_visit"))
    assert other.exit_code == 1
    report = json.loads(other.stdout)
    assert report["parts_at"] == {"node": "retrieve", "visit": 1}
    assert {d["about"] for d in report["setup"]} >= {"note_id", "note_sha256"}


def test_a_reader_sees_where_the_runs_part(coders, capsys):
    found = diff_traces(traced(coders["guidelines"]), traced(coders["mentions"]))
    print_diff(found, "a.jsonl", "b.jsonl")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["- a.jsonl", "+ b.jsonl"]
    assert "  settings policy: guidelines -> mentions" in lines
    assert "retrieve (the runs part here)" in lines
    assert any(line.startswith("  code R05: not there -> ") for line in lines)


# replay


def test_replay_prints_the_recorded_result():
    done = run("replay", path_of("emergency_visit"))
    result = json.loads(done.stdout)
    recorded = read_trace(path_of("emergency_visit"))[-1].result
    assert done.exit_code == 0, done.stderr
    assert done.stderr.strip() == "the result is the recorded one"
    assert [c["code"] for c in result["codes"]] == [c.code for c in recorded.codes]
    assert result["usage"]["llm_calls"] == recorded.usage.llm_calls
    assert len(result["candidates"]) == len(recorded.candidates)


def test_a_run_without_an_llm_is_replayed_too(coders, tmp_path):
    coder = Coder(CoderOptions(llm="none", trace_dir=tmp_path, top_candidates=5))
    coder.code(CodingRequest("n", NOTE))
    done = run("replay", tmp_path / "n.jsonl")
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)["candidates"]) == 5


def edited(tmp_path, name, edit):
    """Write a trace with each event as `edit` leaves it; return its path."""
    events = [json.loads(line) for line in path_of(name).read_text("utf-8").splitlines()]
    for event in events:
        edit(event)
    path = tmp_path / "edited.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    return path


def test_a_changed_prompt_is_reported_with_what_changed(tmp_path):
    def ask_otherwise(event):
        if event["event"] == "run_start":
            event["note"] = event["note"].replace("Placeholder", "Somebody")

    path = edited(tmp_path, "clinic_letter", ask_otherwise)
    with pytest.raises(UserError, match=r"a prompt has changed; .*verify_code \w") as caught:
        replay(path)
    assert "has 'Placeholder," in caught.value.message
    assert "has 'Somebody," in caught.value.message


def test_another_result_is_reported_and_exits_with_1(tmp_path):
    def claim(event):
        if event["event"] == "run_end":
            del event["result"]["codes"][-1]

    done = run("replay", edited(tmp_path, "emergency_visit", claim))
    last = read_trace(path_of("emergency_visit"))[-1].result.codes[-1].code
    assert done.exit_code == 1
    assert f"code {last}: not there -> secondary" in done.stderr
    assert json.loads(done.stdout)["codes"][-1]["code"] == last


def test_settings_of_another_version_are_named(tmp_path):
    def set_something(event):
        if event["event"] == "run_start":
            event["settings"]["gone"] = 1

    path = edited(tmp_path, "emergency_visit", set_something)
    with pytest.raises(UserError, match="setting gone is not one of this version"):
        replay(path)


# stats


def test_the_facts_of_a_run_agree_with_its_result():
    for name in NAMES:
        facts = read_facts(path_of(name))
        result = read_trace(path_of(name))[-1].result
        use = facts.llm_use
        assert [c.code for c in facts.codes] == [c.code for c in result.codes]
        assert (use.calls, use.prompt_tokens, use.completion_tokens) == (
            result.usage.llm_calls,
            result.usage.prompt_tokens,
            result.usage.completion_tokens,
        )
        assert sum(t.found for t in facts.tools.values()) <= len(result.findings)
        assert all(c.entry for c in facts.codes), "each code entered somewhere"


def test_a_code_that_the_policy_put_in_place_of_another_entered_there():
    codes = {c.code: c for c in read_facts(KEPT).codes}
    assert codes["Z82.3"].entry == Entry("policy", "replace", "I63.9")
    assert codes["M05.9"].entry == Entry("reason", "accept")
    assert codes["M05.9"].rank == 1


def decision(node, code, action, replacement=None):
    return {
        "at": 0.0, "event": "decision", "node": node, "code": code, "action": action,
        "replacement": replacement, "rule": None,
    }  # fmt: skip


def test_decisions_that_are_turned_are_counted_where_they_turn():
    facts = gather(
        [
            decision("reason", "I10", "accept"),
            decision("reason", "R05.9", "accept"),
            decision("reason", "N18.9", "reject"),
            decision("compare", "N18.9", "accept"),
            decision("compare", "I10", "accept"),  # looked at again, not turned
            decision("policy", "R05.9", "reject"),
            decision("policy", "I10", "replace", "I12.9"),
            decision("revise", "I12.9", "reject"),
            decision("revise", "I12.9", "add"),
        ],
        Path("t"),
    )
    assert facts.turned == {
        ("compare", "accepted"): 1,
        ("policy", "rejected"): 2,
        ("revise", "rejected"): 1,
        ("revise", "accepted"): 1,
    }


def test_stats_add_up_over_files_and_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    for number in range(20):
        shutil.copy(path_of(NAMES[number % 3]), tmp_path / "deep" / f"{number}.jsonl")
    (tmp_path / "results.jsonl").write_text('{"id": "n", "status": "ok"}\n')
    (tmp_path / "torn.jsonl").write_text('{"event":')
    (tmp_path / "empty.jsonl").touch()
    done = run("stats", tmp_path, path_of("clinic_letter"))
    report = json.loads(done.stdout)
    assert (report["traces"], report["finished"]) == (21, 21)
    problems = {Path(bad["path"]).name: bad["problem"] for bad in report["unreadable"]}
    assert "does not begin with run_start" in problems["results.jsonl"]
    assert "does not begin with run_start" in problems["empty.jsonl"]
    assert "broken JSON" in problems["torn.jsonl"]
    codes = [len(read_trace(path_of(name))[-1].result.codes) for name in NAMES]
    # Seven copies of the first, of which one more is named, seven and six of the others.
    total = 8 * codes[0] + 7 * codes[1] + 6 * codes[2]
    assert report["per_run"]["codes"]["sum"] == total
    assert sum(report["codes_entered"].values()) == total
    assert sum(report["codes_by_rank"].values()) == total
    assert sum(report["revisions"].values()) == 21
    assert sum(node["share"] for node in report["nodes"].values()) == pytest.approx(1, abs=0.001)


def test_a_killed_run_is_counted_but_not_its_cost(tmp_path):
    lines = gzip.decompress(KEPT.read_bytes()).splitlines(keepends=True)
    (tmp_path / "killed.jsonl").write_bytes(b"".join(lines[:20]))
    report = TraceStats().read(trace_files([tmp_path])).report()
    assert report["status"] == {"unfinished": 1}
    assert report["per_run"] == {}
    assert report["questions"]["verify_code"]["calls"] == 8


def test_a_reader_sees_the_figures_of_the_report(capsys):
    report = TraceStats().read(path_of(name) for name in NAMES).report()
    print_report(report)
    printed = capsys.readouterr().out
    assert printed.startswith("3 traces, 3 of finished runs\n")
    for title, cells in {
        "where the final codes entered": ("reason: accept", report["codes_entered"]),
        "rounds of revision": ("0", report["revisions"]),
    }.items():
        name, counts = cells
        table = printed.partition(title)[2]
        assert re.search(rf"{re.escape(name)} +│ +{counts[name]} │", table), title


def test_stats_of_what_is_not_there():
    with pytest.raises(UserError, match="no such file or folder"):
        TraceStats().read(trace_files([Path("nowhere")]))


@pytest.mark.parametrize(
    ("values", "median", "p90"), [([3.0], 3, 3), ([1, 2, 3], 2, 2.8), (list(range(1, 12)), 6, 10)]
)
def test_spread(values, median, p90):
    figures = spread(values)
    assert (figures["median"], figures["p90"]) == (median, p90)
    assert figures["sum"] == sum(values)
