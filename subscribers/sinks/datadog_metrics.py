"""Metrics for Datadog: gauges as series, all others as distribution points.

Datadog keeps one value of a series and second, the last: right for a gauge, but of two functions that count
in the same second one would be lost. Points of a distribution are all kept. So is the count of a set's
members, one point a payload.

https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
https://docs.datadoghq.com/api/latest/metrics/#submit-distribution-points
https://github.com/vectordotdev/vector/issues/13867
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from subscribers.signals import Metric, Signal
from subscribers.sinks.channel import Item
from subscribers.sinks.datadog_intake import Reader, encoded, refused
from subscribers.sinks.datadog_names import Tagging, metric_name

Tree = dict[str, Any]

#: MetricIntakeType.
_GAUGE = 3
#: UCUM -> Datadog's units, where there is the same one. https://docs.datadoghq.com/metrics/units/
UNITS = {
    "ns": "nanosecond",
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "bit": "bit",
    "By": "byte",
    "KiBy": "kibibyte",
    "MiBy": "mebibyte",
    "GiBy": "gibibyte",
    "TiBy": "tebibyte",
    "%": "percent",
    "Hz": "hertz",
}


def series_reader(tagging: Tagging) -> Reader:
    """Return what makes items of gauges: a series of one point each."""

    def read(signals: Iterable[Signal]) -> Iterator[Item]:
        for signal in signals:
            if isinstance(signal, Metric) and signal.kind == "gauge":
                yield _item(signal, _series(signal, tagging))

    return read


def distribution_reader(tagging: Tagging) -> Reader:
    """Return what makes items of all other metrics; those of sets come last, one for each set."""

    def read(signals: Iterable[Signal]) -> Iterator[Item]:
        sets: dict[tuple[str, ...], list[Metric]] = {}
        for signal in signals:
            if not isinstance(signal, Metric) or signal.kind == "gauge":
                continue
            if signal.kind == "set":
                series = (signal.name, *tagging.tags(signal.origin, signal.tags))
                sets.setdefault(series, []).append(signal)
            else:
                yield _item(signal, _distribution(signal, tagging, signal.value))
        for members in sets.values():
            yield _set_item(members, tagging)

    return read


def _series(metric: Metric, tagging: Tagging) -> Tree:
    told: Tree = {
        "metric": metric_name(metric.name),
        "type": _GAUGE,
        "points": [{"timestamp": metric.time_unix_nano // 1_000_000_000, "value": metric.value}],
        "tags": tagging.tags(metric.origin, metric.tags),
    }
    unit = UNITS.get(metric.unit)
    return {**told, "unit": unit} if unit else told


def _distribution(metric: Metric, tagging: Tagging, value: float) -> Tree:
    return {
        "metric": metric_name(metric.name),
        "points": [[metric.time_unix_nano // 1_000_000_000, [value]]],
        "tags": tagging.tags(metric.origin, metric.tags),
    }


def _set_item(members: list[Metric], tagging: Tagging) -> Item:
    """How many different members a payload names, at the time of the last."""
    last = max(members, key=lambda member: member.time_unix_nano)
    count = len({member.set_member for member in members})
    first, *others = (member.event_id for member in members)
    found = _item(last, _distribution(last, tagging, float(count)))
    return Item(first, found.body, more=tuple(others))


def _item(metric: Metric, told: Tree) -> Item:
    if told["metric"] and (math.isfinite(metric.value) or metric.kind == "set"):
        return Item(metric.event_id, encoded(told))
    aside = {**told, "metric": metric.name, "points": [str(metric.value), metric.time_unix_nano]}
    return refused(metric.event_id, "bad_value" if told["metric"] else "bad_name", aside)


class _Point(msgspec.Struct):
    timestamp: int


class _Series(msgspec.Struct):
    points: list[_Point]


class _Distribution(msgspec.Struct):
    points: list[tuple[int, list[float]]]


_series_decoder = msgspec.json.Decoder(_Series)
_distribution_decoder = msgspec.json.Decoder(_Distribution)


def series_time_s(body: bytes) -> float | None:
    """Return the time of a series' body, in seconds since the epoch; None where it has none."""
    try:
        return _series_decoder.decode(body).points[0].timestamp
    except (ValueError, IndexError, RecursionError):
        return None


def distribution_time_s(body: bytes) -> float | None:
    """Return the time of a distribution's body, in seconds since the epoch; None where it has none."""
    try:
        return _distribution_decoder.decode(body).points[0][0]
    except (ValueError, IndexError, RecursionError):
        return None
