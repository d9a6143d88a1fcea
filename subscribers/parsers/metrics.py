"""Metric lines, whoever wrote them.

    ours        MONITORING|<epoch s>|<value>|<type>|<name>|#<tag:value,...>
    the rival's MONITORING|<value>|<unit>|<name>|<namespace>
    DogStatsD   <name>:<value>[:<value>]|<c|g|ms|h|s|d>[|@<rate>][|#<tags>][|T<epoch s>]

    StatsD      the same without tags, or InfluxDB's: <name>,<tag>=<value>:<value>|<type>

Events and service checks are no points: see `datagrams`. `+1|g` changes a gauge that only StatsD's server
knows, so it is no point either; `-1|g` is a value, as DogStatsD has it. A sampled count is scaled up.

https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
https://github.com/statsd/statsd/blob/master/docs/metric_types.md
https://www.influxdata.com/blog/getting-started-with-sending-statsd-metrics-to-telegraf-influxdb/
"""

from __future__ import annotations

import math
import re

from subscribers.parsers import units
from subscribers.parsers.draft import MetricKind, Point
from subscribers.parsers.times import epoch_seconds

MONITORING = "MONITORING|"

_KINDS: dict[str, MetricKind] = {
    "count": "count",
    "gauge": "gauge",
    "histogram": "histogram",
    "distribution": "distribution",
    "timing": "timing",
    "set": "set",
}
_LETTERS: dict[str, MetricKind] = {
    "c": "count",
    "g": "gauge",
    "ms": "timing",
    "h": "histogram",
    "s": "set",
    "d": "distribution",
}
#: Names beyond letters that a bare line may have, so that prose with a `:` and a `|` is no metric.
_NAME_EXTRA = str.maketrans("", "", "._-/")
_MEANT = re.compile(
    r"[A-Za-z_][\w.\-/]{0,200}(?:,[^|:]{1,500})?:[^|\s]{0,500}\|(?:c|g|ms|h|s|d)(?:\||$)", re.MULTILINE
)


def points_of(text: str) -> tuple[Point, ...]:
    """Return the data points of one metric line, or () if it is not one, whole and well-formed."""
    if text.startswith(MONITORING):
        point = _monitoring(text.split("|"))
        return (point,) if point else ()
    return _datagrams(text)


def is_meant(text: str) -> bool:
    """Whether a bare line was clearly meant to be a datagram: a name, a value and a type."""
    return _MEANT.match(text) is not None


def _monitoring(parts: list[str]) -> Point | None:
    if len(parts) == 5 and number(parts[2]) is None:
        return _rival(parts)
    if len(parts) not in (5, 6) or (len(parts) == 6 and not parts[5].startswith("#")):
        return None
    _, seconds, text, word, name = parts[:5]
    kind, time = _KINDS.get(word), epoch_seconds(seconds)
    if not kind or time is None or not name:
        return None
    tags = tags_of(parts[5][1:]) if len(parts) == 6 else {}
    return _point(name, kind, text, tags, time)


def _rival(parts: list[str]) -> Point | None:
    """The dialect of https://github.com/theburningmonk/lambda-logging-metrics-demo."""
    _, text, unit, name, namespace = parts
    value, known = number(text), units.by_word(unit)
    if value is None or not known or not name:
        return None
    return Point(name, known[0], value, known[1], {"namespace": namespace} if namespace else {})


def _datagrams(text: str) -> tuple[Point, ...]:
    """Every line of the text must be a datagram, else none is: a bare line is text first."""
    found: list[Point] = []
    for line in text.split("\n"):
        points = _datagram(line)
        if not points:
            return ()
        found += points
    return tuple(found)


def _datagram(line: str) -> list[Point]:
    head, *sections = line.split("|")
    name, *values = head.split(":")
    kind = _LETTERS.get(sections[0]) if sections else None
    name, comma, influx = name.partition(",")
    if not kind or not values or not name.translate(_NAME_EXTRA).isidentifier():
        return []
    rate, time = 1.0, 0
    tags = _influx(influx) if comma else {}
    if tags is None or (kind == "gauge" and values[0].startswith("+")):
        return []
    for section in sections[1:]:
        if section.startswith("#"):
            tags = {**tags, **tags_of(section[1:])}
        elif section.startswith("@"):
            rate = number(section[1:]) or 0.0
        elif section.startswith("T"):
            time = epoch_seconds(section[1:]) or 0
        elif not section.startswith(("c:", "e:", "card:")):  # container and origin: nothing we keep
            return []
    if not 0 < rate <= 1:
        return []
    if kind == "set":  # a member may have a colon
        values = [":".join(values)]
    points = [_point(name, kind, value, tags, time, rate) for value in values]
    return [point for point in points if point] if all(points) else []


def _point(
    name: str, kind: MetricKind, text: str, tags: dict[str, str], time: int, rate: float = 1.0
) -> Point | None:
    """A sampled count is scaled up; other kinds have no count to scale."""
    if kind == "set":
        return Point(name, kind, 1.0, "", tags, time, text) if text else None
    value = number(text)
    if value is None:
        return None
    scaled = value / rate if kind == "count" else value
    return Point(name, kind, scaled, "ms" if kind == "timing" else "", tags, time)


def number(text: str) -> float | None:
    """Return a finite number as other languages read one too: no blanks, no underscores."""
    if not text.isascii() or "_" in text or text.strip() != text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _influx(text: str) -> dict[str, str] | None:
    """`region=eu,tier=1` as a mapping; None for what has no `=` or no name."""
    pairs = [tag.partition("=") for tag in text.split(",")]
    return {key: value for key, _, value in pairs} if all(key and found for key, found, _ in pairs) else None


def tags_of(text: str) -> dict[str, str]:
    """Return `k:v,k2:v2` as a mapping; a tag without a value has the value ""."""
    pairs = (tag.partition(":") for tag in text.split(",") if tag)
    return {key: value for key, _, value in pairs if key}
