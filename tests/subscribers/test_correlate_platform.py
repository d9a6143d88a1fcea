# ruff: noqa: E501 - lines as Lambda writes them
"""`spans: platform`: the layer's spans make way for the platform's, and keep their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import wire
from observe.semconv import STANDS_FOR
from subscribers.config import loads
from subscribers.correlate import stories
from subscribers.correlate_platform import STANDS_FOR_MAX, only_platform
from subscribers.enrich import Enrichment
from subscribers.parse import parse
from subscribers.parsers.page import Parsed
from subscribers.signals import Span
from tests.subscribers.lambda_stream import (
    COLD,
    END,
    NOW,
    ORIGIN,
    OTHER,
    REPORT,
    REQUEST,
    SPAN,
    START,
    T0_MS,
    TRACE,
    batch,
    logs,
    metrics,
    spans,
    told,
)
from tests.subscribers.samples import span as sample

CALL = "a2fb4a1d1a96d312"
CALLER = "1111111111111111"
CONFIG = loads("version: 1\nservices: {claims: {side: serverless, spans: platform}, legacy: {side: legacy}}")
TIMEOUT = f"2026-11-21T03:30:10.004Z {REQUEST} Task timed out after 3.00 seconds\n\n"
EXIT = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"
UNCAUGHT = json.dumps({"timestamp": "2026-11-21T03:30:10.003Z", "level": "ERROR", "errorType": "KeyError", "errorMessage": "'x'", "requestId": REQUEST, "stackTrace": ["a"]})  # fmt: skip
RECORDS = [
    json.dumps({"time": "2026-11-21T03:30:10.000Z", "type": "platform.start", "record": {"requestId": REQUEST}}),
    json.dumps({"time": "2026-11-21T03:30:10.009Z", "type": "platform.report", "record": {"requestId": REQUEST, "status": "error", "errorType": "Runtime.ExitError", "metrics": {"durationMs": 9, "billedDurationMs": 10}}}),
]  # fmt: skip


def span_line(span_id: str = SPAN, parent: str = "", kind: int = wire.KIND_SERVER, request: str = REQUEST, at_ms: int = T0_MS) -> str:  # fmt: skip
    """A line with one span of the layer's."""
    attributes = {"faas.invocation_id": request, "correlation_id": "CLM-1"}
    span = wire.Span(TRACE, span_id, parent, "POST /claims", kind, at_ms * 1_000_000, attributes)
    span.end_unix_nano = (at_ms + 5) * 1_000_000
    (line,) = wire.span_lines("claims-api", [span])
    return line.decode()


OWN = span_line(parent=CALLER)
INNER = span_line(CALL, SPAN, wire.KIND_CLIENT)


def replaced(*lines: str) -> Parsed:
    """What lines become where the service says `spans: platform`."""
    parsed = told(*lines)
    Enrichment(CONFIG).apply(parsed)
    return parsed


def test_the_platforms_span_has_the_place_of_the_layers() -> None:
    """Times and outcome are the report's; trace, span ID, parent and correlation ID the layer's."""
    (span,) = spans(replaced(START, "print", INNER, OWN, END, COLD))
    assert (span.told_by, span.name, span.kind) == ("platform", "claims", "server")
    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE, SPAN, CALLER)
    assert (span.correlation_id, span.request_id) == ("CLM-1", REQUEST)
    assert (span.start_unix_nano, span.end_unix_nano) == (T0_MS * 1_000_000, (T0_MS + 5) * 1_000_000)
    assert (span.attributes["aws.lambda.billed_duration"], span.attributes["faas.coldstart"]) == (10.0, True)
    assert span.attributes[STANDS_FOR] == [CALL]


def test_what_is_left_out_is_counted() -> None:
    """A note a span, and the events that told nothing else are no signal."""
    parsed = replaced(START, INNER, OWN, END, COLD)
    assert parsed.notes == {"spans_platform": 2}
    assert parsed.silent == 2
    plain = told(START, INNER, OWN, END, COLD)
    assert (logs(parsed), metrics(parsed)) == (logs(plain), metrics(plain))


def test_children_find_their_parents() -> None:
    """What was called from within a span that was left out is a child of the one that stands for it."""
    (span,) = spans(replaced(START, INNER, OWN, END, COLD))
    at = {"trace_id": TRACE, "start_unix_nano": span.start_unix_nano, "end_unix_nano": span.end_unix_nano}
    rows = [
        span,
        sample("of call", **at, parent_span_id=CALL),  # type: ignore[arg-type]
        sample("of own", **at, parent_span_id=SPAN),  # type: ignore[arg-type]
    ]
    (story,) = stories(TRACE, rows, [])
    places = {node.span.name: (node.parent, node.inferred, node.parent_missing) for node in story.spans}
    assert places == {"claims": (-1, False, True), "of call": (0, False, False), "of own": (0, False, False)}


def test_two_payloads() -> None:
    """The report comes later: its invocation is of the trace that the lines tell, and contains what it called."""
    ours = json.dumps({"level": "INFO", "message": "ours", "requestId": REQUEST, "service": "claims", "trace_id": TRACE, "span_id": SPAN, "correlation_id": "CLM-1"})  # fmt: skip
    first, second = replaced(START, ours, INNER, OWN), replaced("x", "y", "z", "print", END, REPORT)
    assert (spans(first), first.notes) == ([], {"spans_platform": 2})
    (late,) = spans(second)
    legacy = sample("legacy", service="legacy", trace_id=TRACE, parent_span_id=CALL, start_unix_nano=late.end_unix_nano - 5_000_001, end_unix_nano=late.end_unix_nano - 2_000_001)  # fmt: skip
    (story,) = stories(TRACE, [late, legacy], [*logs(first), *logs(second)])
    assert [(n.span.name, n.depth, n.inferred) for n in story.spans] == [("claims", 0, False), ("legacy", 1, True)]  # fmt: skip
    assert len([log for node in story.spans for log in node.logs]) == 8


@pytest.mark.parametrize(
    ("lines", "status", "message"),
    [
        ((TIMEOUT, END, f"{REPORT}Status: timeout"), "error", "timeout"),
        ((EXIT, END, REPORT), "error", "Runtime.ExitError"),
        ((UNCAUGHT, END, REPORT), "error", "KeyError"),
        ((END, f"{REPORT}Status: error\tError Type: Runtime.OutOfMemory\t"), "error", "Runtime.OutOfMemory"),
        ((END, REPORT), "unset", ""),
    ],
)
def test_how_it_ended(lines: tuple[str, ...], status: str, message: str) -> None:
    """As the platform's lines and the runtime's report tell it, whatever the layer said."""
    (span,) = spans(replaced(START, OWN, *lines))
    assert (span.status, span.status_message, span.attributes.get("error.type", "")) == (status, message, message)  # fmt: skip


def test_retries_of_a_request() -> None:
    """Each attempt has its own report, and takes the place of its own span."""
    first, again = span_line("1" * 16), span_line("2" * 16, at_ms=T0_MS + 60_000)
    both = batch(START, first, END, f"{REPORT}Status: timeout", START, again, END, REPORT)
    late = [replace(event, timestamp_ms=event.timestamp_ms + 60_000) for event in both.events[4:]]
    both = replace(both, events=(*both.events[:4], *late))
    parsed = parse(both, ORIGIN, "lambda", now_unix_nano=NOW)
    Enrichment(CONFIG).apply(parsed)
    found = spans(parsed)
    assert [(s.span_id, s.status, s.told_by) for s in found] == [
        ("1" * 16, "error", "platform"),
        ("2" * 16, "unset", "platform"),
    ]


@pytest.mark.parametrize("flushed", [0, 1])
def test_retries_at_once(flushed: int) -> None:
    """Attempts less than a second apart: each with its own times, identity and calls, whenever these were written."""
    call = span_line("c" * 16, "b" * 16, wire.KIND_CLIENT, at_ms=T0_MS + 301)
    first, again = span_line("a" * 16, CALLER), span_line("b" * 16, "3" * 16, at_ms=T0_MS + 300)
    lines = [START, first, END, f"{REPORT}Status: timeout", START, again, call, END, REPORT]
    if flushed:
        lines = [START, END, f"{REPORT}Status: timeout", START, END, REPORT, call, again, first]
    second = lines.index(START, 1)
    told = batch(*lines)
    late = [replace(event, timestamp_ms=event.timestamp_ms + 300) for event in told.events[second:]]
    parsed = parse(replace(told, events=(*told.events[:second], *late)), ORIGIN, "lambda", now_unix_nano=NOW)
    Enrichment(CONFIG).apply(parsed)
    found = [(s.span_id, s.parent_span_id, s.status, s.attributes.get(STANDS_FOR)) for s in spans(parsed)]
    assert found == [("a" * 16, CALLER, "error", None), ("b" * 16, "3" * 16, "unset", ["c" * 16])]


def test_an_attempt_of_which_the_layer_tells_nothing() -> None:
    """It was killed: the other one's place is not its."""
    told = batch(START, END, f"{REPORT}Status: timeout", START, span_line(at_ms=T0_MS + 300), END, REPORT)
    late = [replace(event, timestamp_ms=event.timestamp_ms + 300) for event in told.events[3:]]
    parsed = parse(replace(told, events=(*told.events[:3], *late)), ORIGIN, "lambda", now_unix_nano=NOW)
    Enrichment(CONFIG).apply(parsed)
    assert [span.span_id == SPAN for span in spans(parsed)] == [False, True]


def runtime_done(status: str) -> str:
    """What the platform writes when the runtime is done: at system log level WARN nothing else."""
    record = {"requestId": REQUEST, "status": status, "metrics": {"durationMs": 5}}
    return json.dumps({"time": "2026-11-21T03:30:10.005Z", "type": "platform.runtimeDone", "record": record})


@pytest.mark.parametrize("status", ["error", "failure", "timeout"])
def test_no_report(status: str) -> None:
    """Of a failed invocation whose report may never come the layer's spans stay; with it they go."""
    parsed = replaced(INNER, OWN, runtime_done(status))
    assert [(s.told_by, s.span_id) for s in spans(parsed)] == [("layer", CALL), ("layer", SPAN)]
    assert parsed.notes == {}
    reported = replaced(INNER, OWN, runtime_done(status), RECORDS[1])
    assert [(s.told_by, s.span_id) for s in spans(reported)] == [("platform", SPAN)]


def test_a_report_that_is_to_come() -> None:
    """After an invocation that did well there is one: the layer's spans go."""
    parsed = replaced(RECORDS[0], INNER, OWN, runtime_done("success"))
    assert (spans(parsed), parsed.notes) == ([], {"spans_platform": 2})


def test_a_report_that_came_late() -> None:
    """The layer's spans that stayed and the platform's are one where they are read."""
    kept = spans(replaced(INNER, OWN, runtime_done("error")))
    (late,) = spans(replaced("x", "y", "z", RECORDS[1]))
    (story,) = stories(TRACE, [*kept, late], [])
    assert [(n.span.span_id, n.depth, n.span.status) for n in story.spans] == [(SPAN, 0, "error"), (CALL, 1, "unset")]  # fmt: skip


def test_more_than_it_stands_for() -> None:
    """A list has an end."""
    inner = [span_line(f"{n:016x}", SPAN, wire.KIND_CLIENT) for n in range(1, STANDS_FOR_MAX + 9)]
    (span,) = spans(replaced(START, *inner, OWN, END, COLD))
    assert len(span.attributes[STANDS_FOR]) == STANDS_FOR_MAX


def test_other_services_keep_theirs() -> None:
    """The layer's, where the configuration does not say otherwise."""
    parsed = told(START, INNER, OWN, END, COLD)
    Enrichment(loads("version: 1\nservices: {claims: {side: serverless}, x: {side: serverless, spans: platform}}")).apply(parsed)  # fmt: skip
    assert [span.told_by for span in spans(parsed)] == ["layer", "layer"]
    assert parsed.notes == {}


INIT_FAILED = (
    "INIT_REPORT Init Duration: 1 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError"
)
LINES = st.sampled_from([START, END, REPORT, COLD, f"{REPORT}Status: timeout", TIMEOUT, EXIT, UNCAUGHT, "print", *RECORDS, START.replace(REQUEST, OTHER), END.replace(REQUEST, OTHER), REPORT.replace(REQUEST, OTHER), INIT_FAILED])  # fmt: skip
SPAN_LINES = st.sampled_from([OWN, INNER, span_line("3" * 16, request=OTHER)])


def _said(span: Span) -> dict[str, Any]:
    """What of a span is the platform's alone."""
    attributes = {name: value for name, value in span.attributes.items() if name != STANDS_FOR}
    return {"id": span.event_id, "name": span.name, "start": span.start_unix_nano, "end": span.end_unix_nano, "status": (span.status, span.status_message), "attributes": attributes}  # fmt: skip


@example([START, START, REPORT, INIT_FAILED], [(2, OWN)])
@given(st.lists(LINES, max_size=10), st.lists(st.tuples(st.integers(0, 10), SPAN_LINES), max_size=3))
def test_as_if_the_layer_had_written_none(lines: list[str], more: list[tuple[int, str]]) -> None:
    """The platform's spans are those of the same payload without the layer's, but for their place."""
    lines, bare = lines[:], lines[:]
    for at, line in more:
        lines.insert(at, line)
        bare.insert(at, json.dumps({"message": "x", "requestId": OTHER if OTHER in line else REQUEST}))
    wanted, parsed = told(*bare), told(*lines)
    only_platform(parsed, lambda origin: True)
    assert sorted(map(_said, spans(parsed)), key=str) == sorted(map(_said, spans(wanted)), key=str)
    assert {span.told_by for span in spans(parsed)} <= {"platform"}
    events = {s.event_id.partition(":")[0] for s in parsed.signals} | set(parsed.joined)
    assert len(events) + parsed.silent == len(lines)
