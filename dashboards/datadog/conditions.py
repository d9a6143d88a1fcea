"""Conditions of alarms as queries of monitors, with what no data means.

Datadog judges one window; M of N periods is told as nearly as it can, and `how` says so in the monitor's
message. https://docs.datadoghq.com/monitors/types/metric/
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.alarms.values import Condition
from dashboards.alarms.words import condition_words, length
from dashboards.datadog.formulas import formula, in_period, number, readings
from dashboards.datadog.readings import NotThereError, Reading
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled
from dashboards.resources import System

#: Longest window of a monitor of metrics or logs, in minutes.
LONGEST_M = 2880
#: How late CloudWatch's metrics are at Datadog, in seconds, by its recommendation.
#: https://docs.datadoghq.com/integrations/guide/cloud-metric-delay/
LATE_S = 900


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as Datadog judges it. threshold: the number of the query; how: in words."""

    type: str
    query: str
    threshold: float
    options: dict[str, Any]
    how: str
    #: What is not certain, and of which metric.
    doubts: frozenset[tuple[str, str]] = frozenset()


def judged(condition: Condition, system: System, is_gated: bool = True) -> Judged:
    """Return the query of a condition. Raises NotThereError.

    is_gated: False where a second monitor judges the traffic.
    """
    found = readings(condition.of, system)
    minutes = _minutes(condition)
    if any(one.is_lines for one in found):
        return _of_lines(condition, found, minutes)
    seconds = condition.period_s
    text = formula(condition.of, system, lambda one: in_period(one.text, one, seconds), is_gated=is_gated)
    above = condition.op in (">", ">=")
    is_counts = all(one.is_count for one in found)
    is_share = isinstance(_core(condition.of), Percent | Quotient)
    over = length(minutes * 60)
    if is_counts and is_share:
        window, how = "sum", f"the share over {over} together"
    elif is_counts:
        window, how = "sum", f"the mean of a period over {over}"
        text = text if condition.datapoints == 1 else f"{text} / {condition.datapoints}"
    elif condition.datapoints == 1:
        window, how = ("max" if above else "min"), f"once in {over}"
    else:
        window, how = "avg", f"the mean over {over}"
    if is_counts and not is_share and _is_zero_filled(condition, above):
        text = f"default_zero({text})"
    query = f"{window}(last_{span(minutes)}):{text} {condition.op} {number(condition.threshold)}"
    return Judged(
        type="query alert",
        query=query,
        threshold=condition.threshold,
        options=_options(condition, found, minutes),
        how=f"{told(condition)} At Datadog: {how}. {_missing(condition)}",
        doubts=frozenset((one.doubt, one.name) for one in found if one.doubt),
    )


def told(condition: Condition) -> str:
    """Return what is judged, as a sentence."""
    return f"Judged: {condition_words(condition)}."


def traffic(condition: Condition, system: System) -> Judged | None:
    """Return the condition that there is enough traffic to judge a share; None where none is asked."""
    core = _core(condition.of)
    if not isinstance(core, Percent) or core.gate <= 0:
        return None
    gate = Condition(
        of=core.over,
        op=">=",
        threshold=core.gate,
        period_s=condition.period_s,
        periods=condition.periods,
        datapoints=condition.datapoints,
    )
    return judged(gate, system)


def span(minutes: int) -> str:
    """Return a length as Datadog writes it: 15m, 1h, 2d."""
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _minutes(condition: Condition) -> int:
    periods = condition.periods if condition.datapoints == 1 else condition.datapoints
    minutes = max(1, condition.period_s * periods // 60)
    if minutes > LONGEST_M:
        raise NotThereError(f"A monitor looks back 2 days at most, and this alarm {length(minutes * 60)}.")
    return minutes


def _core(expression: Expression) -> Expression:
    return _core(expression.of) if isinstance(expression, Scaled) else expression


def _of_lines(condition: Condition, found: list[Reading], minutes: int) -> Judged:
    if len(found) > 1 or not isinstance(condition.of, Metric):
        raise NotThereError("A monitor of logs counts lines; it has no arithmetic with other metrics.")
    periods = condition.datapoints if condition.datapoints > 1 else condition.periods
    threshold = condition.threshold * (condition.datapoints if condition.datapoints > 1 else 1)
    search = found[0].text.replace('"', r"\"")
    together = f"lines of {length(minutes * 60)} together"
    limit = f"{number(condition.threshold)} a period is {number(threshold)} in {periods}"
    kept = {"ok": "default", "breaching": "show_and_notify_no_data", "keep": "show_no_data"}
    return Judged(
        type="log alert",
        query=f'logs("{search}").index("*").rollup("count").last("{span(minutes)}")'
        f" {condition.op} {number(threshold)}",
        threshold=threshold,
        options={"on_missing_data": kept[condition.missing], "enable_logs_sample": True},
        how=f"{told(condition)} At Datadog: {together}; {limit}. {_missing(condition)}",
    )


def _is_zero_filled(condition: Condition, above: bool) -> bool:
    """Return whether no data is judged as 0: nothing happened, or silence that a lower limit has to find."""
    if condition.missing == "keep":
        return False
    return above if condition.missing == "ok" else not above


def _options(condition: Condition, found: list[Reading], minutes: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "require_full_window": False,
        "notify_no_data": condition.missing == "breaching",
    }
    late = any(one.text.partition(":")[2].startswith(("aws.", "hybridobserve.")) for one in found)
    if condition.missing == "breaching":
        # Datadog asks for at least twice the window; late metrics are not missing yet.
        options["no_data_timeframe"] = max(2 * minutes, 10) + (LATE_S // 60 if late else 0)
    if condition.missing == "ok":
        options["timeout_h"] = 1
    if late:
        options["evaluation_delay"] = LATE_S
    return options


def _missing(condition: Condition) -> str:
    return {
        "ok": "No data is good: nothing happened, and an open alert is closed after an hour.",
        "breaching": "No data is a fault and is told.",
        "keep": "No data changes nothing.",
    }[condition.missing]
