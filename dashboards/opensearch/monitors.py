"""Alarms as query-level monitors of the Alerting plugin: one search over the last periods, one script.

Each period is a bucket; the script counts those in which the condition holds: M of N is meant as it is said.
https://docs.opensearch.org/latest/observing-your-data/alerting/api/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.alarms.values import Alarm, Burn, Slo
from dashboards.expressions import Percent
from dashboards.kibana.arithmetic import Absent, Calculation, Language, calculation, index_of, number, written
from dashboards.kibana.fields import Reading
from dashboards.kibana.store import Store
from dashboards.opensearch.queries import Names, aggregations, names_of, value_path
from dashboards.resources import System
from subscribers.alerts.model import Severity

#: From 1, the most urgent.
SEVERITIES: dict[Severity, str] = {"critical": "1", "error": "2", "warning": "3", "info": "4"}
#: Name of a window -> seconds before now: since, until.
Windows = Mapping[str, tuple[int, int]]


def monitor_of(alarm: Alarm, system: System, store: Store) -> dict[str, Any] | Absent:
    """Return the monitor of an alarm, or why there can be none."""
    judged = alarm.condition
    found = calculation(judged.of, system, store)
    if isinstance(found, Absent):
        return found
    names = names_of((found,))
    windows = {f"p{n}": ((n + 1) * judged.period_s, n * judged.period_s) for n in range(judged.periods)}
    is_silence = str(judged.missing == "breaching").lower()
    test = f"value {judged.op} {_double(judged.threshold)}"
    lines = [
        "int bad = 0;",
        "for (def p : ctx.results[0].aggregations.periods.buckets.values()) {",
        *_value("value", "p", found, names, "  "),
        f"  if (Double.isNaN(value) ? {is_silence} : {test}) {{ bad += 1; }}",
        "}",
        f"return bad >= {judged.datapoints};",
    ]
    title = f"{alarm.title} ({alarm.name})"
    return _monitor(
        title, alarm.severity, _search(store, found, names, windows), lines, max(60, judged.period_s)
    )


def burn_monitor(slo: Slo, burn: Burn, system: System, store: Store) -> dict[str, Any] | Absent:
    """Return the monitor of a burn rate: the share of bad requests over a long and a short window at once."""
    limit = round(burn.factor * (100 - slo.objective), 6)
    long = calculation(Percent(slo.bad, slo.total, gate=slo.minimum), system, store)
    short = calculation(Percent(slo.bad, slo.total), system, store)
    if isinstance(long, Absent):
        return long
    if isinstance(short, Absent):
        return short
    names = names_of((long, short))
    windows = {"w0": (burn.long_s, 0), "w1": (burn.short_s, 0)}
    buckets = "ctx.results[0].aggregations.periods.buckets"
    lines = [
        f"def a = {buckets}.w0;",
        f"def b = {buckets}.w1;",
        *_value("slow", "a", long, names, ""),
        *_value("fast", "b", short, names, ""),
        f"return slow > {_double(limit)} && fast > {_double(limit)};",
    ]
    title = f"{slo.title}: the budget burns {burn.factor:g} times too fast ({slo.name})"
    interval_s = max(60, burn.short_s // 5)
    return _monitor(title, burn.severity, _search(store, long, names, windows), lines, interval_s)


def _value(name: str, bucket: str, found: Calculation, names: Names, indent: str) -> list[str]:
    """A value in Painless: NaN where there is none, which is neither above nor below anything."""

    def read(one: Reading) -> str:
        path = f"{bucket}.{value_path(one, names[one])}"
        return f"((double) {path})" if one.aggregate == "count" else f"({path} == null ? Double.NaN : {path})"

    language = Language(
        reading=read,
        division=lambda one, two: f"({two} == 0 ? Double.NaN : {one} / {two})",
        gate=lambda of, minimum, then: f"({of} >= {minimum} ? {then} : 0.0)",
    )
    return [f"{indent}double {name} = {written(found, language)};"]


def _double(value: float) -> str:
    text = number(value)
    return text if "." in text else f"{text}.0"


def _search(store: Store, found: Calculation, names: Names, windows: Windows) -> dict[str, Any]:
    periods = {name: _since(*edges) for name, edges in windows.items()}
    first = max(since for since, _ in windows.values())
    query = {
        "aggregations": {"periods": {"aggs": aggregations(names), "filters": {"filters": periods}}},
        "query": {"bool": {"filter": [_since(first, 0)]}},
        "size": 0,
    }
    return {"search": {"indices": store.titles[index_of(found)].split(","), "query": query}}


def _since(since_s: int, until_s: int) -> dict[str, Any]:
    edges = {"format": "epoch_millis", "gt": _ago(since_s), "lte": _ago(until_s)}
    return {"range": {"@timestamp": edges}}


def _ago(seconds: int) -> str:
    """The plugin puts the end of the monitor's period in."""
    return f"{{{{period_end}}}}||-{seconds}s" if seconds else "{{period_end}}"


def _monitor(
    title: str, severity: Severity, search: dict[str, Any], lines: list[str], interval_s: int
) -> dict[str, Any]:
    trigger = {
        # Notification channels are of the installation: whoever creates the monitor adds them.
        "actions": [],
        "condition": {"script": {"lang": "painless", "source": "\n".join(lines)}},
        "name": title,
        "severity": SEVERITIES[severity],
    }
    return {
        "enabled": True,
        "inputs": [search],
        "monitor_type": "query_level_monitor",
        "name": title,
        "schedule": {"period": {"interval": interval_s // 60, "unit": "MINUTES"}},
        "triggers": [{"query_level_trigger": trigger}],
        "type": "monitor",
    }
