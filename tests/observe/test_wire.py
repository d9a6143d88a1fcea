"""The lines are valid whatever goes in, under the limit, and what the specification says."""

from __future__ import annotations

import datetime
import decimal
import json
import re
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from observe import wire

VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=10)
    | st.just(object())
    | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=25,
)


def _no_constants(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=6))
def test_a_log_line_is_always_valid(fields: dict[str, Any]) -> None:
    """Any Python values make one line of valid JSON."""
    line = wire.log_line(fields)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert isinstance(json.loads(line, parse_constant=_no_constants), dict)


class _Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (decimal.Decimal("1.10"), "1.10"),
        (datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC), "2026-11-21 00:00:00+00:00"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (b"\xff", "b'\\xff'"),
        ("\ud800", "?"),
        (_Rude(), "<_Rude: RuntimeError in __str__>"),
    ],
)
def test_what_json_lacks_becomes_text(value: object, text: str) -> None:
    """Values without a JSON form come out as text."""
    assert json.loads(wire.log_line({"v": value}))["v"] == text


def test_cycles_and_depth_are_bounded() -> None:
    """A structure that contains itself, or is nested without end, still makes a line."""
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(wire.log_line({"cycle": cycle, "deep": deep}))


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "é" * 200_000},
        {"message": "m", "many": {str(n): "x" * 100 for n in range(100_000)}},
        {"message": "m", **{f"k{n}": "x" * 300 for n in range(20_000)}},
        {"message": "\U0001f600" * 60_000},
    ],
    ids=["long", "many", "wide", "wide characters"],
)
def test_a_line_over_the_limit_is_cut_and_says_so(fields: dict[str, Any]) -> None:
    """A line stays under 200 KiB in bytes, valid, and tells how long it was."""
    line = wire.log_line(fields)
    assert len(line) <= wire.LINE_MAX_BYTES
    decoded = json.loads(line)
    assert decoded["cut"] > wire.LINE_MAX_BYTES
    assert decoded["message"].startswith(fields["message"][:20])


def _span(attributes: dict[str, Any] | None = None, **fields: Any) -> wire.Span:
    span = wire.Span("a" * 32, "b" * 16, "c" * 16, "name", wire.KIND_SERVER, 10**18, attributes)
    span.end_unix_nano = 10**18 + 5
    for name, value in fields.items():
        setattr(span, name, value)
    return span


def _official(line: bytes) -> TracesData:
    """The line as OpenTelemetry's own protobuf definition reads it, with the hex IDs as bytes."""
    import base64

    tree = json.loads(line)
    for resource in tree["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for item in (span, *span.get("links", ())):
                    for key in ("traceId", "spanId", "parentSpanId"):
                        if key in item:
                            item[key] = base64.b64encode(bytes.fromhex(item[key])).decode()
    parsed: TracesData = json_format.ParseDict(tree, TracesData())
    return parsed


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), st.text(max_size=20))
def test_a_span_line_is_read_by_the_official_definition(attributes: dict[str, Any], name: str) -> None:
    """OTLP/JSON of any attributes is accepted by OpenTelemetry's own protobuf definition."""
    span = _span(attributes, name=name, status=wire.STATUS_ERROR, status_message="m")
    span.events.append(("exception", 10**18 + 1, {"exception.type": "E"}))
    span.links.append(("d" * 32, "e" * 16, {"observe.link": "xray"}))
    (line,) = wire.span_lines("svc", [span])
    (resource,) = _official(line).resource_spans
    assert resource.resource.attributes[0].value.string_value == "svc"
    (read,) = resource.scope_spans[0].spans
    assert (read.trace_id.hex(), read.parent_span_id.hex(), read.kind) == ("a" * 32, "c" * 16, 2)
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (10**18, 10**18 + 5)
    assert (read.status.code, read.links[0].trace_id.hex()) == (2, "d" * 32)
    assert len(read.attributes) == len(attributes)


def test_spans_are_split_over_lines_and_none_is_lost() -> None:
    """More spans than fit a line go to the next; one that is too large alone is cut and marked."""
    spans = [_span({"n": n, "pad": "x" * 900}) for n in range(1000)]
    spans.append(_span({"huge": "y" * 500_000, "n": 1000}))
    lines = wire.span_lines("svc", spans)
    assert len(lines) > 1
    assert all(len(line) <= wire.LINE_MAX_BYTES for line in lines)
    read = [span for line in lines for span in _official(line).resource_spans[0].scope_spans[0].spans]
    assert len(read) == 1001
    assert any(attribute.key == "observe.cut" for attribute in read[-1].attributes)


def test_timestamps_have_milliseconds() -> None:
    """RFC 3339, UTC, three digits, also right at the edge of a second."""
    assert wire.timestamp(1_795_231_810_123_999_999) == "2026-11-21T03:30:10.123Z"
    assert re.fullmatch(r"[0-9T:-]+\.000Z", wire.timestamp(10**18))
