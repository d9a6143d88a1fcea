"""Context of untouched lines: which invocation a line belongs to, and what it inherits."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from observe import ids, wire
from subscribers.parse import parse
from subscribers.signals import Log
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

INNER = "a2fb4a1d1a96d312"


def ours(request_id: str = REQUEST, **fields: Any) -> str:
    return json.dumps(
        {"level": "INFO", "message": "ours", "requestId": request_id, "service": "claims", **fields}
    )


def span_line(span_id: str = SPAN, parent: str = "", kind: int = wire.KIND_SERVER, **attributes: Any) -> str:
    span = wire.Span(TRACE, span_id, parent, "POST /claims", kind, T0_MS * 1_000_000, attributes)
    span.end_unix_nano = (T0_MS + 5) * 1_000_000
    (line,) = wire.span_lines("claims", [span])
    return line.decode()


OWN = span_line(**{"faas.invocation_id": REQUEST, "correlation_id": "CLM-1"})


def named(*lines: str) -> dict[str, Log]:
    """Message -> log."""
    return {log.message: log for log in logs(told(*lines))}


def test_lines_between_start_and_end_have_its_request() -> None:
    """Prints before START and after END have none."""
    found = named("before", START, "inside", END, "after", COLD)
    assert [found[m].request_id for m in ("before", "inside", "after")] == ["", REQUEST, ""]


def test_lines_before_the_first_boundary_belong_to_the_end_that_follows() -> None:
    """The payload begins in the middle of an invocation."""
    found = named("one", "two", END, REPORT, "init of the next")
    assert [found[m].request_id for m in ("one", "two", "init of the next")] == [REQUEST, REQUEST, ""]


def test_lines_before_a_start_belong_to_nobody() -> None:
    """An END of an invocation that started here does not claim what was before it."""
    assert named("import", START, END)["import"].request_id == ""


def test_a_request_named_by_a_line_holds_until_a_boundary() -> None:
    """Where the platform's lines are filtered out, our lines tell the request."""
    found = named(ours(message="x"), "print", ours(OTHER, message="y"), "another print")
    assert (found["print"].request_id, found["another print"].request_id) == (REQUEST, OTHER)


def test_two_open_invocations_are_not_guessed_between() -> None:
    """Environments that serve several requests at once interleave their lines."""
    other = START.replace(REQUEST, OTHER)
    found = named(START, other, "whose?", END, "the other's")
    assert (found["whose?"].request_id, found["the other's"].request_id) == ("", OTHER)


def test_a_second_start_of_a_request_ends_the_first() -> None:
    """It was tried again: what is read after the retry's report is of neither."""
    *_, after = logs(told(START, "print", START, END, REPORT, "after"))
    assert after.request_id == ""


def test_json_records_bound_invocations_too() -> None:
    """`platform.start` and `platform.report` are START and END."""
    start = json.dumps({"time": "", "type": "platform.start", "record": {"requestId": REQUEST}})
    report = json.dumps({"time": "", "type": "platform.report", "record": {"requestId": REQUEST}})
    found = named(start, "inside", report, "after")
    assert (found["inside"].request_id, found["after"].request_id) == (REQUEST, "")


def test_lines_inherit_the_context_that_our_log_line_told() -> None:
    """Before it and after it, the platform's own lines included."""
    found = named(START, "print", ours(trace_id=TRACE, span_id=SPAN, correlation_id="CLM-1"), END)
    for message in ("print", START.rstrip(), END.rstrip()):
        log = found[message]
        assert (log.trace_id, log.span_id, log.correlation_id) == (TRACE, SPAN, "CLM-1")


def test_the_invocations_span_is_the_one_whose_parent_is_elsewhere() -> None:
    """Not the inner span, whichever is written first."""
    inner = span_line(INNER, SPAN, wire.KIND_CLIENT, **{"faas.invocation_id": REQUEST})
    log = named(START, "print", inner, OWN, END)["print"]
    assert (log.trace_id, log.span_id, log.correlation_id) == (TRACE, SPAN, "CLM-1")


def test_a_line_keeps_what_it_has() -> None:
    """Its own span inside the trace stays; another trace inherits nothing."""
    within = ours(message="within", trace_id=TRACE, span_id=INNER)
    elsewhere = ours(message="elsewhere", trace_id="f" * 32)
    found = named(START, within, elsewhere, OWN, END)
    assert (found["within"].span_id, found["within"].correlation_id) == (INNER, "CLM-1")
    assert (found["elsewhere"].span_id, found["elsewhere"].correlation_id) == ("", "")


def test_metrics_and_inner_spans_have_the_request() -> None:
    """A metric line names no request, an inner span no correlation ID."""
    parsed = told(START, "MONITORING|1795231810|1|count|claims.opened|#", span_line(INNER, SPAN, 3), OWN, END)
    assert metrics(parsed)[0].request_id == REQUEST
    assert {(span.request_id, span.correlation_id) for span in spans(parsed)} == {(REQUEST, "CLM-1")}


def test_where_the_layer_wrote_its_span_the_platform_writes_none() -> None:
    """Never both."""
    assert [span.told_by for span in spans(told(START, OWN, END, COLD))] == ["layer"]


def test_the_span_of_another_invocation_does_not_count() -> None:
    """The first timed out and has a span of the platform, its retry has one of the layer."""
    first = (START, ours(trace_id=TRACE, span_id=INNER), END, f"{REPORT}Status: timeout")
    found = spans(told(*first, START, OWN, END, REPORT))
    assert [span.told_by for span in found] == ["platform", "layer"]


def test_a_correlation_id_makes_the_trace_where_nobody_told_one() -> None:
    """As on the other side: Powertools' line tells it of all, before X-Ray and the request's own."""
    told_by = {"correlation_id": "CLM-1", "function_request_id": REQUEST}
    line = json.dumps({"level": "INFO", "message": "hi", **told_by})
    parsed = told(START, line, "print", END, f"{COLD}XRAY TraceId: 1-5bef4de7-ad49b0e87f6ef6c87fc2e700\n")
    trace_id = ids.derive_trace_id("CLM-1")
    assert {log.trace_id for log in logs(parsed)} == {trace_id}
    (span,) = spans(parsed)
    assert (span.trace_id, span.correlation_id, span.told_by) == (trace_id, "CLM-1", "platform")


def test_lines_without_times_of_their_own_have_the_reports_duration() -> None:
    """Those of a plain file all have the file's time."""
    plain = batch(START, END, COLD)
    at_once = tuple(msgspec.structs.replace(event, timestamp_ms=T0_MS) for event in plain.events)
    parsed = parse(msgspec.structs.replace(plain, events=at_once), ORIGIN, "lambda", now_unix_nano=NOW)
    (span,) = spans(parsed)
    assert span.end_unix_nano - span.start_unix_nano == 9_140_000
    assert span.end_unix_nano == T0_MS * 1_000_000
