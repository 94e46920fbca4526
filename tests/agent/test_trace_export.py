"""Traces for OpenTelemetry and for pandas, read back by their own libraries."""

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.trace import trace_group
from agent.trace.reader import read_trace
from knowledge.errors import UserError

TRACES = Path(__file__).parents[1] / "data" / "traces"
TRACE = TRACES.parent / "old_traces" / "version_1.jsonl.gz"
NAMES = ("clinic_letter", "discharge_summary", "emergency_visit")


@pytest.fixture(scope="module")
def recorded():
    return read_trace(TRACE)


@pytest.fixture(scope="module")
def spans(recorded):
    """The spans of a run, as an in-memory exporter of OpenTelemetry receives them."""
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'icd-agent[otel]'")
    pytest.importorskip("openinference.semconv", reason="pip install 'icd-agent[otel]'")
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from agent.trace.otel import export_run

    exporter = InMemorySpanExporter()
    export_run(recorded, TRACE, exporter)
    return exporter.get_finished_spans()


def of_kind(spans, kind):
    return [s for s in spans if s.attributes["openinference.span.kind"] == kind]


def test_a_run_is_one_tree_of_spans(spans, recorded):
    assert len({s.context.trace_id for s in spans}) == 1
    by_id = {s.context.span_id: s for s in spans}
    assert len(by_id) == len(spans)
    (root,) = (s for s in spans if s.parent is None)
    assert root.attributes["openinference.span.kind"] == "AGENT"
    assert root.attributes["input.value"] == recorded[0].note
    assert json.loads(root.attributes["output.value"])["codes"]
    for span in spans:
        assert span.end_time >= span.start_time
        if span is not root:
            parent = by_id[span.parent.span_id]
            assert parent.start_time <= span.start_time
            assert span.end_time <= parent.end_time
    nodes = [e.node for e in recorded if e.event == "node_start"]
    assert sorted(
        s.name
        for s in spans
        if s.parent == root.context or (s.parent and s.parent.span_id == root.context.span_id)
    ) == sorted(nodes)


def test_llm_spans_have_the_openinference_names(spans, recorded):
    calls = [e for e in recorded if e.event == "llm_call"]
    of_llm = of_kind(spans, "LLM")
    assert [s.name for s in of_llm] == [c.purpose for c in calls]
    for span, call in zip(of_llm, calls, strict=True):
        seen = dict(span.attributes)
        assert seen["llm.model_name"] == call.model
        assert seen["llm.token_count.prompt"] == call.prompt_tokens
        assert seen["llm.token_count.completion"] == call.completion_tokens
        assert seen["llm.token_count.total"] == call.tokens
        assert seen["llm.token_count.prompt_details.cache_read"] == call.cached_tokens
        for place, message in enumerate(call.messages):
            key = f"llm.input_messages.{place}.message"
            assert seen[f"{key}.role"] == message["role"]
            assert seen[f"{key}.content"] == message["content"]
        likeliest = max(call.logprobs, key=call.logprobs.get)
        assert seen["llm.output_messages.0.message.content"] == likeliest
        assert json.loads(seen["output.value"]) == call.logprobs
        assert json.loads(seen["llm.invocation_parameters"])["choices"] == call.choices
        # The trace has seconds as a float; nanoseconds are rounded.
        assert math.isclose((span.end_time - span.start_time) / 1e9, call.seconds, abs_tol=1e-6)


def test_retrieval_tools_and_decisions_are_complete(spans, recorded):
    (retriever,) = of_kind(spans, "RETRIEVER")
    best = next(e for e in recorded if e.event == "node_end" and e.node == "retrieve").summary[
        "best"
    ]
    documents = [
        retriever.attributes[f"retrieval.documents.{n}.document.id"] for n in range(len(best))
    ]
    assert documents == [b["code"] for b in best]
    assert len(documents) == 100
    tools = [e for e in recorded if e.event == "tool_call"]
    assert [s.attributes["tool.name"] for s in of_kind(spans, "TOOL")] == [t.tool for t in tools]
    # More than OpenTelemetry's default limit of 128 events a span and attributes.
    decisions = [e for s in spans for e in s.events if e.name == "decision"]
    assert len(decisions) == sum(e.event == "decision" for e in recorded)
    assert all(s.dropped_events == s.dropped_attributes == 0 for s in spans)
    first = next(e for e in recorded if e.event == "decision")
    assert decisions[0].attributes["icd_agent.decision.code"] == first.code
    assert decisions[0].attributes["icd_agent.decision.reason"] == first.reason


def test_the_file_holds_otlp_that_its_own_library_reads(spans, tmp_path):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.common", reason="icd-agent[otel]")
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    out = tmp_path / "spans.jsonl"
    done = CliRunner().invoke(
        trace_group, ["export", "otel", str(TRACE), str(TRACE), "--out", str(out)]
    )
    assert json.loads(done.stdout) == {"out": str(out), "spans": 2 * len(spans)}
    one, again = out.read_text("utf-8").splitlines()
    assert one == again, "a second export gives the same ids"
    request = json.loads(one)
    written = [s for r in request["resourceSpans"] for g in r["scopeSpans"] for s in g["spans"]]
    assert {s["traceId"] for s in written} == {f"{spans[0].context.trace_id:032x}"}
    assert {s["spanId"] for s in written} == {f"{s.context.span_id:016x}" for s in spans}
    ParseDict(request, ExportTraceServiceRequest())


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    pytest.importorskip("pyarrow", reason="pip install 'icd-agent[parquet]'")
    pandas = pytest.importorskip("pandas")
    folder = tmp_path_factory.mktemp("tables")
    paths = [str(TRACES / f"{name}.jsonl") for name in NAMES]
    done = CliRunner().invoke(
        trace_group, ["export", "parquet", *paths, "--out", str(folder)], catch_exceptions=False
    )
    report = json.loads(done.stdout)
    read = {path.stem: pandas.read_parquet(path) for path in folder.glob("*.parquet")}
    assert report == {"out": str(folder), **{name: len(table) for name, table in read.items()}}
    return read


def test_pandas_reads_what_the_traces_hold(tables):
    for run, name in enumerate(NAMES):
        events = read_trace(TRACES / f"{name}.jsonl")
        result = events[-1].result
        row = tables["runs"].loc[run]
        assert (row.note_id, row.status, row.codes) == (name, "ok", len(result.codes))
        assert row.llm_calls == result.usage.llm_calls
        codes = tables["codes"].query("run == @run")
        assert codes.code.tolist() == [c.code for c in result.codes]
        assert codes.confidence.tolist() == [c.confidence for c in result.codes]
        decisions = tables["decisions"].query("run == @run")
        recorded = [e for e in events if e.event == "decision"]
        assert decisions.code.tolist() == [d.code for d in recorded]
        assert decisions.event.tolist() == [d.id for d in recorded]
        calls = tables["llm_calls"].query("run == @run")
        recorded = [e for e in events if e.event == "llm_call"]
        assert [{part["name"]: part["score"] for part in scores} for scores in calls.logprobs] == [
            c.logprobs for c in recorded
        ]
        tools = tables["tool_calls"].query("run == @run")
        assert tools.findings.sum() == sum(len(e.result) for e in events if e.event == "tool_call")


def test_tables_join_by_run(tables):
    joined = tables["codes"].merge(tables["runs"], on="run")
    assert len(joined) == len(tables["codes"])
    assert set(tables["codes"].entered_node) <= {"reason", "compare", "policy", "judge", "revise"}


def test_no_note_and_no_prompt_is_in_the_tables(tables, recorded):
    text = " ".join(table.to_csv() for table in tables.values())
    assert recorded[0].note not in text
    assert "You are a careful clinical coder" not in text


def test_a_file_that_is_no_trace_is_an_error(tmp_path):
    pytest.importorskip("pyarrow", reason="pip install 'icd-agent[parquet]'")
    from agent.trace.parquet import write_tables

    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "n"}\n')
    with pytest.raises(UserError, match="does not begin with run_start"):
        write_tables([bad], tmp_path / "out")
