"""Panels of a legacy application: its requests, its pool, its host, and what it runs on."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.expressions import Metric
from dashboards.pages import kinds
from dashboards.pages.drawn import count, mean, peak, percentiles, share
from dashboards.pages.layout import row
from dashboards.pages.scene import Scene
from dashboards.pages.titles import called, number
from dashboards.panels import Line, Mark, Panel, Series
from dashboards.resources import Resource, ServiceView, slug

#: Functions whose concurrency is laid over the connections of a database, at most.
_OVERLAID = 10


def requests(service: ServiceView, marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    """Return requests, failures, latency and error lines of a service of either side."""
    answered = count("service.requests", service.name)
    return row(
        Panel(
            id="requests",
            title="Requests",
            kind="lines",
            help="Requests that it answered in five minutes.",
            series=(Series(label="requests", of=answered, role=service.side),),
            marks=marks,
        ),
        Panel(
            id="errors",
            title="Error rate",
            kind="lines",
            unit="%",
            help="Failed requests (5xx), in percent of all.",
            series=(
                Series(label="5xx", of=share(count("service.errors", service.name), answered), role="bad"),
            ),
            marks=marks,
        ),
        Panel(
            id="latency",
            title="Latency",
            kind="lines",
            unit="ms",
            help="How long 50%, 95% and 99% of its requests take at most.",
            series=percentiles("service.duration", service.name, service.side),
            marks=marks,
        ),
        error_lines(service, marks),
    )


def error_lines(service: ServiceView, marks: tuple[Mark, ...]) -> Panel:
    """Return how many error lines a service writes."""
    return Panel(
        id="error-lines",
        title="Error lines",
        kind="bars",
        help="Log lines of level ERROR and FATAL.",
        series=(Series(label="error lines", of=count("service.error_lines", service.name), role="bad"),),
        marks=marks,
    )


def saturation(service: ServiceView, marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    """Return how full a legacy application is: its connection pool and its host."""
    used, size = peak("service.pool_used", service.name), mean("service.pool_max", service.name)
    return row(
        Panel(
            id="pool",
            title="Connection pool",
            kind="lines",
            help="Connections in use, against how many the pool has.",
            series=(
                Series(label="in use", of=used, role="legacy"),
                Series(label="size of the pool", of=size),
            ),
            marks=marks,
        ),
        Panel(
            id="pool-share",
            title="Pool used",
            kind="lines",
            unit="%",
            right_unit="1",
            maximum=100,
            help="Connections in use, in percent of the pool; at 100 requests wait or fail.",
            series=(
                Series(label="used", of=share(used, size), role="legacy"),
                Series(
                    label="no connection left",
                    of=count("service.pool_exhausted", service.name),
                    role="bad",
                    is_right=True,
                ),
            ),
            marks=marks,
        ),
        Panel(
            id="host",
            title="Host",
            kind="lines",
            unit="%",
            maximum=100,
            help="Load of the processors and memory used of the host.",
            series=(
                Series(label="CPU", of=Metric("service.cpu", service.name, "avg"), role="legacy"),
                Series(label="memory", of=Metric("service.memory", service.name, "avg")),
            ),
            marks=marks,
        ),
    )


def hosting(scene: Scene, resources: tuple[Resource, ...], marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    """Return the graphs of load balancers, target groups, databases, ECS services and so on, a row each."""
    out: list[Panel] = []
    for resource in resources:
        own = kinds.panels_of(resource, marks)
        if resource.kind == "database":
            own = (connections(scene, resource, marks), *own)
        out += row(*own)
    return tuple(out)


def connections(scene: Scene, database: Resource, marks: tuple[Mark, ...]) -> Panel:
    """Return a database's connections against how many it takes, with the functions that open some, too."""
    writers = scene.resources(scene.sources([database.id], "writes"), "function")[:_OVERLAID]
    most = database.limits.get("max_connections", 0.0)
    line = Line(label=f"Most connections it takes ({number(most)})", value=most, role="limit")
    shared = (
        " Functions write to it, too: each that runs may hold a connection, so they share this limit."
        if writers
        else ""
    )
    panel = Panel(
        id=slug(f"{database.id} connections"),
        title=f"{called(database)}: connections",
        kind="lines",
        help=f"Open connections; at the limit new ones are refused.{shared}",
        series=(Series(label="connections", of=peak("database.connections", database.id), role="legacy"),),
        lines=(line,) if most else (),
        marks=marks,
    )
    if not writers:
        return panel
    overlay = tuple(
        Series(
            label=f"running: {called(one)}",
            of=peak("function.concurrency", one.id),
            role="serverless",
            is_right=True,
        )
        for one in writers
    )
    return replace(panel, series=(*panel.series, *overlay), right_unit="1")
