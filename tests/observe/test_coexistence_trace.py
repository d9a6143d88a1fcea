"""Inside another tracer's span, whenever it begins: what is told and sent names that trace and that span."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

import observe
from observe import coexistence
from observe import context as contexts
from observe.testing import Lines
from tests.observe.running import run, sqs_event

THEIRS = ("a" * 32, "c" * 16)
OURS = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True)
def _passive(monkeypatch: pytest.MonkeyPatch) -> None:
    """As coexistence.install leaves it behind for OpenTelemetry's instrumentation."""
    monkeypatch.setenv("OBSERVE_MODE", "passive")
    monkeypatch.setattr(coexistence, "_innermost", coexistence._opentelemetry)
    contexts.set_bridge(coexistence._within)


@contextlib.contextmanager
def _their_span(trace_id: str, span_id: str) -> Iterator[None]:
    span = NonRecordingSpan(SpanContext(int(trace_id, 16), int(span_id, 16), False, TraceFlags(1)))
    token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        otel_context.detach(token)


def _told(lines: Lines) -> list[tuple[str, str, str]]:
    return [(line["trace_id"], line["span_id"], line["correlation_id"]) for line in lines.logs]


def test_a_trace_that_begins_in_the_handler(lines: Lines) -> None:
    """Before it and after it there is the caller's; inside of it the other one's, in headers, too."""
    sent = []

    def function(event: object, context: object) -> None:
        observe.log.info("before")
        with _their_span(*THEIRS):
            observe.log.info("inside")
            sent.append(observe.inject(observe.current()))
        observe.log.info("after")

    headers = {"traceparent": f"00-{OURS}-{'b' * 16}-01", "x-correlation-id": "C", "tracestate": "v=1"}
    run(sqs_event(headers), function)
    before, inside, after = _told(lines)
    assert before == after
    assert (before[0], before[2]) == (OURS, "C")
    assert inside == (*THEIRS, "C")
    assert sent[0]["traceparent"] == f"00-{THEIRS[0]}-{THEIRS[1]}-01"
    assert (sent[0]["x-correlation-id"], "tracestate" in sent[0]) == ("C", False)


def test_a_span_of_the_same_trace_keeps_what_came_with_it(lines: Lines) -> None:
    """Where the other one goes on with the caller's trace, its state goes on, too."""
    sent = []

    def function(event: object, context: object) -> None:
        with _their_span(OURS, THEIRS[1]):
            sent.append(observe.inject(observe.current()))

    headers = {"traceparent": f"00-{OURS}-{'b' * 16}-01", "tracestate": "v=1"}
    run(sqs_event(headers), function)
    assert sent[0]["traceparent"] == f"00-{OURS}-{THEIRS[1]}-01"
    assert sent[0]["tracestate"] == "v=1"


def test_records_and_contexts_that_are_entered(lines: Lines) -> None:
    """They have a correlation ID of their own; a trace of its own the other tracer does not know."""

    def function(event: object, context: object) -> None:
        with _their_span(*THEIRS):
            for record in observe.records(event):
                with record:
                    observe.log.info("record")
            with observe.use(observe.extract({"x-correlation-id": "U"})):
                observe.log.info("used")

    run(sqs_event({"x-correlation-id": "A"}, {"x-correlation-id": "B"}), function)
    assert _told(lines) == [(*THEIRS, "A"), (*THEIRS, "B"), (*THEIRS, "U")]
    assert lines.spans == []
