"""What CloudWatch would bill for what is generated, counted in the very templates that are deployed.

List prices of us-east-1 in USD as last known in 2026; not verified against a bill, without the free tier of
ten alarms and ten metrics; other Regions differ. https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import yaml

from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.rendered import Rendered
from dashboards.resources import Note, System

#: Of each metric that an alarm of standard resolution judges.
METRIC_USD = 0.10
COMPOSITE_USD = 0.50
#: Of each dashboard after the free ones, which are those of the whole account.
DASHBOARD_USD, DASHBOARDS_FREE = 3.00, 3
#: Of each metric that is not AWS's own.
CUSTOM_USD = 0.30
#: Metrics of our subscriber of one side of an endpoint, where observe.yaml has `endpoint_metrics`.
ENDPOINT_METRICS = 4
ASSUMPTION = (
    "List prices of CloudWatch in us-east-1, not verified: USD 0.10 a metric of an alarm, USD 0.50 a "
    "composite, USD 3.00 a dashboard after the account's first three, USD 0.30 a metric that is not AWS's "
    "own; without the free tier of ten alarms and ten metrics, without queries and logs."
)
_ALARM, _COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
#: libyaml reads a template of 300 functions in a second, Python's own loader in half a minute.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the bill beside alarms: what, how many of it, and USD a month."""

    what: str
    number: int
    usd: float


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """USD a month. usd: name of an alarm, promise or composite -> what it costs with all that it needs, such
    as the composite by which it tells; only what CloudWatch has. absent: name -> why CloudWatch has it not.
    """

    usd: dict[str, float] = {}
    absent: dict[str, str] = {}
    #: Alarms and composites that CloudWatch has, and the metrics of the alarms.
    alarms: int = 0
    metrics: int = 0
    composites: int = 0
    #: Dashboards, metrics of log lines, metrics of endpoints: those that there are.
    others: tuple[Row, ...] = ()

    @property
    def alarms_usd(self) -> float:
        """What alarms and composites cost."""
        return round(self.metrics * METRIC_USD + self.composites * COMPOSITE_USD, 2)

    @property
    def total_usd(self) -> float:
        """What everything costs."""
        return round(self.alarms_usd + sum(row.usd for row in self.others), 2)


def bill_of(system: System, alarms: Alarms, rendered: Rendered) -> Bill:
    """Return the bill. rendered: CloudWatch's files; its fragment is the same again and is not counted."""
    every: tuple[Alarm | Slo | Composite, ...] = (*alarms.alarms, *alarms.slos, *alarms.composites)
    names = [one.name for one in every]
    found = [*_resources(rendered.files)]
    metrics = [_metrics(one) for kind, one in found if kind == _ALARM]
    composites = sum(kind == _COMPOSITE for kind, _ in found)
    usd = _by_name(found, frozenset(names))
    return Bill(
        usd=usd,
        absent={name: _why(name, rendered.notes) for name in names if name not in usd},
        alarms=len(metrics),
        metrics=sum(metrics),
        composites=composites,
        others=tuple(row for row in _others(system, found) if row.number),
    )


def _resources(files: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, text in files.items():
        if path.startswith("template") and path.endswith(".yaml"):
            for one in yaml.load(text, Loader=_Loader)["Resources"].values():  # noqa: S506 - a safe one
                yield one["Type"], one.get("Properties", {})


def _metrics(properties: Mapping[str, Any]) -> int:
    """Metrics that an alarm judges; an expression over them is free."""
    return sum("MetricStat" in row for row in properties.get("Metrics", ())) or 1


def _by_name(found: Iterable[tuple[str, dict[str, Any]]], names: frozenset[str]) -> dict[str, float]:
    out: dict[str, float] = {}
    for kind, properties in found:
        if kind in (_ALARM, _COMPOSITE) and (name := _named(properties["AlarmName"], names)):
            price = COMPOSITE_USD if kind == _COMPOSITE else _metrics(properties) * METRIC_USD
            out[name] = round(out.get(name, 0.0) + price, 2)
    return out


def _named(deployed: Any, names: frozenset[str]) -> str:
    """The alarm, promise or composite that a deployed name is of: `claims-slo-submit-14x4-1h-long` is of
    `slo-submit`, the longest that is part of it. "" for one that was cut."""
    text = deployed if isinstance(deployed, str) else json.dumps(deployed).strip('}]"')
    words = text.split("-")
    spans = (
        "-".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1)
    )
    return max((span for span in spans if span in names), key=len, default="")


def _others(system: System, found: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Row]:
    several = [*found]
    pages = sum(kind == "AWS::CloudWatch::Dashboard" for kind, _ in several)
    yield Row(what="dashboards", number=pages, usd=max(0, pages - DASHBOARDS_FREE) * DASHBOARD_USD)
    made = {
        json.dumps([row["MetricNamespace"], row["MetricName"]])
        for kind, properties in several
        if kind == "AWS::Logs::MetricFilter"
        for row in properties["MetricTransformations"]
    }
    yield Row(what="metrics of logs", number=len(made), usd=round(len(made) * CUSTOM_USD, 2))
    if system.config.endpoint_metrics:
        sides = sum(len(one.sides) for one in system.endpoints.values() if one.config is not None)
        own = sides * ENDPOINT_METRICS
        yield Row(what="endpoint_metrics", number=own, usd=round(own * CUSTOM_USD, 2))


def _why(name: str, notes: Iterable[Note]) -> str:
    """The reason of the note that says so, which names it or a part of it such as a burn rate."""
    for note in notes:
        subject, _, reason = note.text.partition(": ")
        is_it = any(word == name or word.startswith(f"{name}-") for word in subject.split())
        if is_it and "left out" in subject:
            return note.reason or reason
    return "CloudWatch cannot judge it."
