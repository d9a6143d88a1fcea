"""A small judge of conditions over made-up series, and what resources do when they are well and when not.

SIGNALS has for each measure what a healthy resource and a broken one show in a period of five minutes: in the
unit of the catalogue, and never beyond what the resource can show at all. Thresholds have no part in it, so a
threshold that nothing reaches, or that health reaches, is found.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from random import Random

from dashboards.alarms.values import Alarm, Burn, Condition, Slo
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total, metrics_of
from subscribers.alerts.model import Op

#: What one period shows: by measure; None where there is no data.
Shown = Mapping[str, float | None]

_OPS: dict[Op, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_HOUR_MS = 3_600_000.0
#: measure -> (healthy, broken) of the resources in test_simulation.py: a timeout of 30 s, 50 reserved
#: executions, 200 connections, 100 GiB, streams that keep a day, queues that keep four.
SIGNALS: dict[str, tuple[float | None, float | None]] = {
    "function.invocations": (100, 100),
    "function.errors": (1, 100),
    "function.throttles": (0, 50),
    "function.duration": (12_000, 30_000),
    "function.concurrency": (20, 50),
    "function.iterator_age": (2_000, 24 * _HOUR_MS),
    "function.async_age": (3_000, 6 * _HOUR_MS),
    "function.async_dropped": (0, 3),
    "function.timeouts": (0, 10),
    "api.requests": (100, 100),
    "api.errors_5xx": (1, 100),
    "api.latency": (800, 29_000),
    "endpoint.requests": (100, 100),
    "endpoint.errors": (1, 100),
    "endpoint.duration": (300, 29_000),
    "service.requests": (100, 100),
    "service.errors": (1, 100),
    "service.duration": (300, 60_000),
    "service.pool_exhausted": (0, 40),
    "service.pool_used": (8, 20),
    "service.pool_max": (20, 20),
    "queue.visible": (0, 2),
    "queue.age": (20, 4 * 86_400),
    "queue.in_flight": (500, 120_000),
    "topic.failed": (0, 20),
    "stream.age": (2_000, 24 * _HOUR_MS),
    "stream.write_throttled": (0, 200),
    "stream.read_throttled": (2, 0),
    "firehose.freshness": (300, 7_200),
    "table.read_throttled": (0, 200),
    "table.write_throttled": (2, 0),
    "table.system_errors": (0, 100),
    "state_machine.succeeded": (20, 0),
    "state_machine.failed": (0, 20),
    "state_machine.timed_out": (0, 5),
    "state_machine.throttled": (0, 30),
    "rule.failed": (0, 1),
    "bucket.requests": (100, 100),
    "bucket.errors_5xx": (0, 60),
    # Without a healthy target RequestCount stands still: it counts requests for which one was chosen.
    "load_balancer.requests": (100, None),
    "load_balancer.errors_5xx": (0, 100),
    "load_balancer.rejected": (0, 10),
    "target_group.requests": (100, 100),
    "target_group.errors_5xx": (1, 100),
    "target_group.latency": (0.3, 30),
    "target_group.healthy": (2, 0),
    "target_group.unhealthy": (0, 2),
    "database.cpu": (50, 100),
    "database.connections": (90, 200),
    "database.free_storage": (60 * 2**30, 2**30),
    "database.replica_lag": (1, 600),
    "ecs_service.cpu": (50, 100),
    "ecs_service.memory": (60, 100),
    "graphql.latency": (400, 30_000),
    "graphql.errors_5xx": (0, 100),
    "distribution.error_percent_5xx": (0.2, 100),
    "pipeline.parts_failed": (0, 5),
    "pipeline.notifications_failed": (0, 5),
    "pipeline.rules_failed": (0, 5),
}
#: The pipeline answers for each part by itself: healthy it never fails, and its table is on demand.
OWN: dict[tuple[str, str], tuple[float, float]] = {
    ("pipeline-errors", "function.errors"): (0, 5),
    ("pipeline-throttled", "table.write_throttled"): (0, 0),
}
#: A broken source of events: nothing comes.
SILENT = {"function.invocations": None, "endpoint.requests": None}


def shown(alarm: Alarm, which: int) -> dict[str, float | None]:
    """What a healthy (0) or broken (1) period shows of the measures that an alarm judges."""
    condition = alarm.condition
    out: dict[str, float | None] = {}
    for metric in metrics_of(condition.of):
        signal = OWN.get((alarm.rule, metric.measure), SIGNALS[metric.measure])
        out[metric.measure] = signal[which]
        if metric.statistic == "count":
            out[f"{metric.measure}/count"] = 100.0
    if which and condition.op == "<":
        out |= {key: SILENT[key] for key in out if key in SILENT}
    return out


def noisy(healthy: Shown, periods: int, random: Random) -> list[Shown]:
    """So many periods of health, each measure up to a fifth more or less."""
    return [
        {key: None if value is None else value * random.uniform(0.8, 1.2) for key, value in healthy.items()}
        for _ in range(periods)
    ]


def between(healthy: Shown, broken: Shown, steps: int) -> list[Shown]:
    """From health to ruin in equal steps; a measure that ends without data ends at 0."""
    out: list[Shown] = []
    for step in range(steps + 1):
        part = step / steps
        out.append({k: (v or 0.0) * (1 - part) + (broken[k] or 0.0) * part for k, v in healthy.items()})
    return out


def value(of: Expression, period: Shown) -> float | None:
    """What an expression is in a period; None where it has no point. As dashboards/expressions.py says."""
    match of:
        case Metric(measure=measure, statistic="count"):
            return period[f"{measure}/count"]
        case Metric(measure=measure):
            return period[measure]
        case Scaled(of=part, by=by):
            found = value(part, period)
            return None if found is None else found * by
        case Total(of=several):
            there = [one for part in several if (one := value(part, period)) is not None]
            return sum(there) if there else None
        case Quotient(of=part, over=over):
            first, second = value(part, period), value(over, period)
            return None if first is None or not second else first / second
        case Percent(of=part, over=over, gate=gate):
            whole = value(over, period) or 0.0
            if gate and whole < gate:
                return 0.0
            return 100 * (value(part, period) or 0.0) / whole if whole else None


def is_beyond(condition: Condition, period: Shown) -> bool:
    """Whether one period counts against a resource; a missing one as the alarm says."""
    found = value(condition.of, period)
    if found is None:
        return condition.missing == "breaching"
    return _OPS[condition.op](found, condition.threshold)


def fires_at(condition: Condition, periods: Sequence[Shown]) -> int | None:
    """Index of the first period after which M of the last N are beyond the threshold."""
    beyond = [is_beyond(condition, period) for period in periods]
    for index in range(len(beyond)):
        if sum(beyond[max(0, index + 1 - condition.periods) : index + 1]) >= condition.datapoints:
            return index
    return None


def burns(slo: Slo, burn: Burn, minutes: Sequence[tuple[float, float]]) -> bool:
    """Whether a burn rate tells after these minutes, each (bad, total), oldest first."""
    budget = 1 - slo.objective / 100

    def rate(seconds: int) -> float:
        bad, total = map(sum, zip(*minutes[-seconds // 60 :], strict=True))
        return bad / total / budget if total else 0.0

    counted = sum(total for _, total in minutes[-burn.long_s // 60 :])
    return counted >= max(slo.minimum, 1) and min(rate(burn.long_s), rate(burn.short_s)) > burn.factor
