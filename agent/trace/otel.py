"""Traces as OpenTelemetry spans that are named as OpenInference asks, and their OTLP file.

    run (AGENT) > node (CHAIN, retrieve: RETRIEVER) > LLM call (LLM), tool call (TOOL)

Decisions and judgements are events of their node's span. Ids follow from the trace, so that a
second export gives the same spans.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agent.trace.events import (
    Decision,
    Event,
    Judgement,
    LLMCall,
    NodeEnd,
    NodeStart,
    RunEnd,
    RunStart,
    ToolCall,
)
from agent.trace.reader import read_trace, run_start
from knowledge.errors import UserError

try:
    from google.protobuf.json_format import MessageToDict
    from openinference.semconv.trace import (
        DocumentAttributes,
        MessageAttributes,
        OpenInferenceMimeTypeValues,
        OpenInferenceSpanKindValues,
        SpanAttributes,
    )
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
except ImportError as error:
    raise UserError(
        "trace export otel needs OpenTelemetry and the OpenInference names",
        fix="pip install 'icd-agent[otel]'",
    ) from error

_KINDS = OpenInferenceSpanKindValues
_JSON = OpenInferenceMimeTypeValues.JSON.value
_TEXT = OpenInferenceMimeTypeValues.TEXT.value
_ID_FIELDS = ("traceId", "spanId", "parentSpanId")  # OTLP's JSON has them in hexadecimal


def write_otlp(paths: Iterable[Path], out: Path) -> int:
    """Write traces as a file of OTLP in JSON, one run a line; return the number of spans.

    Raises:
        UserError: A file is no trace, or the file cannot be written.
    """
    spans = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as file:
            for path in paths:
                of_run = run_spans(read_trace(path), path)
                file.write(otlp_line(of_run) + b"\n")
                spans += len(of_run)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror}", fix="name a writable file: --out FILE"
        ) from error
    return spans


def otlp_line(spans: Sequence[ReadableSpan]) -> bytes:
    """Return spans as one OTLP request in JSON."""
    request = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for resource in request["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in _ID_FIELDS:
                    if name in span:
                        span[name] = base64.b64decode(span[name]).hex()
    return orjson.dumps(request)


def run_spans(events: Sequence[Event], trace: Path) -> tuple[ReadableSpan, ...]:
    """Return the spans of one run, each after those within it.

    Raises:
        UserError: The trace has no start.
    """
    exporter = InMemorySpanExporter()
    export_run(events, trace, exporter)
    return exporter.get_finished_spans()


def export_run(events: Sequence[Event], trace: Path, exporter: SpanExporter) -> None:
    """Give the spans of one run to an exporter; a run that was killed ends at its last event.

    Raises:
        UserError: The trace has no start.
    """
    start = run_start(events, trace)
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        # Not what the environment asks for: the spans are to be the same everywhere.
        resource=Resource({"service.name": "icd-agent", **_versions(start)}),
        id_generator=_IdsOfRun(start),
        span_limits=_NO_LIMITS,
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("icd-agent", start.versions.get("icd-agent"))
    clock = _Clock(start)
    root = tracer.start_span(f"code {start.note_id}", start_time=clock.at(0), attributes=_of(start))
    node: _OpenNode | None = None

    def within(parent: Span, name: str, piece: _Piece) -> None:
        span = tracer.start_span(
            name,
            context=set_span_in_context(parent),
            start_time=clock.at(piece.began),
            attributes=piece.attributes,
        )
        span.end(clock.at(piece.ended))

    for event in events:
        if isinstance(event, NodeStart):
            kind = _KINDS.RETRIEVER if event.node == "retrieve" else _KINDS.CHAIN
            span = tracer.start_span(
                event.node,
                context=set_span_in_context(root),
                start_time=clock.at(event.at),
                attributes={
                    SpanAttributes.OPENINFERENCE_SPAN_KIND: kind.value,
                    SpanAttributes.GRAPH_NODE_ID: event.node,
                },
            )
            node = _OpenNode(span, event.at)
        elif isinstance(event, NodeEnd) and node:
            node.span.set_attributes(_of_node(event))
            node.span.end(clock.at(event.at))
            node = None
        elif isinstance(event, LLMCall | ToolCall):
            name = event.purpose if isinstance(event, LLMCall) else event.tool
            within(node.span if node else root, name, _piece(event, node.began if node else 0.0))
        elif isinstance(event, Decision | Judgement):
            attributes = _flat(event)
            (node.span if node else root).add_event(event.event, attributes, clock.at(event.at))
        elif isinstance(event, RunEnd):
            root.set_attributes(_of_end(event))
            root.set_status(Status(StatusCode.OK))
    if node:
        node.span.end(clock.at(events[-1].at))
    root.end(clock.at(events[-1].at))
    provider.shutdown()


# The default of 128 attributes and events would cut candidates and decisions off.
_NO_LIMITS = SpanLimits(
    max_span_attributes=SpanLimits.UNSET,
    max_events=SpanLimits.UNSET,
    max_event_attributes=SpanLimits.UNSET,
    max_span_attribute_length=SpanLimits.UNSET,
    max_attributes=SpanLimits.UNSET,
    max_attribute_length=SpanLimits.UNSET,
)


class _OpenNode(NamedTuple):
    span: Span
    began: float


class _Piece(NamedTuple):
    """A span within a node: seconds of the run and attributes."""

    began: float
    ended: float
    attributes: Mapping[str, Any]


class _Clock:
    """From seconds since a run began to nanoseconds since 1970."""

    def __init__(self, start: RunStart) -> None:
        self._zero = int(datetime.fromisoformat(start.started).timestamp()) * 10**9

    def at(self, seconds: float) -> int:
        return self._zero + round(seconds * 1e9)


class _IdsOfRun(IdGenerator):
    """Ids from the identity of a run, so that the same trace always has the same ones."""

    def __init__(self, start: RunStart) -> None:
        self._identity = f"{start.note_id} {start.note_sha256} {start.started} {start.llm}"
        self._spans = 0

    def generate_trace_id(self) -> int:
        return self._hash("trace", 16)

    def generate_span_id(self) -> int:
        self._spans += 1
        return self._hash(f"span {self._spans}", 8)

    def _hash(self, what: str, size: int) -> int:
        digest = hashlib.sha256(f"{self._identity} {what}".encode()).digest()
        return int.from_bytes(digest[:size], "big")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _versions(start: RunStart) -> dict[str, str]:
    return {"service.version": start.versions.get("icd-agent", "unknown")}


def _of(start: RunStart) -> dict[str, Any]:
    metadata = {
        "note_id": start.note_id,
        "note_sha256": start.note_sha256,
        "settings": start.settings,
        "llm": start.llm,
        "knowledge": start.knowledge,
        "versions": start.versions,
    }
    return {
        SpanAttributes.OPENINFERENCE_SPAN_KIND: _KINDS.AGENT.value,
        SpanAttributes.AGENT_NAME: "icd-agent",
        SpanAttributes.INPUT_VALUE: start.note,
        SpanAttributes.INPUT_MIME_TYPE: _TEXT,
        SpanAttributes.METADATA: _json(metadata),
    }


def _of_end(event: RunEnd) -> dict[str, Any]:
    return {
        SpanAttributes.OUTPUT_VALUE: event.result.model_dump_json(),
        SpanAttributes.OUTPUT_MIME_TYPE: _JSON,
    }


def _of_node(event: NodeEnd) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        SpanAttributes.OUTPUT_VALUE: _json(event.summary),
        SpanAttributes.OUTPUT_MIME_TYPE: _JSON,
    }
    for place, best in enumerate(event.summary.get("best", ())):
        document = f"{SpanAttributes.RETRIEVAL_DOCUMENTS}.{place}."
        attributes[document + DocumentAttributes.DOCUMENT_ID] = best["code"]
        attributes[document + DocumentAttributes.DOCUMENT_SCORE] = best["score"]
        attributes[document + DocumentAttributes.DOCUMENT_METADATA] = _json(best["sources"])
    return attributes


def _piece(event: LLMCall | ToolCall, earliest: float) -> _Piece:
    """Return the span of a call, which was recorded when it ended.

    A replayed call has the seconds of its first run: it must not begin before its node.
    """
    attributes = _of_call(event) if isinstance(event, LLMCall) else _of_tool(event)
    return _Piece(max(earliest, event.at - event.seconds), event.at, attributes)


def _of_tool(event: ToolCall) -> dict[str, Any]:
    return {
        SpanAttributes.OPENINFERENCE_SPAN_KIND: _KINDS.TOOL.value,
        SpanAttributes.TOOL_NAME: event.tool,
        SpanAttributes.INPUT_VALUE: _json(event.arguments),
        SpanAttributes.INPUT_MIME_TYPE: _JSON,
        SpanAttributes.OUTPUT_VALUE: _json(event.result),
        SpanAttributes.OUTPUT_MIME_TYPE: _JSON,
    }


def _of_call(event: LLMCall) -> dict[str, Any]:
    answer = event.response if event.logprobs is None else _json(event.logprobs)
    attributes: dict[str, Any] = {
        SpanAttributes.OPENINFERENCE_SPAN_KIND: _KINDS.LLM.value,
        SpanAttributes.LLM_MODEL_NAME: event.model,
        SpanAttributes.LLM_INVOCATION_PARAMETERS: _json(
            {"call": event.call, "choices": event.choices, **event.settings}
        ),
        SpanAttributes.LLM_TOKEN_COUNT_PROMPT: event.prompt_tokens,
        SpanAttributes.LLM_TOKEN_COUNT_COMPLETION: event.completion_tokens,
        SpanAttributes.LLM_TOKEN_COUNT_TOTAL: event.tokens,
        SpanAttributes.LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ: event.cached_tokens,
        SpanAttributes.INPUT_VALUE: _json(event.messages),
        SpanAttributes.INPUT_MIME_TYPE: _JSON,
        SpanAttributes.METADATA: _json({"prompt_sha256": event.prompt_sha256}),
        **_messages(SpanAttributes.LLM_INPUT_MESSAGES, event.messages),
    }
    if answer is not None:
        said = [{"role": "assistant", "content": _said(event)}]
        attributes.update(_messages(SpanAttributes.LLM_OUTPUT_MESSAGES, said))
        attributes[SpanAttributes.OUTPUT_VALUE] = answer
        attributes[SpanAttributes.OUTPUT_MIME_TYPE] = _TEXT if event.logprobs is None else _JSON
    return attributes


def _said(call: LLMCall) -> str:
    """Return an answer as text; of scored choices the likeliest."""
    if call.logprobs is not None:
        return max(call.logprobs, key=call.logprobs.__getitem__)
    return call.response or ""


def _messages(prefix: str, messages: Iterable[Mapping[str, str]]) -> dict[str, str]:
    attributes = {}
    for place, message in enumerate(messages):
        key = f"{prefix}.{place}."
        attributes[key + MessageAttributes.MESSAGE_ROLE] = message["role"]
        attributes[key + MessageAttributes.MESSAGE_CONTENT] = message["content"]
    return attributes


def _flat(event: Decision | Judgement) -> dict[str, Any]:
    """Return the fields of an event as span attributes: lists of texts stay, objects are JSON."""
    flat: dict[str, Any] = {}
    for name, value in event.model_dump(exclude={"id", "parent", "at", "tokens", "event"}).items():
        if value is None:
            continue
        if isinstance(value, list | dict):
            value = _json(value)
        flat[f"icd_agent.{event.event}.{name}"] = value
    return flat
