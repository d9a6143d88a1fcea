"""Expressions of the catalogue as PromQL, over what the OTLP sink and an exporter of CloudWatch tell.

Our own metrics come by OTLP: a dot becomes `_`, the unit and `_bucket`, `_count`, `_sum` are appended, the
service is the label `job`. Prometheus needs cumulative sums, so a collector with the processor
`deltatocumulative` stands before it. AWS's metrics come from yet-another-cloudwatch-exporter: names are
`aws_<namespace>_<metric>_<statistic>` with labels `dimension_<Name>`; its period is its scrape interval, so
that each sample is one period.
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
https://github.com/prometheus-community/yet-another-cloudwatch-exporter
"""

from __future__ import annotations

import re

from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.sources import Point, number, source_of
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total
from dashboards.grafana.deployed import pattern_of, promql_regex
from dashboards.resources import System

REQUESTS = "observe_request_duration_milliseconds"
_REQUEST_MEASURES = ("requests", "errors", "slow", "duration")
#: Gauges that an application tells itself: name, factor. A share has the unit 1, which is `_ratio`.
_OWN: dict[str, tuple[str, float]] = {
    "service.pool_used": ("db_client_connection_count", 1.0),
    "service.pool_max": ("db_client_connection_max", 1.0),
    "service.cpu": ("system_cpu_utilization_ratio", 100.0),
    "service.memory": ("system_memory_utilization_ratio", 100.0),
}
_SPLIT = re.compile(r"([a-z0-9])([A-Z])")
_PLACE = re.compile(r"\{(\d+)\}")
_SUM = re.compile(r"SUM\(\[([^\]]*)\]\)")
#: Quantiles of a histogram that stand for a statistic.
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99", "max": "1", "min": "0"}


def promql(expression: Expression, window: str, system: System) -> str | Absent:
    """Return an expression over a window such as `300s`, a number without labels, or why not."""
    match expression:
        case Metric():
            return _metric(expression, window, system)
        case Percent(of=of, over=over, gate=gate):
            both = _both(of, over, window, system)
            return both if isinstance(both, Absent) else _percent(*both, gate)
        case Quotient(of=of, over=over):
            both = _both(of, over, window, system)
            return both if isinstance(both, Absent) else f"({both[0]} / ({both[1]} != 0))"
        case Total(of=several):
            found = [promql(one, window, system) for one in several]
            there = [one for one in found if isinstance(one, str)]
            if not there:
                return next((one for one in found if isinstance(one, Absent)), Absent("Nothing to add up."))
            return added(there)
        case Scaled(of=of, by=by):
            scaled = promql(of, window, system)
            return scaled if isinstance(scaled, Absent) else f"({scaled} * {number(by)})"


def added(parts: list[str]) -> str:
    """Return the sum of some queries without labels; what is missing counts nothing."""
    if len(parts) == 1:
        return parts[0]
    told = (f'label_replace({part}, "part", "{index}", "", "")' for index, part in enumerate(parts))
    return f"sum({' or '.join(told)})"


def exported(namespace: str, name: str, statistic: str) -> str:
    """Return what the exporter calls a metric of CloudWatch."""
    space = _plain(namespace.lower())
    told, skip = _plain(name), 0
    # The exporter drops parts of the namespace that the name begins with.
    for part in space.split("_"):
        if told[skip:].startswith(part):
            skip = len(part)
    told = told[skip:].removeprefix("_")
    return f"{'' if space.startswith('aws') else 'aws_'}{space}_{told}_{_plain(statistic)}"


def quoted(text: str) -> str:
    """Return a text as a string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _plain(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", _SPLIT.sub(r"\1_\2", text)).lower()


def _both(of: Expression, over: Expression, window: str, system: System) -> tuple[str, str] | Absent:
    first, second = promql(of, window, system), promql(over, window, system)
    if isinstance(first, Absent):
        return first
    return second if isinstance(second, Absent) else (first, second)


def _percent(of: str, over: str, gate: float) -> str:
    share = f"(100 * ({of} or 0 * {over}) / ({over} > 0))"
    if gate <= 0:
        return share
    # Too little traffic is 0, so that a gated alarm is neither open nor without data.
    return f"(({share} and ({over} >= {number(gate)})) or vector(0))"


def _metric(metric: Metric, window: str, system: System) -> str | Absent:
    kind, measure = metric.measure.split(".")
    if kind in ("endpoint", "service") and measure in _REQUEST_MEASURES and system.config.endpoint_metrics:
        return _requests(kind, measure, metric, window)
    if metric.measure in _OWN:
        name, factor = _OWN[metric.measure]
        inside = f"{name}{{job={quoted(metric.subject)}}}"
        if metric.measure == "service.pool_used":
            inside = f'{name}{{job={quoted(metric.subject)},db_client_connection_state!="idle"}}'
        text = f"{metric.statistic}({metric.statistic}_over_time({inside}[{window}]))"
        return text if factor == 1 else f"({text} * {number(factor)})"
    return _exported(metric, window, system)


def _requests(kind: str, measure: str, metric: Metric, window: str) -> str:
    matchers = []
    if kind == "endpoint":
        endpoint, _, side = metric.subject.rpartition("/")
        matchers = [f"endpoint={quoted(endpoint)}", f"side={quoted(side)}"]
    else:
        matchers = [f"job={quoted(metric.subject)}"]
    matchers += {"errors": ['outcome="error"'], "slow": ['slow="true"']}.get(measure, [])
    where = f"{{{','.join(matchers)}}}"
    count = f"sum(increase({REQUESTS}_count{where}[{window}]))"
    if measure != "duration" or metric.statistic == "count":
        return count
    if quantile := _QUANTILES.get(metric.statistic):
        # The ends of a histogram are known only as far as its buckets go.
        return f"histogram_quantile({quantile}, sum by (le) (rate({REQUESTS}_bucket{where}[{window}])))"
    total = f"sum(increase({REQUESTS}_sum{where}[{window}]))"
    return total if metric.statistic == "sum" else f"({total} / ({count} > 0))"


def _exported(metric: Metric, window: str, system: System) -> str | Absent:
    source = source_of(metric, system)
    if isinstance(source, Absent):
        return source
    points = [_point(point, window, system) for point in source.points]
    text = _SUM.sub(lambda match: _summed(match[1], points), source.formula)
    return _PLACE.sub(lambda match: points[int(match[1])], text)


def _summed(places: str, points: list[str]) -> str:
    return added([points[int(place)] for place in _PLACE.findall(places)])


def _point(point: Point, window: str, system: System) -> str:
    name = exported(point.namespace, point.name, point.statistic)
    matchers = ",".join(
        f"dimension_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}{_matched(value, system)}"
        for key, value in point.dimensions
    )
    inside = f"{name}{{{matchers}}}[{window}]" if matchers else f"{name}[{window}]"
    how = {"Sum": "sum", "SampleCount": "sum", "Average": "avg", "Minimum": "min"}.get(point.statistic, "max")
    return f"{how}({how}_over_time({inside}))"


def _matched(value: str, system: System) -> str:
    pattern = pattern_of(value, system)
    return f"=~{quoted(promql_regex(pattern))}" if "*" in pattern else f"={quoted(pattern)}"
