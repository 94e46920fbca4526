"""Every user-facing command, as a user runs it, on the shipped artefacts and without an LLM."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.coder import code_or_fail
from agent.request import CodingRequest
from indexes.artefacts import BUNDLED_DIRECTORY

NOTES = Path(__file__).parent.parent / "data" / "notes"
EXPECTED = json.loads((NOTES / "expected.json").read_text(encoding="utf-8"))


def icd_agent(*arguments, stdin=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "agent.cli.main", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=120,
    )


def code_json(*arguments, **keywords):
    done = icd_agent("code", *arguments, "--llm", "none", "--json", **keywords)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Each sample note coded under the policy of a US coder, with its trace."""
    traces = tmp_path_factory.mktemp("traces")
    coded = {}
    for name, expected in EXPECTED.items():
        options = ("--setting", expected["setting"], "--sex", expected["sex"])
        age = ("--age", expected["age"], "--trace", traces)
        (coded[name],) = code_json(NOTES / f"{name}.txt", *options, *age)
    return coded


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_note_gets_the_codes_a_us_coder_assigns(results, name):
    expected, codes = EXPECTED[name], {c["code"] for c in results[name]["codes"]}
    assert set(expected["must"]) <= codes
    assert not codes & set(expected["must_not"])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_evidence_is_the_text_at_its_offsets(results, name):
    note = (NOTES / f"{name}.txt").read_text(encoding="utf-8")
    spans = [e for c in results[name]["codes"] for e in c["evidence"]]
    assert spans
    assert all(note[e["start"] : e["end"]] == e["text"] for e in spans)
    assert all(c["evidence"] for c in results[name]["codes"])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_result_keeps_the_contract(results, name):
    result = results[name]
    assert result["status"] == "ok"
    assert result["schema_version"] == 1
    assert [c["role"] for c in result["codes"]].count("principal") == 1
    assert result["codes"][0]["role"] == "principal"
    assert not [f for f in result["findings"] if f["severity"] == "error"]
    scores = [c["score"] for c in result["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert len({c["code"] for c in result["candidates"]}) == len(scores)
    assert all(0 <= i < len(result["findings"]) for c in result["codes"] for i in c["findings"])


def test_the_trace_tells_the_run(results):
    result = results["discharge_summary"]
    done = icd_agent("trace", "show", result["trace"], "--json")
    events = json.loads(done.stdout)["events"]
    assert [e["node"] for e in events if e["event"] == "node_start"][:7] == [
        "read",
        "retrieve",
        "reason",
        "compare",
        "policy",
        "judge",
        "check",
    ]
    tools = {e["tool"] for e in events if e["event"] == "tool_call"}
    assert {
        "check_excludes1",
        "check_code_first",
        "check_use_additional",
        "check_billable",
    } <= tools
    replaced = [e for e in events if e["event"] == "decision" and e["code"] == "J44.9"]
    assert replaced[-1]["citation"] == "I.C.10.a"
    last = events[-1]
    assert last["event"] == "run_end"
    assert last["result"]["codes"] == result["codes"]


def test_the_same_note_gives_the_same_result(results):
    expected = EXPECTED["clinic_letter"]
    again = code_json(
        NOTES / "clinic_letter.txt",
        *("--setting", expected["setting"], "--sex", expected["sex"], "--age", expected["age"]),
    )[0]
    for key in ("codes", "rejected", "findings", "candidates"):
        assert again[key] == results["clinic_letter"][key]


def test_the_setting_decides_on_uncertain_diagnoses():
    note = "ASSESSMENT: Probable lobar pneumonia."
    inpatient = code_json("-", "--setting", "inpatient", stdin=note)[0]
    outpatient = code_json("-", "--setting", "outpatient", stdin=note)[0]
    assert "J18.1" in {c["code"] for c in inpatient["codes"]}
    assert "J18.1" not in {c["code"] for c in outpatient["codes"]}
    assert {"J18.1": "policy"}.items() <= {
        r["code"]: r["stage"] for r in outpatient["rejected"]
    }.items()


def test_the_policy_mentions_keeps_what_guidelines_drop():
    note = "ASSESSMENT: Lobar pneumonia with fever."
    mentions = {c["code"] for c in code_json("-", "--policy", "mentions", stdin=note)[0]["codes"]}
    guidelines = {c["code"] for c in code_json("-", stdin=note)[0]["codes"]}
    assert "R50.9" in mentions
    assert "R50.9" not in guidelines


def test_a_note_without_a_condition_is_an_honest_empty_result():
    (result,) = code_json("-", stdin="Thank you for the pleasant visit. See you next year.")
    assert (result["status"], result["codes"]) == ("empty", [])


def test_a_long_note_is_coded_whole():
    filler = "The patient was seen and the chart was reviewed with the team. " * 3200
    note = f"ASSESSMENT: Gastroesophageal reflux disease.\n{filler}\nFINAL: Lobar pneumonia."
    assert len(note) > 200_000
    (result,) = code_json("-", stdin=note)
    assert {"K21.9", "J18.1"} <= {c["code"] for c in result["codes"]}


def test_a_batch_is_written_and_resumed(tmp_path):
    rows = [{"id": f"n{i}", "text": "Lobar pneumonia."} for i in range(3)]
    notes, out = tmp_path / "notes.jsonl", tmp_path / "out.jsonl"
    notes.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    arguments = ("code", notes, "--llm", "none", "--out", out, "--json")
    first = icd_agent(*arguments)
    assert json.loads(first.stdout) == {
        "out": str(out),
        "ok": 3,
        "empty": 0,
        "failed": 0,
        "skipped": 0,
    }
    lines = out.read_text(encoding="utf-8").splitlines()
    out.write_text("\n".join(lines[:2]) + "\n" + lines[2][:40], encoding="utf-8")
    resumed = icd_agent(*arguments, "--resume")
    assert json.loads(resumed.stdout)["skipped"] == 2
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["n0", "n1", "n2"]


def test_check_finds_an_excludes1_pair():
    done = icd_agent("check", "E10.9", "E11.9")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    finding = report["findings"][0]
    assert (finding["rule"], finding["severity"]) == ("excludes1", "error")
    assert "I.A.12.a" in finding["citation"]
    assert "E10" in finding["citation"]


def test_check_passes_a_clean_set_and_judges_a_result(results, tmp_path):
    assert icd_agent("check", "i10", "Z794").returncode == 0
    path = tmp_path / "result.json"
    path.write_text(json.dumps(results["discharge_summary"]), encoding="utf-8")
    done = icd_agent("check", "--result", path)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["codes"][0] == "J18.9"


def test_search_finds_codes_and_guideline_cards():
    codes = json.loads(icd_agent("search", "broken wrist").stdout)["hits"]
    assert any(hit["key"].startswith(("S52", "S62")) for hit in codes)
    cards = json.loads(icd_agent("search", "uncertain diagnosis", "--kind", "guideline").stdout)
    assert {"II.H", "IV.H"} & {hit["key"] for hit in cards["hits"][:3]}


def test_show_tells_notes_and_ancestors():
    entry = json.loads(icd_agent("show", "e1122").stdout)
    assert entry["code"] == "E11.22"
    assert "E11" in [a["code"] for a in entry["ancestors"]]
    assert "excludes1" in {n["kind"] for n in entry["notes"]}


def test_help_names_every_command():
    done = icd_agent("--help")
    for command in ("code", "check", "search", "show", "trace", "model", "index", "data", "eval"):
        assert command in done.stdout
        assert icd_agent(command, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("code", "nothing.txt"), "no such file or folder: nothing.txt"),
        (("code", NOTES / "clinic_letter.txt", "--llm", "gpt"), "unknown LLM 'gpt'"),
        (("code", NOTES / "clinic_letter.txt", "--age", "200"), "age is 200"),
        (("code", NOTES / "clinic_letter.txt", "--date", "soon"), "date is 'soon'"),
        (("code", NOTES / "clinic_letter.txt", "--policy", "x"), "Invalid value for '--policy'"),
        (("code",), "Missing argument 'PATH...'"),
        (("check", "X99.99"), "X99.99"),
        (("check",), "give either codes or --result FILE"),
        (("check", "--result", "nothing.json"), "cannot read nothing.json"),
        (("show", "hello"), "hello"),
        (("search", " "), "the search text is empty"),
        (("trace", "show", "nothing.jsonl"), "nothing.jsonl"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_status_2(arguments, message):
    done = icd_agent(*arguments)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_artefacts_that_do_not_belong_together_name_the_repair(tmp_path):
    manifest = (BUNDLED_DIRECTORY / "manifest.json").read_text(encoding="utf-8")
    (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    note = NOTES / "clinic_letter.txt"
    done = icd_agent("code", note, "--llm", "none", "--index", tmp_path)
    assert done.returncode == 2
    assert "is missing" in done.stderr
    assert f"icd-agent index build --out {tmp_path}" in done.stderr
    (tmp_path / "manifest.json").write_text(manifest.replace("2026-04-01", "2020-01-01"))
    done = icd_agent("code", note, "--llm", "none", "--index", tmp_path)
    assert done.returncode == 2
    assert "'2020-01-01'" in done.stderr


def test_a_failing_note_spares_the_others(tmp_path, coders):
    class Broken(type(coders["mentions"])):
        def code(self, request, on_node=None):
            raise RuntimeError("planted")

    broken = object.__new__(Broken)
    broken.__dict__ = coders["mentions"].__dict__
    result = code_or_fail(broken, CodingRequest("n", "Lobar pneumonia."))
    assert (result.status, result.error) == ("failed", "RuntimeError: planted")
    assert result.codes == []


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path):
    done = icd_agent("code", NOTES / "clinic_letter.txt", ICD_AGENT_CACHE=str(tmp_path))
    assert done.returncode == 2
    assert "icd-agent model fetch" in done.stderr
