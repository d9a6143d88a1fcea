"""Metrics in JSON lines: what Datadog's Forwarder reads, and CloudWatch's embedded metric format.

    forwarder   {"m": name, "v": value, "e": epoch s, "t": ["key:value", ...]}
    EMF         {"_aws": {"Timestamp": ms, "CloudWatchMetrics": [{"Namespace", "Dimensions": [[key]],
                "Metrics": [{"Name", "Unit"}]}]}, key: dimension value, name: value or [values]}

OpenTelemetry's exporter writes statistic sets for values, {"Min", "Max", "Sum", "Count"}, and with them
{"Values": [value], "Counts": [how often]}: they become the metrics `<name>.min`, `.max`, `.sum` and `.count`,
for no single value of them is known.

A line is either wholly well-formed or no metric at all: then it stays a log.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_StatisticSet.html
"""

from __future__ import annotations

from typing import Any

from subscribers.parsers import units
from subscribers.parsers.draft import MetricKind, Point

#: Values of one metric in one EMF line; metrics of one directive.
EMF_MAX = 100
#: Different values of a statistic set. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_VALUES_MAX = 150
#: Members that are tags of every metric, though they are no dimensions (docs/spec/lines.md).
TAGS = ("env", "service", "version")
_FORWARDER = frozenset("mvet")


def points_of(document: dict[str, Any]) -> tuple[Point, ...]:
    """Return the data points of a decoded JSON line, or () if it is no metric line."""
    if document.keys() >= _FORWARDER:
        return _forwarder(document)
    return _emf(document) if isinstance(document.get("_aws"), dict) else ()


def properties(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a well-formed embedded metric has beside its values and dimensions: people search by it."""
    taken = {"_aws"}
    for directive in document["_aws"]["CloudWatchMetrics"] if isinstance(document.get("_aws"), dict) else ():
        taken.update(metric["Name"] for metric in directive["Metrics"])
        taken.update(name for one in directive.get("Dimensions", ()) if isinstance(one, list) for name in one)
    return {key: value for key, value in document.items() if key not in taken}


def is_bare(document: dict[str, Any]) -> bool:
    """Whether a line has no metric and says so: EMF's library writes properties alone, too."""
    aws = document.get("_aws")
    directives = aws.get("CloudWatchMetrics") if isinstance(aws, dict) else None
    return isinstance(directives, list) and all(map(_is_empty, directives))


def is_meant(document: dict[str, Any]) -> bool:
    """Whether a line was clearly meant to be a metric."""
    return "_aws" in document or (document.keys() >= _FORWARDER and "message" not in document)


def _forwarder(document: dict[str, Any]) -> tuple[Point, ...]:
    name, value, seconds, tags = (document[key] for key in "mvet")
    if not isinstance(name, str) or not name or not _is_number(value) or not _is_number(seconds):
        return ()
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return ()
    pairs = (tag.partition(":") for tag in tags)
    named = {key: text for key, _, text in pairs if key}
    return (Point(name, "distribution", float(value), "", named, int(seconds * 1_000_000_000)),)


def _emf(document: dict[str, Any]) -> tuple[Point, ...]:
    aws = document["_aws"]
    stamp, directives = aws.get("Timestamp"), aws.get("CloudWatchMetrics")
    if not _is_number(stamp) or not isinstance(directives, list):
        return ()
    found: list[Point] = []
    for directive in directives:
        if _is_empty(directive):
            continue
        points = (
            _directive(document, directive, int(stamp) * 1_000_000) if isinstance(directive, dict) else []
        )
        if not points:
            return ()
        found += points
    return tuple(found)


def _is_empty(directive: object) -> bool:
    return isinstance(directive, dict) and directive.get("Metrics") == []


def _directive(document: dict[str, Any], directive: dict[str, Any], time_unix_nano: int) -> list[Point]:
    metrics, sets = directive.get("Metrics"), directive.get("Dimensions", [])
    if not isinstance(metrics, list) or not isinstance(sets, list) or len(metrics) > EMF_MAX:
        return []
    names = [name for one in sets if isinstance(one, list) for name in one if isinstance(name, str)]
    tags = {name: str(document[name]) for name in names if isinstance(document.get(name), str | int | float)}
    for tag in TAGS:
        if isinstance(document.get(tag), str):
            tags.setdefault(tag, document[tag])
    if isinstance(directive.get("Namespace"), str) and directive["Namespace"]:
        tags.setdefault("namespace", directive["Namespace"])
    found: list[Point] = []
    for metric in metrics:
        name = metric.get("Name") if isinstance(metric, dict) else None
        if not isinstance(name, str):
            return []
        kind, unit = units.BY_NAME.get(str(metric.get("Unit")), ("distribution", ""))
        told = [
            Point(name + word, own or kind, value, "1" if word == ".count" else unit, tags, time_unix_nano)
            for word, own, value in _told(document.get(name))
        ]
        if not told:
            return []
        found += told
    return found


def _told(said: object) -> list[tuple[str, MetricKind | None, float]]:
    """What a member of the line tells: (end of the name, kind where it is not the unit's, value); [] if no
    metric can be told by it."""
    if isinstance(said, dict):
        return _statistics(said)
    values: list[Any] = said if isinstance(said, list) else [said]
    if not 0 < len(values) <= EMF_MAX or not all(map(_is_number, values)):
        return []
    return [("", None, float(value)) for value in values]


def _statistics(said: dict[str, Any]) -> list[tuple[str, MetricKind | None, float]]:
    """Those of a statistic set, which says them itself or by its values."""
    values, counts = said.get("Values"), said.get("Counts")
    told: dict[str, Any] = {word: said.get(word) for word in ("Min", "Max", "Sum", "Count")}
    if isinstance(values, list) and isinstance(counts, list):
        numbers = [*values, *counts]
        if not 0 < len(values) == len(counts) <= _VALUES_MAX or not all(map(_is_number, numbers)):
            return []
        total = sum(value * count for value, count in zip(values, counts, strict=True))
        own: dict[str, Any] = {"Min": min(values), "Max": max(values), "Sum": total, "Count": sum(counts)}
        told = {word: own[word] if value is None else value for word, value in told.items()}
    if not all(map(_is_number, told.values())):
        return []
    kinds: dict[str, MetricKind] = {"Min": "gauge", "Max": "gauge", "Sum": "count", "Count": "count"}
    return [(f".{word.lower()}", kinds[word], float(value)) for word, value in told.items()]


def _is_number(value: object) -> bool:
    """A finite JSON number that a time or a double can hold."""
    # Not math.isfinite: it raises for an integer that no double holds.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
