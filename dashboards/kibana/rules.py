"""Alarms as bodies of `POST /api/alerting/rule`: custom threshold rules, which need no paid licence.

A criterion is an equation over metrics A, B, ... of one time window. Only counts may have a filter of their
own; of an aggregated field the filter is the rule's, so all of a criterion must read the same documents.
Kibana counts runs in a row: M of N periods becomes M in a row.
https://www.elastic.co/docs/solutions/observability/incident-management/create-custom-threshold-rule
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

import msgspec

from dashboards.alarms.values import Alarm, Burn, Slo
from dashboards.expressions import Expression, Percent
from dashboards.kibana.arithmetic import Absent, Language, calculation, index_of, readings_of, written
from dashboards.kibana.fields import Reading
from dashboards.kibana.filters import Every, Filter, kql
from dashboards.kibana.objects import data_view
from dashboards.kibana.store import Index, Store
from dashboards.resources import System

RULE_TYPE = "observability.rules.custom_threshold"
_AGGREGATES = {"avg": "avg", "sum": "sum", "min": "min", "max": "max", "cardinality": "cardinality"}
_PERCENTILES = (95, 99)
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """An equation over metrics, the rule's own filter, and the documents that it needs."""

    metrics: list[dict[str, Any]]
    equation: str
    where: Filter
    index: Index


def rule_of(alarm: Alarm, system: System, store: Store) -> dict[str, Any] | Absent:
    """Return the body of an alarm's rule, or why there can be none."""
    judged = alarm.condition
    found = criterion(judged.of, system, store)
    if isinstance(found, Absent):
        return found
    one = _criterion(found, judged.op, judged.threshold, judged.period_s, alarm.title)
    return _rule(
        alarm.title,
        [alarm.severity, alarm.rule, alarm.owner],
        [one],
        found,
        interval_s=max(60, judged.period_s),
        runs=judged.datapoints,
        is_silence=judged.missing == "breaching",
    )


def burn_rule(slo: Slo, burn: Burn, system: System, store: Store) -> dict[str, Any] | Absent:
    """Return the rule of a burn rate: the share of bad requests over a long and a short window at once."""
    limit = round(burn.factor * (100 - slo.objective), 6)
    long = criterion(Percent(slo.bad, slo.total, gate=slo.minimum), system, store)
    short = criterion(Percent(slo.bad, slo.total), system, store)
    if isinstance(long, Absent):
        return long
    if isinstance(short, Absent):
        return short
    title = f"{slo.title}: the budget burns {burn.factor:g} times too fast"
    several = [
        _criterion(long, ">", limit, burn.long_s, title),
        _criterion(short, ">", limit, burn.short_s, title),
    ]
    tags = [burn.severity, "slo", slo.owner]
    return _rule(title, tags, several, long, interval_s=max(60, burn.short_s // 5), runs=1)


def criterion(of: Expression, system: System, store: Store) -> Criterion | Absent:
    """Return an expression as a criterion, or why it is none."""
    found = calculation(of, system, store)
    if isinstance(found, Absent):
        return found
    readings = list(dict.fromkeys(readings_of(found)))
    if len(readings) > len(ascii_uppercase):
        return Absent("expression", "a rule has at most 26 metrics")
    used = {read: _countable(read, readings) for read in readings}
    aggregated = [read for read in used.values() if read.aggregate != "count"]
    filters = {read.where for read in (used.values() if aggregated else ())}
    if len(filters) > 1:
        return Absent("expression", "a rule filters counts one by one, and values of a field only all alike")
    if any(read.aggregate == "percentile" and read.percent not in _PERCENTILES for read in aggregated):
        return Absent("expression", "a rule knows no percentiles but p95 and p99")
    letters = {read: ascii_uppercase[number] for number, read in enumerate(readings)}
    language = Language(
        reading=lambda read: letters[read],
        division=lambda one, two: f"({two} > 0 ? {one} / {two} : 0)",
        gate=lambda over, minimum, then: f"({over} >= {minimum} ? {then} : 0)",
    )
    return Criterion(
        metrics=[_metric(letters[read], used[read]) for read in readings],
        equation=written(found, language),
        where=next(iter(filters), Every(())),
        index=index_of(found),
    )


def _countable(read: Reading, readings: list[Reading]) -> Reading:
    """A count without repeats beside others has a filter only as a plain count, of documents told once."""
    if read.aggregate == "cardinality" and len(readings) > 1:
        return msgspec.structs.replace(read, aggregate="count", field="", where=read.once)
    return read


def _metric(letter: str, read: Reading) -> dict[str, Any]:
    if read.aggregate == "count":
        return {"aggType": "count", "filter": kql(read.where), "name": letter}
    kind = f"p{read.percent}" if read.aggregate == "percentile" else _AGGREGATES[read.aggregate]
    return {"aggType": kind, "field": read.field, "name": letter}


def _criterion(found: Criterion, op: str, threshold: float, window_s: int, label: str) -> dict[str, Any]:
    size, unit = next((window_s // s, unit) for s, unit in _UNITS if window_s % s == 0)
    return {
        "comparator": op,
        "equation": found.equation,
        "label": label,
        "metrics": found.metrics,
        "threshold": [threshold],
        "timeSize": size,
        "timeUnit": unit,
    }


def _rule(
    name: str,
    tags: list[str],
    criteria: list[dict[str, Any]],
    found: Criterion,
    *,
    interval_s: int,
    runs: int,
    is_silence: bool = False,
) -> dict[str, Any]:
    return {
        # Connectors are of the installation: whoever imports adds them.
        "actions": [],
        "alert_delay": {"active": runs},
        # The feature whose users may create it: Kibana's own form has `logs`, and `observability` is none.
        "consumer": "logs",
        "enabled": True,
        "name": name,
        "params": {
            "alertOnGroupDisappear": False,
            "alertOnNoData": is_silence,
            "criteria": criteria,
            "searchConfiguration": {
                "index": data_view(found.index),
                "query": {"language": "kuery", "query": kql(found.where)},
            },
        },
        "rule_type_id": RULE_TYPE,
        "schedule": {"interval": f"{interval_s // 60}m"},
        "tags": ["hybrid-observe", *dict.fromkeys(tag for tag in tags if tag)],
    }
