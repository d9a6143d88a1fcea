"""Legacy and serverless side by side: share of traffic, failures, latency, with baseline and promises."""

from __future__ import annotations

from dashboards.expressions import Expression, Metric, Quotient
from dashboards.pages import marks
from dashboards.pages.drawn import count, percentiles, share, total
from dashboards.pages.layout import row
from dashboards.pages.titles import SIDES, number
from dashboards.panels import Line, Panel, Series
from dashboards.resources import EndpointView, System
from subscribers.signals import Side

SIDES_IN_ORDER: tuple[Side, ...] = ("legacy", "serverless")


def subject(endpoint: EndpointView, side: Side) -> str:
    """Return what metrics of one side of an endpoint are called by."""
    return f"{endpoint.name}/{side}"


def requests(endpoint: EndpointView, side: Side) -> Metric:
    """Return the requests that a side answers."""
    return count("endpoint.requests", subject(endpoint, side))


def all_requests(endpoint: EndpointView) -> Expression:
    """Return the requests of all sides that an endpoint has."""
    return total(requests(endpoint, side.side) for side in endpoint.sides)


def failures(endpoint: EndpointView, side: Side) -> Expression:
    """Return the percentage of a side's requests that fail."""
    return share(count("endpoint.errors", subject(endpoint, side)), requests(endpoint, side))


def share_series(endpoint: EndpointView) -> tuple[Series, ...]:
    """Return each side's share of the traffic, in percent."""
    everything = all_requests(endpoint)
    return tuple(
        Series(
            label=SIDES[one.side],
            of=share(requests(endpoint, one.side), everything),
            role=one.side,
        )
        for one in endpoint.sides
    )


def failure_series(endpoint: EndpointView) -> tuple[Series, ...]:
    """Return each side's error rate, in percent."""
    return tuple(
        Series(label=SIDES[one.side], of=failures(endpoint, one.side), role=one.side)
        for one in endpoint.sides
    )


def p95_series(endpoint: EndpointView) -> tuple[Series, ...]:
    """Return each side's p95, in milliseconds."""
    return tuple(
        Series(
            label=SIDES[one.side],
            of=Metric("endpoint.duration", subject(endpoint, one.side), "p95"),
            role=one.side,
        )
        for one in endpoint.sides
    )


def panels_of(system: System, endpoint: EndpointView) -> tuple[Panel, ...]:
    """Return the comparison of an endpoint's sides; of one side only what there is, with the baseline."""
    top = (_requests(system, endpoint), _failures(system, endpoint))
    if len(endpoint.sides) < 2:
        return (*row(*top), *row(*_latency(system, endpoint)))
    return (
        *row(_share(system, endpoint), *top),
        *row(_p95(system, endpoint), _ratio(system, endpoint)),
        *row(*_latency(system, endpoint)),
    )


def baseline(endpoint: EndpointView, key: str, unit: str) -> tuple[Line, ...]:
    """Return the line of the legacy baseline, if observe.yaml has one. key: p95_ms or error_percent."""
    written = endpoint.config.baseline if endpoint.config else {}
    if key not in written:
        return ()
    value = float(written[key])
    label = f"Legacy baseline ({number(value)}{unit}), {written.get('from', '')} to {written.get('to', '')}"
    return (Line(label=label, value=value, role="baseline"),)


def failure_lines(endpoint: EndpointView) -> tuple[Line, ...]:
    """Return the baseline of failures, and what the promise allows."""
    promise = endpoint.config.slo.get("availability") if endpoint.config else None
    allowed = round(100 - float(promise), 6) if promise is not None else 0.0
    objective = Line(label=f"SLO: at most {number(allowed)}% fail", value=allowed, role="objective")
    return (*baseline(endpoint, "error_percent", "%"), *((objective,) if promise is not None else ()))


def latency_lines(endpoint: EndpointView) -> tuple[Line, ...]:
    """Return the baseline of p95, and the promise."""
    promise = endpoint.config.slo.get("latency") if endpoint.config else None
    objective = (
        (
            Line(
                label=f"SLO: {number(promise['p'])}% within {number(promise['ms'])} ms",
                value=float(promise["ms"]),
                role="objective",
            ),
        )
        if promise
        else ()
    )
    return (*baseline(endpoint, "p95_ms", " ms"), *objective)


def _share(system: System, endpoint: EndpointView) -> Panel:
    return Panel(
        id="share",
        title="Share of traffic",
        kind="area",
        unit="%",
        maximum=100,
        help="Requests answered by each side, in percent of both.",
        series=share_series(endpoint),
        marks=marks.of_endpoint(system, endpoint),
    )


def _requests(system: System, endpoint: EndpointView) -> Panel:
    return Panel(
        id="requests",
        title="Requests",
        kind="lines",
        help="Requests that each side answered in five minutes.",
        series=tuple(
            Series(label=SIDES[one.side], of=requests(endpoint, one.side), role=one.side)
            for one in endpoint.sides
        ),
        marks=marks.of_endpoint(system, endpoint),
    )


def _failures(system: System, endpoint: EndpointView) -> Panel:
    return Panel(
        id="errors",
        title="Error rate",
        kind="lines",
        unit="%",
        help="Failed requests of each side, in percent of all that it answered.",
        series=failure_series(endpoint),
        lines=failure_lines(endpoint),
        marks=marks.of_endpoint(system, endpoint),
    )


def _p95(system: System, endpoint: EndpointView) -> Panel:
    return Panel(
        id="p95",
        title="p95 of both sides",
        kind="lines",
        unit="ms",
        help="How long 95% of the requests of each side take at most.",
        series=p95_series(endpoint),
        lines=latency_lines(endpoint),
        marks=marks.of_endpoint(system, endpoint),
    )


def _ratio(system: System, endpoint: EndpointView) -> Panel:
    serverless, legacy = (
        Metric("endpoint.duration", subject(endpoint, side), "p95") for side in ("serverless", "legacy")
    )
    return Panel(
        id="ratio",
        title="p95: serverless divided by legacy",
        kind="lines",
        unit="1",
        help="Below 1 the serverless side is faster, above 1 slower.",
        empty="There is a point only where both sides answered requests in the same five minutes.",
        series=(Series(label="serverless / legacy", of=Quotient(serverless, legacy)),),
        lines=(Line(label="As fast as legacy", value=1, role="baseline"),),
        marks=marks.of_endpoint(system, endpoint),
    )


def _latency(system: System, endpoint: EndpointView) -> tuple[Panel, ...]:
    return tuple(
        Panel(
            id=f"latency-{one.side}",
            title=f"{SIDES[one.side]}: latency",
            kind="lines",
            unit="ms",
            help=f"How long 50%, 95% and 99% of the requests of the {one.side} side take at most.",
            series=percentiles("endpoint.duration", subject(endpoint, one.side), one.side),
            lines=latency_lines(endpoint),
            marks=marks.of_endpoint(system, endpoint),
        )
        for one in endpoint.sides
    )
