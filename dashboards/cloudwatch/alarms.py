"""Alarms as properties of AWS::CloudWatch::Alarm: one metric, or metric math over several.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from typing import Any

from dashboards.alarms.values import Alarm, Condition, Missing
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.descriptions import description
from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.naming import deployed
from dashboards.cloudwatch.sources import Point
from dashboards.expressions import Expression, Metric
from subscribers.alerts.model import Op

METRICS_MAX = 10
DAY_S, WEEK_S = 86_400, 604_800
OPERATORS: dict[Op, str] = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
MISSING: dict[Missing, str] = {"ok": "notBreaching", "breaching": "breaching", "keep": "ignore"}
_STANDARD = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")


def alarm_properties(alarm: Alarm, context: Context) -> dict[str, Any] | None:
    """Return the properties of an alarm without its actions; None where it cannot be told: noted."""
    judged = judgement(alarm.condition, context)
    if isinstance(judged, Absent):
        context.note(
            "warning", f"The alarm {alarm.name} is left out: {judged.reason}", alarm.subject, alarm.place
        )
        return None
    return {
        "AlarmName": deployed(context.system, alarm.name),
        "AlarmDescription": said_of(alarm, context),
        **judged,
        "Tags": tags(
            {"severity": alarm.severity, "rule": alarm.rule, "subject": alarm.subject, "owner": alarm.owner}
        ),
    }


def said_of(alarm: Alarm, context: Context) -> str:
    """Return the description of an alarm: what it means, why that threshold, runbook and addresses."""
    sentences = (f"{alarm.title}.", alarm.about, alarm.reason and f"Threshold: {alarm.reason}")
    return description(sentences, alarm.runbook, alarm.page, alarm.links, context)


def judgement(condition: Condition, context: Context) -> dict[str, Any] | Absent:
    """Return what an alarm judges: metrics, threshold, periods, missing data."""
    if reason := _too_long(condition.period_s, condition.periods):
        return Absent(reason)
    formulas = Formulas(context.system)
    formula = formulas.of(condition.of)
    if isinstance(formula, Absent):
        return formula
    found = metrics_of(formulas, formula, condition.period_s, condition.of, context)
    if isinstance(found, Absent):
        return found
    context.used(formulas)
    return {
        **found,
        "ComparisonOperator": OPERATORS[condition.op],
        "Threshold": condition.threshold,
        "EvaluationPeriods": condition.periods,
        "DatapointsToAlarm": min(condition.datapoints, condition.periods),
        "TreatMissingData": MISSING[condition.missing],
    }


def metrics_of(
    formulas: Formulas, formula: str, period_s: int, expression: Expression | None, context: Context
) -> dict[str, Any] | Absent:
    """Return the metrics of an alarm, or why an alarm cannot have them."""
    points = list(formulas.ids)
    if len(points) > METRICS_MAX:
        return Absent(f"It needs {len(points)} metrics; an alarm of CloudWatch has at most {METRICS_MAX}.")
    if any(point.region not in ("", context.system.region) for point in points):
        return Absent(
            "Its metric is in us-east-1 alone; alarms see metrics of their own region: deploy there."
        )
    if isinstance(expression, Metric) and len(points) == 1 and formula == formulas.ids[points[0]]:
        return _one(points[0], period_s)
    rows: list[dict[str, Any]] = [
        {"Id": "result", "Expression": formula, "Label": "judged", "ReturnData": True}
    ]
    rows += [
        {"Id": name, "MetricStat": _stat(point, period_s), "ReturnData": False}
        for point, name in formulas.ids.items()
    ]
    return {"Metrics": rows}


def _one(point: Point, period_s: int) -> dict[str, Any]:
    kind = "Statistic" if point.statistic in _STANDARD else "ExtendedStatistic"
    return {
        "Namespace": point.namespace,
        "MetricName": point.name,
        **_dimensions(point),
        kind: point.statistic,
        "Period": period_s,
    }


def _stat(point: Point, period_s: int) -> dict[str, Any]:
    metric = {"Namespace": point.namespace, "MetricName": point.name, **_dimensions(point)}
    return {"Metric": metric, "Period": period_s, "Stat": point.statistic}


def _dimensions(point: Point) -> dict[str, Any]:
    pairs = [{"Name": name, "Value": value} for name, value in point.dimensions]
    return {"Dimensions": pairs} if pairs else {}


def _too_long(period_s: int, periods: int) -> str:
    """Why CloudWatch does not take it, "" where it does."""
    if period_s % 60 or not 60 <= period_s <= DAY_S:
        return f"A period of {period_s} s is none of CloudWatch's: a multiple of 60 s, at most a day."
    longest = WEEK_S if period_s >= 3600 else DAY_S
    if period_s * periods > longest:
        return (
            f"{periods} periods of {period_s} s are longer than {longest // DAY_S} days, CloudWatch's limit "
            f"for such periods."
        )
    return ""


def tags(values: dict[str, str]) -> list[dict[str, str]]:
    """Return tags; signs that AWS does not take in tags are hyphens.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
    """
    cleaned = {key: "".join(c if c.isalnum() or c in "_.:/=+-@ " else "-" for c in text)[:256]
               for key, text in values.items()}  # fmt: skip
    return [{"Key": f"observe:{key}", "Value": text} for key, text in cleaned.items() if text]
