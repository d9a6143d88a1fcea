"""Metrics as OTLP/JSON: what was measured in the same second is one data point, of any backend's liking.

| kind | becomes |
|---|---|
| count | Sum, delta, of the second; monotonic unless something was counted down |
| gauge | Gauge, the second's last |
| histogram, distribution, timing | Histogram, delta, explicit bounds, with minimum and maximum |
| set | Gauge: how many different members a minute of a payload had |

Two points of one series and one time are one to most backends: the later would replace the earlier. So a
second is one point, and its item names the events that it stands for.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/#metric-points
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from observe import semconv
from subscribers.signals import Metric
from subscribers.sinks import otlp_json
from subscribers.sinks.channel import Item

_NS_PER_S = 1_000_000_000
_MINUTE_S = 60
#: The SDK's default bounds, and what lies beyond them: a function's 15 minutes in ms, bytes.
#: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation
_SMALL = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0)
_LARGE = (1e3, 2.5e3, 5e3, 7.5e3, 1e4, 3e4, 6e4, 1.2e5, 3e5, 9e5, 1e7, 1e8, 1e9)
BOUNDS = (*_SMALL, *_LARGE)
#: Of seconds: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration
_BELOW = (0.0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75)
BOUNDS_S = (*_BELOW, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0, 900.0)
_DELTA = 1
_HISTOGRAMS = frozenset(("histogram", "distribution", "timing"))


class _Series(msgspec.Struct):
    """What was measured of one series in one second."""

    first: Metric
    resource: bytes
    #: Its last.
    time_unix_nano: int
    #: When its second began, before all that is in it.
    start_unix_nano: int
    values: list[float] = []
    members: set[str] = set()
    more: list[str] = []


def items(signals: Iterable[object]) -> Iterator[Item]:
    """Yield an item a series and second, in the order in which they first came."""
    found: dict[tuple[object, ...], _Series] = {}
    for signal in signals:
        if isinstance(signal, Metric):
            _add(found, signal)
    for series in found.values():
        body = otlp_json.encoded(_metric(series))
        yield Item(series.first.event_id, body, group=series.resource, more=tuple(series.more))


def _add(found: dict[tuple[object, ...], _Series], metric: Metric) -> None:
    resource = otlp_json.resource(metric.origin)
    # The end of an interval is in it, its start is not: no point begins when it ends.
    second = (metric.time_unix_nano - 1) // _NS_PER_S
    interval = second - second % _MINUTE_S if metric.kind == "set" else second
    name = metric.name, metric.kind, metric.unit
    # What is no number makes no sum: it is a point of its own.
    alone = "" if math.isfinite(metric.value) else metric.event_id
    key = (resource, name, tuple(sorted(metric.tags.items())), interval, alone)
    series = found.get(key)
    if series is None:
        series = found[key] = _Series(metric, resource, metric.time_unix_nano, interval * _NS_PER_S)
    else:
        series.more.append(metric.event_id)
        if metric.time_unix_nano < series.time_unix_nano and metric.kind == "gauge":
            return  # told late: the last one counts
    series.time_unix_nano = max(series.time_unix_nano, metric.time_unix_nano)
    if metric.kind == "set":
        series.members.add(metric.set_member)
    elif metric.kind == "gauge":
        series.values = [metric.value]
    else:
        series.values.append(metric.value)


def _metric(series: _Series) -> dict[str, Any]:
    """An opentelemetry.proto.metrics.v1.Metric with one data point."""
    first = series.first
    made: dict[str, Any] = {"name": first.name}
    if first.unit:
        made["unit"] = first.unit
    if first.kind in _HISTOGRAMS and math.isfinite(series.values[0]):
        made["histogram"] = {"dataPoints": [_histogram(series)], "aggregationTemporality": _DELTA}
    elif first.kind == "count":
        total = math.fsum(series.values) if len(series.values) > 1 else series.values[0]
        made["sum"] = {
            "dataPoints": [{**_point(series, is_delta=True), "asDouble": otlp_json.number(total)}],
            "aggregationTemporality": _DELTA,
            "isMonotonic": all(value >= 0 for value in series.values),
        }
    else:
        value = float(len(series.members)) if first.kind == "set" else series.values[-1]
        made["gauge"] = {"dataPoints": [{**_point(series), "asDouble": otlp_json.number(value)}]}
    return made


def _histogram(series: _Series) -> dict[str, Any]:
    bounds = BOUNDS_S if series.first.unit == "s" else BOUNDS
    counts = [0] * (len(bounds) + 1)
    for value in series.values:
        counts[bisect.bisect_left(bounds, value)] += 1
    made = {
        **_point(series, is_delta=True),
        "count": str(len(series.values)),
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": bounds,
        "min": min(series.values),
        "max": max(series.values),
    }
    # A sum that could go down is none, says the protocol.
    if made["min"] >= 0:
        made["sum"] = otlp_json.number(math.fsum(series.values))
    return made


def _point(series: _Series, *, is_delta: bool = False) -> dict[str, Any]:
    first = series.first
    exemplar = {otlp_json.EVENT_ID: first.event_id}
    if first.request_id:
        exemplar[semconv.FAAS_INVOCATION_ID] = first.request_id
    made: dict[str, Any] = {"attributes": otlp_json.strings(first.tags)}
    if is_delta:
        made["startTimeUnixNano"] = otlp_json.time(series.start_unix_nano)
    made["timeUnixNano"] = otlp_json.time(series.time_unix_nano)
    # IDs are no attributes: each would be a series of its own.
    made["exemplars"] = [
        {
            "timeUnixNano": otlp_json.time(first.time_unix_nano),
            "asDouble": otlp_json.number(first.value),
            "filteredAttributes": otlp_json.strings(exemplar),
        }
    ]
    return made
