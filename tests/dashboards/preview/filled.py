"""A store that has something of every measure that the store can answer, of the sample's names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from subscribers.ledger import Ledger
from subscribers.signals import Log, Metric, Origin, Side, Signal, Span
from subscribers.store import Store
from subscribers.tables import ledger_row

S = 1_000_000_000
#: 2026-11-22 04:00:00 UTC, and the time that tests ask for.
BEGIN = 1_795_320_000 * S
FIRST, LAST = BEGIN - 3600 * S, BEGIN + 3600 * S
#: Milliseconds of the requests of POST /claims on the serverless side; the ninth is slower than its SLO.
_MS = (100, 110, 120, 130, 140, 150, 160, 170, 1500, 180)
GROUPS: dict[str, str] = {
    "submit-claim": "/aws/lambda/submit-claim",
    "claims-legacy": "/legacy/claims/access",
}


def origin(service: str, side: Side) -> Origin:
    """Where lines of a service come from."""
    return Origin("123456789012", "eu-west-1", GROUPS.get(service, "/other"), "stream", service, side)


def log(number: int, service: str, side: Side, message: str, level: str = "ERROR", trace_id: str = "") -> Log:
    """A log line in second `number`."""
    return Log(
        event_id=f"log-{number}-{service}",
        origin=origin(service, side),
        time_unix_nano=BEGIN + number * S,
        observed_time_unix_nano=BEGIN + number * S,
        level=level,
        message=message,
        trace_id=trace_id,
        correlation_id=f"web-{number}",
    )


def span(number: int, service: str, side: Side, route: str, ms: float, failed: bool = False) -> Span:
    """A request in second `number`."""
    method, _, path = route.partition(" ")
    start = BEGIN + number * S
    return Span(
        event_id=f"span-{number}-{service}",
        origin=origin(service, side),
        trace_id=f"{number:032x}",
        span_id=f"{number + 1:016x}",
        name=route,
        kind="server",
        start_unix_nano=start,
        end_unix_nano=start + round(ms * 1_000_000),
        told_by="layer" if side == "serverless" else "access_log",
        status="error" if failed else "unset",
        attributes={"http.request.method": method, "http.route": path},
    )


def point(
    number: int, service: str, side: Side, name: str, value: float, unit: str = "1", **tags: str
) -> Metric:
    """A data point in second `number`."""
    return Metric(
        event_id=f"metric-{number}-{service}-{name}-{'-'.join(tags.values())}",
        origin=origin(service, side),
        time_unix_nano=BEGIN + number * S,
        name=name,
        kind="gauge",
        value=value,
        unit=unit,
        tags={key.replace("_", "."): text for key, text in tags.items()},
    )


def signals() -> Iterator[Signal]:
    """Ten requests of the function, four of the legacy application, its gauges and two error lines."""
    for number, ms in enumerate(_MS):
        yield span(number, "submit-claim", "serverless", "POST /claims", ms, failed=number in (3, 8))
        yield from _report(number, ms)
    for number, route in enumerate(("POST /claims", "POST /claims", "GET /policies/{number}", "GET /other")):
        yield span(number, "claims-legacy", "legacy", route, 30, failed=number == 1)
    for number, level in enumerate(("ERROR", "INFO", "FATAL", "WARN")):
        yield log(number, "claims-legacy", "legacy", "no rate for tariff MX-77", level, f"{number:032x}")
    yield from _gauges()


def _report(number: int, ms: float) -> Iterator[Metric]:
    values = {
        "invocations": 1.0,
        "errors": 1.0 if number in (3, 8) else 0.0,
        "cold_starts": 1.0 if number == 0 else 0.0,
        "duration": float(ms),
        "memory_used": 64.0,
        "estimated_cost": 0.0001,
    }
    for word, value in values.items():
        if value:
            yield point(
                number, "submit-claim", "serverless", f"aws.lambda.{word}", value, faas_name="submit-claim"
            )


def _gauges() -> Iterator[Metric]:
    legacy = ("claims-legacy", "legacy")
    for number, used in enumerate((5.0, 8.0, 6.0)):
        yield point(number, *legacy, "db.client.connection.count", used, state="used")
        yield point(number, *legacy, "db.client.connection.count", 99.0, state="idle")
        yield point(number, *legacy, "db.client.connection.max", 10.0)
        yield point(number, *legacy, "db.client.connection.timeouts", 1.0)
        yield point(number, *legacy, "system.cpu.utilization", 0.25 * (number + 1))
        yield point(number, *legacy, "system.memory.utilization", 40.0, "%")


def filled_store(path: Path, more: tuple[Signal, ...] = ()) -> Store:
    """Return a store with all of it."""
    store = Store(path / "store")
    store.append([*signals(), *more])
    ledger = Ledger(sink="elk", received=100, delivered=90, stored=7)
    ledger.dropped["filtered"] = 3
    store.record([ledger_row(ledger, "payload-1", BEGIN + 5 * S)])
    return store
