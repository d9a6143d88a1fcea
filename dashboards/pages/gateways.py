"""Routes of gateways: graphs of those that have metrics of their own, a note for those that have none."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.expressions import Metric
from dashboards.pages.drawn import count, share
from dashboards.pages.layout import row, text
from dashboards.pages.scene import Scene
from dashboards.pages.titles import bullets, called, code, number, route_called
from dashboards.panels import Line, Mark, Panel, Role, Series
from dashboards.resources import Kind, Resource, Route, slug

#: Routes of one endpoint that are drawn, at most.
MOST = 6
#: What makes routes of a gateway visible.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
_SETTING: dict[Kind, str] = {
    "rest_api": "`MetricsEnabled: true` in `MethodSettings` of the stage",
    "http_api": "`DetailedMetricsEnabled: true` in `DefaultRouteSettings` of the stage",
    "websocket_api": "`DetailedMetricsEnabled: true` in `DefaultRouteSettings` of the stage",
}


def panels_of(scene: Scene, ids: Iterable[str], marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    """Return the graphs of the routes that have metrics, then a text about those that have none."""
    routes = [scene.system.routes[id] for id in dict.fromkeys(ids) if id in scene.system.routes]
    metered = [route for route in routes if route.is_metered]
    drawn = tuple(panel for route in metered[:MOST] for panel in _graphs(route, marks))
    blind = [_note(route, scene.system.resources.get(route.api)) for route in routes if not route.is_metered]
    if len(metered) > MOST:
        blind.append(f"{len(metered) - MOST} more routes lead here; only the first {MOST} are drawn.")
    return (*drawn, *row(*([text("routes", "Routes without graphs", bullets(blind))] if blind else [])))


def _graphs(route: Route, marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    requests = count("route.requests", route.id)
    role: Role = "neutral" if route.side == "unknown" else route.side
    name = route_called(route)
    return row(
        Panel(
            id=slug(f"{route.id} requests"),
            title=f"{name} at the gateway: requests",
            kind="lines",
            help="Requests of this route, whoever answered them.",
            series=(Series(label="requests", of=requests, role=role),),
            marks=marks,
        ),
        Panel(
            id=slug(f"{route.id} errors"),
            title=f"{name} at the gateway: error rate",
            kind="lines",
            unit="%",
            help="Requests of this route that were answered with an error, in percent.",
            series=(
                Series(label="5xx", of=share(count("route.errors_5xx", route.id), requests), role="bad"),
                Series(label="4xx", of=share(count("route.errors_4xx", route.id), requests)),
            ),
            marks=marks,
        ),
        Panel(
            id=slug(f"{route.id} latency"),
            title=f"{name} at the gateway: latency",
            kind="lines",
            unit="ms",
            help="How long requests of this route take, the gateway's own time included.",
            series=tuple(
                Series(label=one, of=Metric("route.latency", route.id, one), role=role)
                for one in ("p50", "p95", "p99")
            ),
            lines=_limit(route),
            marks=marks,
        ),
    )


def _limit(route: Route) -> tuple[Line, ...]:
    if not route.limit_s:
        return ()
    label = f"The gateway waits {number(route.limit_s)} s"
    return (Line(label=label, value=route.limit_s * 1000, role="limit"),)


def _instead(api: Resource | None) -> str:
    if api is not None and api.kind == "distribution":
        return ": CloudFront counts the requests of a whole distribution only"
    return ": see the load balancer and its target group" if api else ""


def _note(route: Route, api: Resource | None) -> str:
    setting = _SETTING.get(api.kind) if api else None
    name = code(route_called(route))
    if api is None or setting is None:
        return f"{name}{f' of {code(called(api))}' if api else ''} has no metrics of its own{_instead(api)}."
    return f"{name} of {code(called(api))} has no metrics of its own; {setting} turns them on."
