"""Span lines of the layer and of others, and what is none."""

from __future__ import annotations

import json

import pytest

from observe import wire
from subscribers.signals import Link
from tests.subscribers.lambda_stream import (
    REQUEST,
    SPAN,
    T0_MS,
    TRACE,
    logs,
    spans,
    told,
)

T0 = T0_MS * 1_000_000


# --- Spans ----------------------------------------------------------------------------------


def wire_span() -> wire.Span:
    attributes = {
        "correlation_id": "CLM-1",
        "faas.invocation_id": REQUEST,
        "n": 3,
        "f": 0.5,
        "yes": True,
        "list": ["a", 1, {"k": None}],
        "nan": float("nan"),
        "big": 1 << 70,
    }
    span = wire.Span(TRACE, SPAN, "a" * 16, "POST /claims", wire.KIND_CLIENT, T0, attributes)
    span.end_unix_nano, span.status, span.status_message = T0 + 5, wire.STATUS_ERROR, "502"
    span.events = [("exception", T0 + 1, {"exception.type": "X"})]
    span.links = [("b" * 32, "c" * 16, {"observe.link": "xray"})]
    return span


@pytest.mark.parametrize("lead", [None, {"timestamp": "2026-11-21T03:30:10.123Z", "level": "INFO"}])
def test_a_span_line_of_the_layer_is_read_whole(lead: dict[str, str] | None) -> None:
    """In text and in JSON mode; attributes are plain JSON again."""
    (line,) = wire.span_lines("claims-api", [wire_span()], lead=lead)
    parsed = told(line.decode())
    (span,) = spans(parsed)
    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE, SPAN, "a" * 16)
    assert (span.name, span.kind, span.told_by) == ("POST /claims", "client", "layer")
    assert (span.start_unix_nano, span.end_unix_nano) == (T0, T0 + 5)
    assert (span.status, span.status_message) == ("error", "502")
    assert (span.correlation_id, span.request_id, span.origin.service) == ("CLM-1", REQUEST, "claims-api")
    assert span.attributes["list"] == ["a", 1, {"k": ""}]
    assert (span.attributes["n"], span.attributes["f"], span.attributes["yes"]) == (3, 0.5, True)
    assert span.attributes["nan"] == "NaN"
    assert span.links == (Link("b" * 32, "c" * 16, {"observe.link": "xray"}),)
    assert span.events == (
        {"name": "exception", "time_unix_nano": T0 + 1, "attributes": {"exception.type": "X"}},
    )
    assert len(parsed.signals) == 1


def test_several_spans_of_a_line_are_numbered() -> None:
    """Across scopes and resources; a resource without a name has the origin's service."""
    (line,) = wire.span_lines("x", [wire_span(), wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"].append({"scopeSpans": tree["resourceSpans"][0]["scopeSpans"]})
    found = spans(told(json.dumps(tree)))
    assert [span.event_id[-2:] for span in found] == [":0", ":1", ":2", ":3"]
    assert [span.origin.service for span in found] == ["x", "x", "claims", "claims"]


def test_other_resource_attributes_become_the_spans() -> None:
    """Foreign exporters say more about the resource than its name."""
    (line,) = wire.span_lines("x", [wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"][0]["resource"]["attributes"] += [
        {"key": "n", "value": {"intValue": "9"}},
        {"key": "host.name", "value": {"stringValue": "h"}},
    ]
    attributes = spans(told(json.dumps(tree)))[0].attributes
    assert (attributes["n"], attributes["host.name"]) == (3, "h")


def broken(**changes: object) -> str:
    (line,) = wire.span_lines("x", [wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0].update(changes)
    return json.dumps(tree, separators=(",", ":"))


@pytest.mark.parametrize(
    "line",
    [
        broken(traceId="xyz"),
        broken(traceId="0" * 32),
        broken(spanId=None),
        broken(startTimeUnixNano="soon"),
        broken(endTimeUnixNano="-1"),
        broken(endTimeUnixNano=str(1 << 64)),
        broken(kind="SPAN_KIND_SERVER"),
        broken(attributes={"a": 1}),
        broken(attributes=[{"key": "a", "value": {"intValue": "x"}}]),
        broken()[:-20],
        '{"resourceSpans":5}',
        '{"resourceSpans":' + "[" * 3000,
    ],
)
def test_a_broken_span_line_stays_a_log_and_is_counted(line: str) -> None:
    """Cut or wrong, its text is not lost."""
    parsed = told(line)
    (log,) = logs(parsed)
    assert (log.message, log.dataset) == (line, "lambda.text")
    assert (spans(parsed), parsed.notes) == ([], {"bad_span_line": 1})


def test_a_log_that_mentions_spans_is_a_log() -> None:
    """The words are in a field of it, not at its head."""
    parsed = told('{"level":"INFO","message":"m","sent":{"resourceSpans":[]}}')
    assert (logs(parsed)[0].message, parsed.notes) == ("m", {})


def test_a_span_line_without_spans_is_no_signal() -> None:
    """Nothing to deliver, nothing lost."""
    assert told('{"resourceSpans":[]}').silent == 1
