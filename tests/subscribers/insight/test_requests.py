"""The one SQL of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from subscribers.insight.requests import REQUESTS
from subscribers.signals import Link, Metric, Span
from subscribers.store import Store
from subscribers.tables import Row
from tests.subscribers.insight.traffic import killed, request, start_of
from tests.subscribers.samples import MS, T0, metric, span


def found(tmp_path: Path, *spans: Span | Metric, first: int = 0, last: int = (1 << 63) - 1) -> list[Row]:
    """The table `requests` of a store with some spans."""
    store = Store(tmp_path / "store")
    store.append(spans)
    sql = f"{REQUESTS} SELECT * FROM requests ORDER BY start_unix_nano, told_by"
    return store.query(sql, {"first": first, "last": last})


def test_columns(tmp_path: Path) -> None:
    """A request has the columns that the documentation names."""
    (row,) = found(tmp_path, request("serverless", 12.5, is_cold=True, status=201))
    shown = {key: row[key] for key in ("side", "service", "kind", "endpoint", "start_unix_nano", "ns")}
    assert shown == {
        "side": "serverless",
        "service": "new",
        "kind": "server",
        "endpoint": "POST /claims",
        "start_unix_nano": T0,
        "ns": 12_500_000,
    }
    assert (row["failed"], row["status_code"], row["cold"], row["told_by"]) == (False, 201, True, "layer")
    assert row["correlation_id"].startswith("id-")


def test_what_failed(tmp_path: Path) -> None:
    """A request failed by its span's status, by an answer of 5xx, or by what the platform says of it."""
    platform: dict[str, Any] = {"told_by": "platform", "request_id": "p", "status": "error"}
    rows = found(
        tmp_path,
        request("legacy", at_ms=1, status=404),
        request("legacy", at_ms=2, status=503),
        msg := request("serverless", at_ms=3, request_id="p"),
        span("p", 3, 14, "new", "serverless", trace_id=msg.trace_id, **platform),
        request("serverless", at_ms=4, status=None),
    )
    assert [row["failed"] for row in rows] == [False, True, True, True]


def test_a_status_code_that_is_none(tmp_path: Path) -> None:
    """A status code that is no number is none, and does not stop the query."""
    odd = request("legacy")
    odd.attributes["http.response.status_code"] = "teapot"
    (row,) = found(tmp_path, odd)
    assert row["status_code"] is None


def test_what_only_the_platform_told_has_the_function_s_one_route(tmp_path: Path) -> None:
    """Of a function with one route the others' is known; of one with two it is not."""
    rows = found(
        tmp_path,
        request("serverless", request_id="a"),
        span("b", 5, 9, "new", "serverless", told_by="platform", request_id="b"),
        request("serverless", at_ms=20, service="other", request_id="c"),
        request("serverless", at_ms=21, service="other", request_id="d", route="GET /claims"),
        span("e", 22, 23, "other", "serverless", told_by="platform", request_id="e"),
    )
    assert [row["endpoint"] for row in rows] == [
        "POST /claims",
        "POST /claims",
        "POST /claims",
        "GET /claims",
        "",
    ]


def test_records_of_a_batch_are_no_requests(tmp_path: Path) -> None:
    """A batch is one request; so are consumers, by their spans' names."""
    batch = span("process claims", 0, 9, "new", "serverless", kind="consumer")
    record = span(
        "record",
        1,
        2,
        "new",
        "serverless",
        kind="consumer",
        links=(Link(batch.trace_id, batch.span_id, {"observe.link": "batch"}),),
    )
    (row,) = found(tmp_path, batch, record)
    assert (row["kind"], row["endpoint"]) == ("consumer", "process claims")


def test_only_those_of_the_asked_time(tmp_path: Path) -> None:
    """First and last nanosecond are included, and count for the start."""
    rows = [request("legacy", 50, at_ms=at) for at in (0, 1, 2, 3)]
    seen = found(tmp_path, *rows, first=T0 + 1_000_000, last=T0 + 2_000_000)
    assert [row["start_unix_nano"] - T0 for row in seen] == [1_000_000, 2_000_000]


def test_broken_clocks(tmp_path: Path) -> None:
    """Ends before their start and at the edge of 64 bits stop no query; what took no time took none."""
    edge = (1 << 63) - 1
    rows = found(
        tmp_path,
        request("serverless", request_id="a", end_unix_nano=-edge),
        request("serverless", request_id="a", end_unix_nano=edge, at_ms=1),
        span("p", 0, 1, "new", "serverless", told_by="platform", request_id="a", end_unix_nano=edge),
        request("legacy", -5, at_ms=2),
    )
    assert [row["ns"] for row in rows] == [0, 9_000_000_000_000_000_000 - T0 - 1_000_000, 0]


def test_equal_lines_of_an_access_log_are_requests_each(tmp_path: Path) -> None:
    """Equal lines have one span ID, for it is made of the line; a layer's span told twice is one."""
    line = request("legacy", 0, status=502, told_by="access_log")
    lines = [msgspec.structs.replace(line, event_id=f"line-{n}") for n in range(3)]
    twice = request("serverless", at_ms=1)
    rows = found(tmp_path, *lines, twice, msgspec.structs.replace(twice, event_id="again"))
    assert [row["told_by"] for row in rows] == ["access_log"] * 3 + ["layer"]


def test_the_wait_for_a_start_that_the_layer_told(tmp_path: Path) -> None:
    """It is from the start's beginning to the request's; a start that nobody waited for has no parent."""
    cold = request("serverless", at_ms=9000, is_cold=True)
    ahead = msgspec.structs.replace(start_of(cold, 70), parent_span_id="", event_id="ahead")
    rows = found(tmp_path, request("serverless"), cold, start_of(cold, 3000), ahead)
    assert [row["wait_ns"] for row in rows] == [0, 3000 * MS]


def test_the_wait_for_a_start_that_only_the_platform_told(tmp_path: Path) -> None:
    """It is in the report of that invocation, and not of a retry with the same ID."""
    first, retried = (
        msgspec.structs.replace(one, event_id=f"{line}:99", request_id="r")
        for line, one in zip(("one", "two"), killed(2, every_ms=90_000), strict=True)
    )
    told = msgspec.structs.replace(
        metric("aws.lambda.init_duration", 250.5, request_id="r"), event_id="one:4", origin=first.origin
    )
    rows = found(tmp_path, first, retried, told)
    assert [row["wait_ns"] for row in rows] == [250_500_000, 0]


def test_a_start_of_a_broken_clock(tmp_path: Path) -> None:
    """A start before all time, or behind its request, is no wait, and stops no query."""
    cold = request("serverless", is_cold=True)
    before = msgspec.structs.replace(start_of(cold, 5), start_unix_nano=-(1 << 62))
    assert [row["wait_ns"] for row in found(tmp_path / "a", cold, before)] == [0]
    assert [row["wait_ns"] for row in found(tmp_path / "b", cold, start_of(cold, -5))] == [0]
