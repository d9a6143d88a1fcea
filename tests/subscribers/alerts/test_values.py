"""What a signal has under a name."""

import pytest

from observe.semconv import OLDEST_RECORD
from subscribers.alerts.fingerprint import _template, fingerprint_of
from subscribers.alerts.values import Value, text, value_of
from subscribers.signals import Log, Metric, Origin, Signal, Span

ORIGIN = Origin("123456789012", "eu-west-1", "/legacy/app", "web-01", "claims-legacy", "legacy")
CLOUD = Origin("123456789012", "eu-west-1", "/aws/lambda/submit", "s", "submit", "serverless")
MARK = "930cd978d6a3fb03297cc9f2076d62aa"


def log(message: str = "claim CLM-889001 registered", **fields: object) -> Log:
    """A log record of the legacy side."""
    known = {"event_id": "e", "origin": ORIGIN, "time_unix_nano": 1, "observed_time_unix_nano": 1}
    return Log(**{**known, "message": message, **fields})  # type: ignore[arg-type]


def span(**fields: object) -> Span:
    """A span of a function, 250 ms long."""
    known = {
        "event_id": "e",
        "origin": CLOUD,
        "trace_id": "4" * 32,
        "span_id": "5" * 16,
        "name": "POST /claims",
        "kind": "server",
        "start_unix_nano": 1_000_000_000,
        "end_unix_nano": 1_250_000_000,
        "told_by": "layer",
    }
    return Span(**{**known, **fields})  # type: ignore[arg-type]


def metric(**fields: object) -> Metric:
    """A count."""
    known = {"event_id": "e", "origin": CLOUD, "time_unix_nano": 1, "name": "claims.found", "kind": "count"}
    return Metric(**{**known, "value": 2.0, **fields})  # type: ignore[arg-type]


CASES: list[tuple[Signal, str, Value]] = [
    (log(attributes={"http.response.status_code": 503}), "http.response.status_code", 503),
    (log(attributes={"http": {"response": {"status_code": 503}}}), "http.response.status_code", 503),
    (log(attributes={"http": {"response.status_code": 503}}), "http.response.status_code", 503),
    (log(attributes={"http.response": {"status_code": 503}}), "http.response.status_code", 503),
    (log(attributes={"order": {"lines": [1, 2]}}), "order.lines", None),
    (log(attributes={"order": {"id": "A"}}), "order", None),
    (log(attributes={"http.request.header.x-tenant": ["acme"]}), "http.request.header.x-tenant", "acme"),
    (log(attributes={"is_new": False}), "is_new", False),
    (log(attributes={"service": "what a line claims"}), "service", "claims-legacy"),
    (log(), "side", "legacy"),
    (log(level="ERROR"), "level", "ERROR"),
    (log(), "message", "claim CLM-889001 registered"),
    (log(), "log_group", "/legacy/app"),
    (log(), "log_stream", "web-01"),
    (log(dataset="log4j"), "dataset", "log4j"),
    (log(correlation_id="desk-1"), "correlation_id", "desk-1"),
    (log(attributes={"correlation_id": "in the line"}), "correlation_id", "in the line"),
    (log(request_id="r"), "request_id", "r"),
    (log(error_type="ValueError"), "error.type", "ValueError"),
    (log(attributes={"fixed_width.claim": "CLM-889001"}), "claim", "CLM-889001"),
    (log(attributes={"form.claim": "CLM-889001"}, keys=(f"claim={MARK}",)), "claim", "CLM-889001"),
    (log(attributes={"form.claim": "CLM-889001"}), "claim", None),
    (log(attributes={"thread.name": "http-1"}), "name", None),
    (log(keys=(f"policy={MARK[::-1]}", f"claim={MARK}")), "claim", MARK),
    (log(keys=(f"claim_number={MARK}",)), "claim", None),
    (log(), "nothing", None),
    (span(), "duration_ms", 250.0),
    (span(), "name", "POST /claims"),
    (span(), "kind", "server"),
    (span(status="error"), "status", "error"),
    (span(), "faas.name", "submit"),
    (span(attributes={"faas.name": "submit-v2"}), "faas.name", "submit-v2"),
    (span(origin=ORIGIN), "faas.name", None),
    (span(attributes={"faas.version": "7"}), "version", "7"),
    (span(attributes={"faas.version": "7", "service.version": "1.2"}), "version", "1.2"),
    (span(attributes={"http.route": "/claims"}), "http.route", "/claims"),
    (metric(), "value", 2.0),
    (metric(), "name", "claims.found"),
    (metric(tags={"kind.of": "fire"}), "kind.of", "fire"),
    (metric(), "service", "submit"),
    (metric(tags={"faas.version": "7"}), "version", "7"),
]


@pytest.mark.parametrize(("signal", "name", "value"), CASES)
def test_a_name_means_what_a_signal_says_of_itself_then_its_attributes(
    signal: Signal, name: str, value: Value
) -> None:
    """Fields first, then the exact attribute, then a path, then a business key's attribute or mark."""
    assert value_of(signal, name) == value


def test_the_fingerprint_of_an_error_is_a_value_like_any_other() -> None:
    """Rules can be split by it."""
    failed = log("claim CLM-1 failed", error_type="ValueError", level="ERROR")
    assert value_of(failed, "error.fingerprint") == fingerprint_of(failed).id


def test_values_are_the_same_text_however_they_were_written() -> None:
    """A tag is always text, and a number of the file may have a point."""
    assert [text(value) for value in (None, True, 500, 500.0, 0.5, "500")] == [
        "",
        "true",
        "500",
        "500",
        "0.5",
        "500",
    ]


def test_a_fingerprint_is_made_once_for_all_who_ask() -> None:
    """Several measures may want that of one record; the next record has its own."""
    first, second = log("first failed", level="ERROR"), log("second failed", level="ERROR")
    _template.cache_clear()
    assert value_of(first, "error.fingerprint") == value_of(first, "error.fingerprint")
    info = _template.cache_info()
    assert (info.hits, info.misses) == (0, 1)
    assert value_of(second, "error.fingerprint") == fingerprint_of(second).id
    assert value_of(first, "error.fingerprint") == fingerprint_of(first).id


@pytest.mark.parametrize("written", [10**400, -(10**400), float("nan"), float("inf"), "1"])
def test_an_age_of_a_time_that_is_none_is_none(written: object) -> None:
    """A function may write anything where the time of its oldest record is meant."""
    assert value_of(span(attributes={OLDEST_RECORD: written}), "iterator_age_ms") is None
