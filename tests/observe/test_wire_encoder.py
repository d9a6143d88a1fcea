"""A span line is what OpenTelemetry's own exporter would send: the official encoder is asked."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SdkEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from observe import wire

_IDS = (("traceId", 32), ("spanId", 16), ("parentSpanId", 16))
numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.one_of(
    texts,
    st.booleans(),
    numbers,
    st.floats(allow_nan=False),
    st.lists(texts, max_size=3),
    st.lists(numbers, max_size=3),
    st.lists(st.booleans(), max_size=3),
)
attributes = st.dictionaries(texts.filter(bool), values, max_size=4)
ids = st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1)
times = st.integers(0, 2**62)


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(0))


def _ours(line: bytes) -> Span:
    """The span of a line, read by the official definition; it has IDs in base64, OTLP/JSON in hex."""
    tree = json.loads(line)
    (span,) = tree["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for item in (span, *span.get("links", ())):
        for key, length in _IDS:
            if key in item:
                assert len(item[key]) == length
                item[key] = base64.b64encode(bytes.fromhex(item[key])).decode()
    read: TracesData = json_format.ParseDict(tree, TracesData())
    return read.resource_spans[0].scope_spans[0].spans[0]


@given(
    own=st.tuples(*ids),
    parent=st.one_of(st.none(), ids[1]),
    name=texts,
    kind=st.sampled_from(list(SpanKind)),
    told=attributes,
    when=st.tuples(times, times),
    event=st.one_of(st.none(), st.tuples(texts, times, attributes)),
    link=st.one_of(st.none(), st.tuples(*ids, attributes)),
    failure=st.one_of(st.none(), texts),
)
def test_a_line_says_what_the_official_encoder_says(
    own: tuple[int, int],
    parent: int | None,
    name: str,
    kind: SpanKind,
    told: dict[str, Any],
    when: tuple[int, int],
    event: tuple[str, int, dict[str, Any]] | None,
    link: tuple[int, int, dict[str, Any]] | None,
    failure: str | None,
) -> None:
    """For any span: IDs, parent, name, kind, times, attributes, events, links and status are equal."""
    official = ReadableSpan(
        name=name,
        context=_context(*own),
        parent=None if parent is None else _context(own[0], parent),
        resource=Resource({}),
        attributes=told,
        events=[SdkEvent(event[0], event[2], event[1])] if event else [],
        links=[Link(_context(link[0], link[1]), link[2])] if link else [],
        kind=kind,
        status=Status(StatusCode.UNSET) if failure is None else Status(StatusCode.ERROR, failure),
        start_time=when[0],
        end_time=when[1],
    )
    span = wire.Span(
        f"{own[0]:032x}",
        f"{own[1]:016x}",
        "" if parent is None else f"{parent:016x}",
        name,
        kind.value + 1,  # OTLP's numbers begin with 1 for internal
        when[0],
        dict(told),
    )
    span.end_unix_nano = when[1]
    if event:
        span.events.append((event[0], event[1], event[2]))
    if link:
        span.links.append((f"{link[0]:032x}", f"{link[1]:016x}", link[2]))
    if failure is not None:
        span.status, span.status_message = wire.STATUS_ERROR, failure
    (line,) = wire.span_lines("svc", [span])
    (expected,) = encode_spans([official]).resource_spans[0].scope_spans[0].spans
    expected.flags = 0  # what the line leaves out, and what it has in no case
    if failure is None:
        expected.ClearField("status")
    for each in expected.links:
        each.flags = 0
    assert _ours(line) == expected
