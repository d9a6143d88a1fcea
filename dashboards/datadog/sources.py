"""How one measure is read at Datadog: a metric and its tags, log lines, or a reason why it is not there.

CloudWatch's statistics come from Datadog's AWS integration as metrics of their own, such as
`aws.lambda.duration.p95`; distributions are asked for percentiles (`p95:observe.request.duration`).
https://docs.datadoghq.com/integrations/guide/aws-integration-and-cloudwatch-faq/
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboards.expressions import Statistic

#: count: summed; gauge: a state; per_second: a mean a second of what is counted; statistics: a metric for
#: each of CloudWatch's statistics; distribution: the values themselves; occurrences: how many values a
#: distribution has; lines: log lines, `metric` is a search.
Form = Literal["count", "gauge", "per_second", "statistics", "distribution", "occurrences", "lines"]
#: Statistic -> end of the metric's name.
Endings = dict[Statistic, str]
FULL: Endings = {
    "avg": "",
    "max": ".maximum",
    "min": ".minimum",
    "p50": ".p50",
    "p90": ".p90",
    "p95": ".p95",
    "p99": ".p99",
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the numbers of a measure are. tags: filters with {name}, {endpoint} ... in braces.

    factor: what a value is multiplied by to have the measure's unit. doubt: what Datadog's documents do not
    say.
    """

    metric: str
    tags: tuple[str, ...] = ()
    form: Form = "count"
    endings: Endings = {}
    factor: float = 1
    #: Key of another measure, where a statistic is not at Datadog under this name.
    instead: dict[Statistic, str] = {}
    #: Distribution of our own that is asked for a statistic that `endings` does not have.
    own: str = ""
    #: The filter that the good ones have instead of the last of `tags`.
    good: str = ""
    doubt: str = ""


class Absent(msgspec.Struct, frozen=True):
    """A measure that Datadog does not have, and why, as a sentence."""

    reason: str
