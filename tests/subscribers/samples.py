"""Signals for tests: short to write, complete to store."""

from __future__ import annotations

from typing import Any

from subscribers.signals import Log, Metric, Origin, Side, Span

T0 = 1_700_000_000_000_000_000
MS = 1_000_000
TRACE = "a" * 32


def origin(service: str = "claims", side: Side = "legacy", stream: str = "") -> Origin:
    """An origin whose stream is the service's name where none is given."""
    return Origin("123456789012", "eu-west-1", f"/app/{service}", stream or service, service, side)


def log(name: str, at_ms: float = 0, service: str = "claims", side: Side = "legacy", **more: Any) -> Log:
    """A log line `at_ms` after T0."""
    defaults: dict[str, Any] = {
        "origin": origin(service, side),
        "time_unix_nano": T0 + round(at_ms * MS),
        "observed_time_unix_nano": T0,
        "message": f"line {name}",
    }
    return Log(event_id=f"log-{name}", **{**defaults, **more})


def span(
    name: str,
    start_ms: float = 0,
    end_ms: float = 1,
    service: str = "claims",
    side: Side = "legacy",
    **more: Any,
) -> Span:
    """A span from `start_ms` to `end_ms` after T0; its span ID is made of its name."""
    defaults: dict[str, Any] = {
        "origin": origin(service, side),
        "trace_id": TRACE,
        "span_id": span_id(name),
        "name": name,
        "kind": "server",
        "start_unix_nano": T0 + round(start_ms * MS),
        "end_unix_nano": T0 + round(end_ms * MS),
        "told_by": "access_log" if side == "legacy" else "layer",
    }
    return Span(event_id=f"span-{name}", **{**defaults, **more})


def span_id(name: str) -> str:
    """Return the span ID of the span of that name: 16 hex digits."""
    return name.encode().hex()[:16].ljust(16, "0")


def metric(name: str, value: float = 1.0, **more: Any) -> Metric:
    """A counter at T0."""
    return Metric(
        event_id=f"metric-{name}",
        origin=origin(),
        time_unix_nano=T0,
        name=name,
        kind="count",
        value=value,
        **more,
    )
