"""Requests sorted by endpoint: routes that differ in names only are one."""

from __future__ import annotations

from pathlib import Path

from subscribers.insight.parity_traffic import UNKNOWN, Seen, Served, by_endpoint, seen, undeclared
from subscribers.insight.sketch import Sketch
from subscribers.signals import Side
from subscribers.store import Store
from tests.subscribers.insight.traffic import BOTH, config, killed, request, start_of
from tests.subscribers.samples import T0

ALWAYS = (0, (1 << 63) - 1)


def one(side: Side, service: str, route: str, count: int = 1) -> Seen:
    """Some requests of a route."""
    return Seen(side, service, route, Served(count=count, latency=Sketch.of([1.0] * count)))


def test_each_side_may_have_its_own_route() -> None:
    """A request counts for the endpoint by the side's own route, or by the endpoint's."""
    settings = config(
        "  status:\n    route: GET /claims/{id}\n    legacy: {service: old, route: 'GET /app/claim.do'}\n"
        "    serverless: {service: new}\n"
    )
    found = by_endpoint(
        [
            one("legacy", "old", "GET /app/claim.do", 3),
            one("legacy", "old", "GET /claims/{number}", 4),
            one("serverless", "new", "GET /claims/{n}", 5),
        ],
        settings.endpoints,
    )
    assert (found.of("status", "legacy").count, found.of("status", "serverless").count) == (7, 5)
    assert found.of("status", "legacy").latency.count == 7
    assert found.others == ()


def test_one_function_with_several_routes() -> None:
    """Each route of a function is an endpoint of its own; a named method wins over ANY."""
    settings = config(
        "  all:\n    route: ANY /claims\n    serverless: {service: new}\n"
        "  submit:\n    route: POST /claims\n    serverless: {service: new}\n"
        "  status:\n    route: GET /claims/{id}\n    serverless: {service: new}\n"
    )
    routes = ("POST /claims", "PUT /claims", "GET /claims/{n}", "GET /nothing")
    found = by_endpoint(
        (one("serverless", "new", route, n) for n, route in enumerate(routes, 1)), settings.endpoints
    )
    counts = {name: found.of(name, "serverless").count for name in settings.endpoints}
    assert counts == {"submit": 1, "all": 2, "status": 3}
    assert [other.route for other in found.others] == ["GET /nothing"]


def test_a_service_that_the_endpoint_does_not_name() -> None:
    """The endpoint's route at another service is told as a stray, and does not count."""
    found = by_endpoint(
        [one("serverless", "other", "POST /claims"), one("legacy", "old", "POST /claims")],
        config(BOTH).endpoints,
    )
    assert found.of("submit", "serverless").count == 0
    assert [(other.service, other.stray_of) for other in found.others] == [("other", "submit")]


def test_routes_that_both_sides_serve_undeclared() -> None:
    """Without a configuration a route is compared where each side has one service with it."""
    found = undeclared(
        [
            one("legacy", "old", "GET /a/{id}"),
            one("serverless", "new", "GET /a/{n}"),
            one("legacy", "old", "GET /b"),
            one("serverless", "new", "GET /b"),
            one("serverless", "other", "GET /b"),
            one("legacy", "old", ""),
            one("serverless", "new", ""),
        ]
    )
    assert list(found) == ["GET /a/{id}"]
    assert found["GET /a/{id}"].serverless is not None
    assert found["GET /a/{id}"].serverless.route == "GET /a/{n}"


def test_what_was_served(tmp_path: Path) -> None:
    """Counts, statuses, sketches with and without cold starts, times and samples come out of the store."""
    store = Store(tmp_path / "store")
    store.append(
        [
            request("serverless", 10, at_ms=5),
            request("serverless", 900, at_ms=1, is_cold=True, correlation_id="slow"),
            request("serverless", 30, at_ms=9, status=502, correlation_id="bad"),
            request("serverless", 20, at_ms=3, status=None, correlation_id="gone"),
            request("serverless", 20, at_ms=3, kind="consumer"),
        ]
    )
    (found,) = seen(store.query, *ALWAYS)
    served = found.served
    assert (found.side, found.service, found.route) == ("serverless", "new", "POST /claims")
    assert (served.count, served.failed, served.cold) == (4, 2, 1)
    assert served.statuses == {"": 1, "2xx": 2, "5xx": 1}
    assert served.latency == Sketch.of([10.0, 900.0, 30.0, 20.0])
    assert served.warm == Sketch.of([10.0, 30.0, 20.0])
    assert (served.first_unix_nano - T0, served.last_unix_nano - T0) == (1_000_000, 9_000_000)
    assert served.slowest[0] == "slow"
    assert served.failures == ("bad", "gone")


def test_callers_wait_for_a_start(tmp_path: Path) -> None:
    """Latency has the wait for a function's start; without cold requests it has none."""
    cold = request("serverless", 10, at_ms=5000, is_cold=True)
    store = Store(tmp_path / "store")
    store.append([cold, start_of(cold, 3000), request("serverless", 20)])
    (found,) = seen(store.query, *ALWAYS)
    assert found.served.latency == Sketch.of([3010.0, 20.0])
    assert found.served.warm == Sketch.of([20.0])
    assert found.served.answered["2xx"] == found.served.latency


def test_what_nobody_told_the_outcome_of(tmp_path: Path) -> None:
    """The platform tells that an invocation ended, not what it answered; or that it was killed."""
    store = Store(tmp_path / "store")
    ended = killed(2, is_known=False)
    store.append([request("serverless"), *ended, *killed(3, at_ms=9000)])
    (found,) = seen(store.query, *ALWAYS)
    assert found.served.statuses == {"": 3, "2xx": 1, UNKNOWN: 2}
    assert (found.served.unknown, found.served.killed, found.served.failed) == (2, 3, 3)
