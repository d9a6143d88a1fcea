"""Drafts about gateways, load balancers, tables, databases, containers and buckets."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric, of_resource, percent_of
from dashboards.expressions import Percent, Total
from dashboards.resources import EndpointView, Resource

#: Seconds after which the gateway answers 504, where no route says it.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_LIMIT_S = {"rest_api": 29.0, "http_api": 30.0}
_GIB = 2.0**30
#: A side without a promise is slow at this multiple of the legacy side's baseline.
SLOWER = 1.5


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about everything that answers or keeps."""
    system = around.system
    for api in system.of_kind("rest_api", "http_api"):
        yield from _api(around, api)
    for graphql in system.of_kind("graphql"):
        # AppSync counts no requests of its own; each has a latency.
        answered = metric("graphql.latency", graphql.id, "count")
        failed = metric("graphql.errors_5xx", graphql.id)
        yield of_resource(around, graphql, "graphql-errors", Percent(failed, answered))
        yield of_resource(around, graphql, "graphql-latency", metric("graphql.latency", graphql.id, "p95"))
    for cdn in system.of_kind("distribution"):
        share = metric("distribution.error_percent_5xx", cdn.id, "avg")
        yield of_resource(around, cdn, "distribution-errors", share)
    for balancer in system.of_kind("load_balancer"):
        if balancer.facts.get("type", "application") == "application":
            yield from _balancer(around, balancer)
    for group in system.of_kind("target_group"):
        yield from _targets(around, group)
    yield from _kept(around)


def _api(around: Around, api: Resource) -> Iterator[Draft]:
    routes = [route for route in around.system.routes.values() if route.api == api.id]
    told_by = {
        route: f"{endpoint.name}/{side.side}"
        for endpoint in around.system.endpoints.values()
        for side in endpoint.sides
        for route in side.routes
    }
    share = Percent(metric("api.errors_5xx", api.id), metric("api.requests", api.id))
    # Where every route is an endpoint, one that fails explains it. Several with little traffic each are
    # judged here alone: their sum passes the gate.
    is_covered = all(route.id in told_by for route in routes)
    sides = tuple(dict.fromkeys(told_by[route.id] for route in routes)) if is_covered else ()
    yield of_resource(around, api, "api-errors", share, told_by=sides)
    limit_s = max((route.limit_s for route in routes), default=0.0) or _LIMIT_S[api.kind]
    near = percent_of(limit_s, 80, "the {} s after which the gateway answers 504", 1000)
    yield of_resource(around, api, "api-latency", metric("api.latency", api.id, "p95"), near)


def _balancer(around: Around, balancer: Resource) -> Iterator[Draft]:
    failed, requests = (metric(f"load_balancer.{name}", balancer.id) for name in ("errors_5xx", "requests"))
    # RequestCount leaves out requests for which there was no target: those are among the failed ones.
    yield of_resource(around, balancer, "load-balancer-errors", Percent(failed, Total((requests, failed))))
    rejected = metric("load_balancer.rejected", balancer.id)
    yield of_resource(around, balancer, "load-balancer-rejected", rejected)


def _targets(around: Around, group: Resource) -> Iterator[Draft]:
    failed, requests = (metric(f"target_group.{name}", group.id) for name in ("errors_5xx", "requests"))
    yield of_resource(around, group, "target-errors", Percent(failed, requests))
    if not any(one.target.startswith("function:") for one in around.system.out_of(group.id, "fronts")):
        healthy, unhealthy = (metric(f"target_group.{n}", group.id, "max") for n in ("healthy", "unhealthy"))
        yield of_resource(around, group, "target-none-healthy", healthy)
        yield of_resource(around, group, "target-unhealthy", unhealthy)
    endpoints = [
        endpoint
        for endpoint in around.system.endpoints.values()
        if any(group.id in side.resources for side in endpoint.sides)
    ]
    latency = metric("target_group.latency", group.id, "p95")
    yield of_resource(around, group, "target-latency", latency, _slowest(endpoints))


def _slowest(endpoints: list[EndpointView]) -> tuple[float | None, str]:
    """The most lenient limit of the endpoints behind a target group, in seconds."""
    found = [(limit[0], limit[1], one.route) for one in endpoints if (limit := slow_ms(one))[0] is not None]
    if not found or len(found) < len(endpoints):
        return None, "not every endpoint behind it has a latency in its slo or a baseline"
    ms, reason, route = max((ms or 0.0, reason, route) for ms, reason, route in found)
    return ms / 1000, f"The longest that an endpoint behind it may take, {route}: {reason}"


def slow_ms(endpoint: EndpointView) -> tuple[float | None, str]:
    """Return what is slow for an endpoint in milliseconds, and why; None where nobody said it."""
    config = endpoint.config
    if config is not None and "latency" in config.slo:
        latency = config.slo["latency"]
        return float(
            latency["ms"]
        ), f"The latency of its SLO: {latency['p']:g}% within {latency['ms']:,g} ms."
    if config is not None and config.baseline.get("p95_ms"):
        base = float(config.baseline["p95_ms"])
        return round(base * SLOWER, 6), f"{SLOWER:g} times the legacy side's p95 of {base:,g} ms (baseline)."
    return None, "it has neither a latency in its slo nor a baseline with p95_ms"


def _kept(around: Around) -> Iterator[Draft]:
    for table in around.system.of_kind("table"):
        if table.id not in around.system.pipeline:  # pipeline-throttled tells of those
            throttled = Total(tuple(metric(f"table.{one}_throttled", table.id) for one in ("read", "write")))
            yield of_resource(around, table, "table-throttles", throttled)
        yield of_resource(around, table, "table-errors", metric("table.system_errors", table.id))
    for bucket in around.system.of_kind("bucket"):
        if bucket.facts.get("metrics"):
            share = Percent(metric("bucket.errors_5xx", bucket.id), metric("bucket.requests", bucket.id))
            yield of_resource(around, bucket, "bucket-errors", share)
    for database in around.system.of_kind("database"):
        yield from _database(around, database)
    for service in around.system.of_kind("ecs_service"):
        for rule, measure in (("ecs-cpu", "ecs_service.cpu"), ("ecs-memory", "ecs_service.memory")):
            yield of_resource(around, service, rule, metric(measure, service.id, "avg"))


def _database(around: Around, database: Resource) -> Iterator[Draft]:
    yield of_resource(around, database, "database-cpu", metric("database.cpu", database.id, "avg"))
    most = percent_of(database.limits.get("max_connections"), 90, "its max_connections of {}")
    connections = metric("database.connections", database.id, "max")
    yield of_resource(around, database, "database-connections", connections, most)
    # Aurora's storage grows by itself and is the cluster's.
    if not database.facts.get("engine", "").startswith("aurora"):
        least = percent_of(database.limits.get("storage_gb"), 10, "its AllocatedStorage of {} GiB", _GIB)
        free = metric("database.free_storage", database.id, "min")
        yield of_resource(around, database, "database-storage", free, least)
    if _is_replica(around, database):
        lag = metric("database.replica_lag", database.id, "max")
        yield of_resource(around, database, "database-replica-lag", lag)


def _is_replica(around: Around, database: Resource) -> bool:
    sources = around.fed_by.get(database.id, ())
    return "replica_of" in database.facts or any(one.kind.startswith("database") for one in sources)
