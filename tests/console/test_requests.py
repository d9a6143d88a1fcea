# ruff: noqa: E501 - lines of output and tables of cases, as they are
"""Requests by endpoint, side and service."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from console.requests import render_summary, summary, summary_json, why_none
from observe.ids import derive_trace_id
from subscribers.signals import Span
from subscribers.store import Store
from tests.console.test_trace import OTHER, request
from tests.subscribers.insight.traffic import request as told
from tests.subscribers.insight.traffic import start_of
from tests.subscribers.samples import log, span

#: What a line of an access log says.
ANSWERED = {"http.request.method": "GET", "http.response.status_code": 200}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one request, and another that has nothing to do with it."""
    store = Store(tmp_path / "store")
    store.append([*request(), span("else", trace_id=OTHER, service="other")])
    return store


def served(name: str, ms: float, side: str, *, failed: bool = False, route: str = "/claims") -> Span:
    """One request of POST `route` on a side."""
    attributes = {"http.request.method": "POST", "http.route": route}
    service = "submit-claim" if side == "serverless" else "claims-legacy"
    status = "error" if failed else "unset"
    return span(
        name,
        0,
        ms,
        service,
        side,
        trace_id=derive_trace_id(name),
        attributes=attributes,
        status=status,
    )  # type: ignore[arg-type]


def test_summary(store: Store) -> None:
    """Requests by side and service: counted once though layer and platform told them, failed when either says so."""
    store.append(
        [
            span("l", 0, 100, "both", "serverless", trace_id=OTHER, request_id="r-9"),
            span("p", 0, 101, "both", "serverless", trace_id=OTHER, request_id="r-9", told_by="platform", status="error"),
            span("q", 60_000, 60_300, "both", "serverless", trace_id=OTHER, request_id="r-9", told_by="platform"),
            span("i", 0, 9, "both", "serverless", trace_id=OTHER, kind="client"),
        ]
    )  # fmt: skip
    rows = {item.service: item for item in summary(store)}
    assert list(rows) == ["assess", "both", "submit", "claims", "other"]
    both = rows["both"]
    assert (both.side, both.count, both.errors, both.p50_ms, both.p95_ms) == (
        "serverless",
        2,
        1,
        200.0,
        290.0,
    )
    assert summary_json([both])[0]["p50_ms"] == 200.0


def test_a_span_that_was_written_twice_is_one_request(store: Store) -> None:
    """The watchdog told of a timeout and the handler returned after all: the later end counts."""
    cold = {"faas.coldstart": True}
    store.append(
        [
            span("w1", 0, 100, "late", "serverless", trace_id=OTHER, status="error", attributes=cold),
            replace(
                span("w1", 0, 120, "late", "serverless", trace_id=OTHER, attributes=cold), event_id="again"
            ),
        ]
    )
    (late,) = (item for item in summary(store) if item.service == "late")
    assert (late.count, late.errors, late.cold_starts, late.p50_ms) == (1, 0, 1, 120.0)


def test_the_sides_of_an_endpoint_stand_together(tmp_path: Path) -> None:
    """An endpoint that both sides serve shows each one's share, errors and latency."""
    store = Store(tmp_path / "store")
    store.append([served(f"s{n}", 10, "serverless", failed=n == 0) for n in range(3)])
    store.append([served("l", 120, "legacy"), served("other", 5, "legacy", route="/registrations")])
    store.append(
        [span("process claims", 0, 7, "assess-claim", "serverless", kind="consumer", trace_id=OTHER)]
    )
    store.append([span("GET /favicon.ico", 0, 1, "claims-legacy", trace_id="c" * 32)])
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_summary(summary(store), console)
    assert [line.rstrip() for line in console.file.getvalue().splitlines()] == [  # type: ignore[attr-defined]
        "  side       service       requests share      errors cold  p50 ms  p95 ms",
        "POST /claims",
        "  serverless submit-claim         3   75%   1 (33.3%)    0    10.0    10.0",
        "  legacy     claims-legacy        1   25%           0        120.0   120.0",
        "POST /registrations",
        "  legacy     claims-legacy        1                 0          5.0     5.0",
        "process claims",
        "  serverless assess-claim         1                 0    0     7.0     7.0",
        "(no route)",
        "  legacy     claims-legacy        1                 0          1.0     1.0",
    ]


def test_hostile_names_are_data(tmp_path: Path) -> None:
    """A route or service with control characters or markup is shown, not acted on."""
    store = Store(tmp_path / "store")
    attributes = {"http.route": "/\x1b[31m[bold]" + "x" * 300, "http.request.method": "GET"}
    store.append([span("a", service="s\x07" * 30, attributes=attributes)])
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_summary(summary(store), console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[bold]" in told


def invoked(name: str, start: float, end: float, told_by: str = "layer", **more: Any) -> Span:
    """One invocation of submit-claim, as layer or platform tells it."""
    defaults: dict[str, Any] = {"trace_id": derive_trace_id(name), "request_id": name}
    if told_by == "layer":
        defaults["attributes"] = {"http.request.method": "POST", "http.route": "/claims"}
    return span(
        f"{name}-{told_by}-{start}",
        start,
        end,
        "submit-claim",
        "serverless",
        told_by=told_by,
        **{**defaults, **more},
    )


def counts(tmp_path: Path, *spans: Span) -> dict[tuple[str, str], tuple[int, int]]:
    """(endpoint, side) -> (count, errors)."""
    store = Store(tmp_path / "store")
    store.append(spans)
    return {(row.endpoint, row.side): (row.count, row.errors) for row in summary(store)}


def test_a_retry_is_a_request_of_its_own(tmp_path: Path) -> None:
    """The first attempt failed, the second half a second later did not; both have the same request ID."""
    both = [
        invoked("r", 0, 90),
        invoked("r", 0, 95, "platform", status="error"),
        invoked("r", 600, 690),
        invoked("r", 599, 695, "platform"),
    ]
    assert counts(tmp_path, *both) == {("POST /claims", "serverless"): (2, 1)}


def test_an_attempt_that_only_the_platform_told_counts(tmp_path: Path) -> None:
    """The first attempt was killed: no span of the layer."""
    told = [
        invoked("r", 0, 95, "platform", status="error"),
        invoked("r", 600, 690),
        invoked("r", 599, 695, "platform"),
    ]
    assert counts(tmp_path, *told) == {("POST /claims", "serverless"): (2, 1)}


def test_a_handler_within_a_handler_is_one_request(tmp_path: Path) -> None:
    """An observed handler that calls another one is one invocation."""
    outer = invoked("r", 0, 90)
    inner = invoked("r", 10, 80, parent_span_id=outer.span_id)
    assert counts(tmp_path, outer, msgspec.structs.replace(inner, span_id="9" * 16)) == {
        ("POST /claims", "serverless"): (1, 0)
    }


def test_what_was_not_sampled_counts_and_the_share_is_right(tmp_path: Path) -> None:
    """One of ten was sampled, the platform told of all; the legacy side of one."""
    store = Store(tmp_path / "store")
    store.append(
        [
            invoked("r0", 0, 90),
            *[invoked(f"r{n}", 0, 90, "platform") for n in range(10)],
            served("l", 120, "legacy"),
        ]
    )
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_summary(summary(store), console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert [line.split()[2:4] for line in told.splitlines()[2:4]] == [["10", "91%"], ["1", "9%"]]


def test_no_share_where_some_requests_name_no_route(tmp_path: Path) -> None:
    """A function with two routes: nobody knows which of them the unsampled requests were for."""
    store = Store(tmp_path / "store")
    other = {"attributes": {"http.request.method": "GET", "http.route": "/claims"}}
    store.append(
        [
            invoked("r0", 0, 90),
            invoked("r1", 0, 90, **other),
            invoked("r2", 0, 90, "platform"),
            served("l", 120, "legacy"),
        ]
    )
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_summary(summary(store), console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert "%" not in told
    assert "(no route)" in told


def test_a_short_name_leaves_the_title_whole(tmp_path: Path) -> None:
    """The column is as wide as what stands over it; nor is `unknown` cut."""
    for service in ("se", ""):
        store = Store(tmp_path / f"store-{service}")
        store.append([span("a", service=service)])
        console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
        render_summary(summary(store), console)
        told = console.file.getvalue().split()  # type: ignore[attr-defined]
        assert told[:3] == ["side", "service", "requests"]
        assert (service or "unknown") in told


def test_why_there_are_no_requests(tmp_path: Path) -> None:
    """Lines of access logs that no span can be made of; of other lines there is nothing to say."""
    store = Store(tmp_path / "store")
    store.append([log("hello"), log("called", side="serverless", attributes=ANSWERED)])
    assert why_none(store) == ""
    store.append([log("GET / 200", side="legacy", attributes=ANSWERED)])
    assert summary(store) == []
    assert why_none(store).startswith(": of access logs there is 1 line without an ID and a duration;")


def test_callers_wait_for_a_start_as_well(tmp_path: Path) -> None:
    """How long a request took has the start that it waited for, as in the other insights."""
    cold = told("serverless", 100, is_cold=True)
    one = Store(tmp_path / "cold")
    one.append([cold, start_of(cold, 900)])
    (row,) = summary(one)
    assert (row.cold_starts, row.p50_ms) == (1, 1000.0)
