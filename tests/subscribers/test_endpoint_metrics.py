"""Requests as metrics: one point a request, with endpoint, side and outcome; lines of CloudWatch's format."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.config import loads
from subscribers.configured import outlets_of
from subscribers.endpoint_emf import SINK, EndpointEmf, emf_lines
from subscribers.endpoint_metrics import NAME, EndpointMetrics
from subscribers.envelope import LogBatch, LogEvent, encode
from subscribers.handler import make_handler
from subscribers.outlets import Local, Outlets
from subscribers.signals import Link, Metric, Span
from tests.subscribers import samples
from tests.subscribers.sink import Memory

CONFIG = loads(
    """
version: 1
endpoint_metrics: true
services:
  submit-claim: {side: serverless}
  claims-legacy:
    side: legacy
    timezone: UTC
    log_groups: [{name: /legacy/claims/access, format: nginx}]
endpoints:
  submit:
    route: POST /claims
    legacy: {service: claims-legacy}
    serverless: {service: submit-claim}
    slo: {latency: {p: 95, ms: 100}}
  policy: {route: "GET /policies/{number}", legacy: {service: claims-legacy}}
"""
)


def request(name: str, ms: float = 5, *, method: str = "POST", route: str = "/claims", **more: Any) -> Span:
    attributes = {"http.request.method": method, "http.route": route, **more.pop("attributes", {})}
    given: dict[str, Any] = {"service": "submit-claim", "side": "serverless", "kind": "server", **more}
    return samples.span(name, 0, ms, attributes=attributes, **given)


def points(*spans: Span) -> list[Metric]:
    return EndpointMetrics(CONFIG).of(spans)


def test_a_request_of_an_endpoint_is_a_point_with_its_side_and_outcome() -> None:
    """The tags name endpoint, side, outcome and whether it was too slow; the event is its span's."""
    span = request("a", 5)
    (point,) = points(span)
    assert (point.name, point.kind, point.value, point.unit) == (NAME, "distribution", 5.0, "ms")
    assert point.tags == {"endpoint": "submit", "side": "serverless", "outcome": "ok", "slow": "false"}
    assert point.event_id.startswith(f"{span.event_id}:")
    assert point.origin == span.origin


@pytest.mark.parametrize(
    ("more", "outcome", "slow"),
    [
        ({"status": "error"}, "error", "false"),
        ({"attributes": {"http.response.status_code": 503}}, "error", "false"),
        ({"attributes": {"http.response.status_code": 404}}, "ok", "false"),
        ({"ms": 101}, "ok", "true"),
        ({"ms": 100}, "ok", "false"),
    ],
)
def test_failed_and_slow_requests_say_so(more: dict[str, Any], outcome: str, slow: str) -> None:
    """5xx and failed spans are errors, 4xx are the caller's; slow is above the limit of the SLO."""
    (point,) = points(request("a", **more))
    assert (point.tags["outcome"], point.tags["slow"]) == (outcome, slow)


def test_a_legacy_service_tells_all_its_requests_and_functions_those_of_endpoints() -> None:
    """A function's other requests are told by Lambda's own metrics; an application has none."""
    legacy = {"service": "claims-legacy", "side": "legacy"}
    found = points(
        request("a", method="GET", route="/policies/{n}", **legacy),
        request("b", method="GET", route="/else", **legacy),
        request("c", method="GET", route="/else"),
        request("d", kind="client", **legacy),
    )
    assert [point.tags.get("endpoint", "") for point in found] == ["policy", ""]


def test_records_of_a_batch_and_nested_handlers_are_no_requests() -> None:
    """What the alerts do not count as a request is none here."""
    outer = request("a", request_id="r1")
    inner = request("b", request_id="r1", parent_span_id=samples.span_id("a"))
    record = request("c", links=(Link("0" * 32, "0" * 16, {"observe.link": "batch"}),))
    assert len(points(outer, inner, record)) == 1


def test_lines_are_of_a_minute_and_hold_at_most_100_durations() -> None:
    """CloudWatch's format takes no longer array; counts and durations add up over the lines."""
    found = points(*(request(f"s{n}", n, status="error" if n % 5 == 0 else "unset") for n in range(250)))
    lines = [json.loads(line) for line in emf_lines(found)]
    assert [len(line["RequestDuration"]) for line in lines] == [100, 100, 50]
    assert sum(line["Requests"] for line in lines) == 250
    assert sum(line["RequestErrors"] for line in lines) == 50
    assert sum(line["RequestsSlow"] for line in lines) == 149
    (directive,) = lines[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "HybridObserve"
    assert directive["Dimensions"] == [["endpoint", "side"], ["service"]]
    told = {metric["Name"] for metric in directive["Metrics"]} | {"endpoint", "side", "service"}
    assert told == set(lines[0]) - {"_aws"}
    assert lines[0]["_aws"]["Timestamp"] % 60_000 == 0


def test_a_request_without_an_endpoint_has_the_service_alone() -> None:
    """A dimension with an empty value would be refused."""
    (point,) = points(request("b", route="/else", service="claims-legacy", side="legacy"))
    (line,) = map(json.loads, emf_lines([point]))
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert "endpoint" not in line


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.sampled_from(["unset", "error"])), max_size=300))
def test_every_point_is_counted_once(given_spans: list[tuple[int, str]]) -> None:
    """Whatever the spans are, lines hold as many requests as there are points."""
    found = points(*(request(f"s{n}", ms, status=s) for n, (ms, s) in enumerate(given_spans)))
    lines = [json.loads(line) for line in emf_lines(found)]
    assert sum(len(line["RequestDuration"]) for line in lines) == len(found) == len(given_spans)
    assert all(value >= 0 for line in lines for value in line["RequestDuration"])


ACCESS = (
    '10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "POST /claims HTTP/1.1" {status} 512 0.005 1795255200.127 '
    '"CLM-1" "-"'
)
PAYLOAD = encode(
    LogBatch(
        owner="123456789012",
        log_group="/legacy/claims/access",
        log_stream="host-1",
        message_type="DATA_MESSAGE",
        events=tuple(
            LogEvent(1_795_255_200_000 + n, ACCESS.format(status=status))
            for n, status in enumerate((201, 500, 201))
        ),
    )
)


def test_the_subscriber_writes_them_and_every_sink_has_them(tmp_path: Path) -> None:
    """The ledger of each sink balances: points are of events that are counted already."""
    written: list[str] = []
    memory = Memory()
    outlets = Outlets(
        [Local("store", memory), Local(SINK, EndpointEmf(written.append), frozenset((Metric,)), False)],
        memory,
    )
    reply = make_handler(CONFIG, outlets, lambda: 1_795_255_300_000_000_000)(PAYLOAD, None)
    assert (reply["received"], reply["delivered"]) == (3, 3)
    told = Counter(signal.tags["outcome"] for signal in memory.signals.values() if isinstance(signal, Metric))
    assert told == {"ok": 2, "error": 1}
    (line,) = map(json.loads, "".join(written).splitlines())
    assert (line["endpoint"], line["side"], line["Requests"], line["RequestErrors"]) == (
        "submit",
        "legacy",
        3,
        1,
    )


@pytest.mark.parametrize(
    ("on", "environ", "names"),
    [
        (True, {"AWS_LAMBDA_FUNCTION_NAME": "subscriber"}, ["store", SINK]),
        (True, {}, ["store"]),
        (False, {"AWS_LAMBDA_FUNCTION_NAME": "subscriber"}, ["store"]),
    ],
)
def test_lines_for_cloudwatch_are_written_by_a_function_alone(
    on: bool, environ: dict[str, str], names: list[str], tmp_path: Path
) -> None:
    """Nobody reads them on a laptop, and without endpoint_metrics there are none."""
    config = CONFIG if on else loads("version: 1")
    folders = {"OBSERVE_STORE": str(tmp_path), "OBSERVE_DEAD_LETTERS": "s3://dead/letters"}
    made = outlets_of(config, {**folders, **environ})
    assert [outlet.name for outlet in made.outlets] == names
