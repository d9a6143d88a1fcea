"""What alarms cost a month in CloudWatch, before they are deployed.

List prices of us-east-1 in USD as last known in 2026; not verified against a bill, without the free tier of
ten alarms, other Regions differ. Metrics that log lines are made into are custom metrics and cost extra.
https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.expressions import Expression, metrics_of

#: Of each metric that an alarm of standard resolution judges.
METRIC_USD = 0.10
#: Of each composite alarm. One that is suppressed by another is a composite, too.
COMPOSITE_USD = 0.50
#: A sum over days is not possible: the longest period of CloudWatch is a day.
LONGEST_S = 86_400
ASSUMPTION = (
    "List prices of CloudWatch in us-east-1, not verified: USD 0.10 a metric of an alarm, USD 0.50 a "
    "composite, without the free tier of ten alarms. Metrics made of log lines cost USD 0.30 more."
)


def monthly_usd(one: Alarm | Composite | Slo) -> float:
    """Return what one costs a month. An SLO has two alarms and a composite for each burn up to a day long."""
    if isinstance(one, Alarm):
        # What silences it needs a composite over it, and a second one where several do.
        wrapped = min(2, len(one.suppressed_by)) * COMPOSITE_USD if one.is_told else 0.0
        return round(_metrics(one.condition.of) * METRIC_USD + wrapped, 2)
    if isinstance(one, Composite):
        return COMPOSITE_USD * (2 if len(one.suppressed_by) > 1 else 1)
    burns = sum(burn.long_s <= LONGEST_S for burn in one.burns)
    return round(burns * (2 * _metrics(one.bad, one.total) * METRIC_USD + COMPOSITE_USD), 2)


def total_usd(alarms: Alarms) -> float:
    """Return what all of them cost a month."""
    priced: tuple[Alarm | Composite | Slo, ...] = (*alarms.alarms, *alarms.slos, *alarms.composites)
    return round(sum(monthly_usd(one) for one in priced), 2)


def _metrics(*expressions: Expression) -> int:
    return len({metric for one in expressions for metric in metrics_of(one)})
