"""Requests of endpoints and services from the store, counted once whoever told of them."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.preview.facts import Fact
from dashboards.preview.window import NS_PER_S, Window
from dashboards.resources import EndpointView, System
from dashboards.resources import Implementation as Part
from subscribers.config import Endpoint, Implementation
from subscribers.insight.answer import Source
from subscribers.insight.requests import REQUESTS
from subscribers.insight.routes import Routes
from subscribers.tables import Row

_BY_PIECE = """
SELECT side, service, endpoint AS route, start_unix_nano // $base AS piece, count(*)::BIGINT AS requests,
       count(*) FILTER (failed)::BIGINT AS failed, list(ns / 1e6) AS ms
FROM requests GROUP BY ALL
"""


def requests(source: Source, system: System, window: Window) -> Iterator[Fact]:
    """Yield the facts of `endpoint.*` and of `service.requests`, `.errors`, `.duration`.

    Durations are those of the handling, without the wait for a function's start, as metrics have them.
    """
    routes = routes_of(system)
    slow_ms = {name: _slow_ms(endpoint) for name, endpoint in system.endpoints.items()}
    asked = {
        "first": window.first_unix_nano,
        "last": window.last_unix_nano,
        "base": window.base_s * NS_PER_S,
    }
    for row in source(REQUESTS + _BY_PIECE, asked):
        yield from _told("service", row["service"], row)
        if endpoint := routes.endpoint(row["side"], row["service"], row["route"]):
            subject = f"{endpoint}/{row['side']}"
            yield from _told("endpoint", subject, row)
            if limit := slow_ms.get(endpoint):
                slow = float(sum(ms > limit for ms in row["ms"]))
                yield Fact("endpoint.slow", subject, row["piece"], (slow,))


def routes_of(system: System) -> Routes:
    """Return the routes of all endpoints, of those that only a template names as well."""
    return Routes({name: view.config or _endpoint(view) for name, view in system.endpoints.items()})


def _told(what: str, subject: str, row: Row) -> Iterator[Fact]:
    piece = row["piece"]
    yield Fact(f"{what}.requests", subject, piece, (float(row["requests"]),))
    yield Fact(f"{what}.errors", subject, piece, (float(row["failed"]),))
    yield Fact(f"{what}.duration", subject, piece, row["ms"])


def _slow_ms(endpoint: EndpointView) -> float:
    """The limit of its objective of latency; 0 where it has none."""
    latency = endpoint.config.slo.get("latency") if endpoint.config else None
    return float(latency.get("ms", 0)) if isinstance(latency, dict) else 0.0


def _endpoint(view: EndpointView) -> Endpoint:
    return Endpoint(
        name=view.name,
        route=view.route,
        legacy=_implementation(view.legacy),
        serverless=_implementation(view.serverless),
    )


def _implementation(part: Part | None) -> Implementation | None:
    return Implementation(part.service, part.route) if part else None
