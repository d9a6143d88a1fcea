"""What alerts are made of: measures, rules, findings. Values only; times are epoch seconds, of the events.

Windows are made of slots of a minute. A window ends where a slot ends.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from subscribers.insight.sketch import Sketch

SLOT_S = 60

Severity = Literal["critical", "error", "warning", "info"]
#: From the least to the most urgent.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "critical")
Statistic = Literal["count", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99"]
Op = Literal[">", ">=", "<", "<="]
SideName = Literal["legacy", "serverless", ""]
#: Values of the attributes that split a rule, in the order of its `by`.
Group = tuple[str, ...]


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """Which signals are meant: observe.yaml's `selector`; every condition that is not empty must hold."""

    signal: Literal["log", "span", "metric"]
    metric: str = ""
    services: tuple[str, ...] = ()
    side: SideName = ""
    endpoint: str = ""
    levels: tuple[str, ...] = ()
    status: str = ""
    kinds: tuple[str, ...] = ()
    name: str = ""
    contains: str = ""
    matches: str = ""
    #: Attribute -> values of which one must match.
    fields: dict[str, tuple[str | float | bool, ...]] = {}
    #: Spans of requests and invocations only, each once: not the records of a batch, nor nested handlers.
    is_request: bool = False
    #: Only where the measured number is above this.
    above: float | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted or measured, by whom. The same measure serves every rule that asks for it.

    id: 16 hex digits of all the rest, so a measure that is changed begins anew.
    """

    id: str
    selector: Selector
    #: Attribute that is measured; "" is the metric's value or the span's duration in milliseconds.
    field: str = ""
    #: Whether the numbers matter (percentiles, min, max, avg), or only how many there are.
    is_valued: bool = False
    by: tuple[str, ...] = ()
    #: How long after a slot's end its events may still come.
    late_s: int = 120
    #: How far back windows of it reach minute by minute, and hour by hour.
    keep_s: int = 3600
    keep_hours_s: int = 0


class Sample(msgspec.Struct, frozen=True):
    """One event that was counted, for whoever wants to see it."""

    time_unix_nano: int
    service: str
    side: str
    correlation_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    request_id: str = ""
    log_group: str = ""
    #: What it said: a log's message, a span's name and status; cut.
    text: str = ""


class Sum(msgspec.Struct, kw_only=True):
    """What was counted in a time: sketch.count events with the sum sketch.total.

    A `count` of a metric weighs its value, any other event 1: that is sketch.total of a measure that is not
    valued, whose sketch has no buckets. samples: the latest few.
    """

    sketch: Sketch
    samples: tuple[Sample, ...] = ()


class Windows(Protocol):
    """What was counted, by time. `windows.Ledgered` is one."""

    def over(self, measure: Measure, first_s: int, last_s: int) -> dict[Group, Sum]:
        """Return the sums of the events in [first_s, last_s), whole slots, of each group that had any."""

    def began_s(self, measure: Measure) -> int:
        """Return since when the measure is counted: earlier windows are unknown, not empty."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What every rule has. name: in observe.yaml; built-in ones begin with `observe.`."""

    name: str
    severity: Severity = "error"
    notify: tuple[str, ...] = ()
    mute: tuple[dict[str, Any], ...] = ()
    description: str = ""
    owner: str = ""
    runbook: str = ""
    labels: dict[str, str] = {}
    #: Where observe.yaml or the template says it, or why it is on by default.
    reason: str = ""


class Threshold(Rule, frozen=True, kw_only=True):
    """A number over a window passes a limit, in `breaching` of the last `of` windows."""

    measure: Measure
    statistic: Statistic = "count"
    op: Op = ">"
    value: float
    #: Other limits, by the first value of the group: a function's own timeout.
    limits: dict[str, float] = {}
    window_s: int = 300
    breaching: int = 1
    of: int = 1
    minimum: int = 0
    unit: str = ""


class Rate(Rule, frozen=True, kw_only=True):
    """A share passes a limit in percent, but only where a window has `minimum` events of `total`."""

    bad: Measure
    total: Measure
    above: float
    minimum: int
    window_s: int = 300
    breaching: int = 1
    of: int = 1


class Calendar(msgspec.Struct, frozen=True):
    """On which days (0 is Monday), in which zone, by which time (minutes since midnight). except_: dates."""

    by_minute: int
    timezone: str
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    except_: tuple[str, ...] = ()


class Absence(Rule, frozen=True, kw_only=True):
    """Something expected did not come: `count` of them by a time of day, or within any `every_s`."""

    measure: Measure
    calendar: Calendar | None = None
    every_s: int = 0
    count: int = 1
    #: What people call what is expected; "" where its conditions tell.
    called: str = ""


class NewError(Rule, frozen=True, kw_only=True):
    """An error appears, `minimum` times, whose fingerprint was not seen in the `lookback_s` before.

    measure.by is (`service`, `error.fingerprint`).
    """

    measure: Measure
    lookback_s: int = 14 * 86_400
    minimum: int = 1


class Change(Rule, frozen=True, kw_only=True):
    """A number differs by `percent` from the same window `against_s` earlier."""

    measure: Measure
    statistic: Statistic = "count"
    against_s: int = 7 * 86_400
    percent: float
    direction: Literal["up", "down", "either"] = "either"
    minimum: int = 1
    window_s: int = 300
    unit: str = ""


class Objective(Rule, frozen=True, kw_only=True):
    """A service level objective of an endpoint: `percent` of requests are good; judged by burn rates.

    kind: availability (bad: failed) or latency (bad: slower than `limit_ms`). window_s: the period of the
    error budget. Severity is the page's; slow burns are one step less urgent.
    """

    endpoint: str
    kind: Literal["availability", "latency"]
    bad: Measure
    total: Measure
    percent: float
    limit_ms: float = 0.0
    window_s: int = 28 * 86_400
    minimum: int = 10


class FlowPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a flow starts or ends. key: attribute that holds the key here. name: as people are told."""

    name: str
    selector: Selector
    key: str


class Flow(Rule, frozen=True, kw_only=True):
    """What starts must arrive at each end in time: `within_s` of the start, by a time of day, or both."""

    start: FlowPoint
    ends: tuple[FlowPoint, ...]
    within_s: int = 0
    calendar: Calendar | None = None


AnyRule = Threshold | Rate | Absence | NewError | Change | Objective | Flow


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What judging one rule for one group says at one time.

    verdict: `breach`, `ok`, or `unknown` where there is too little traffic to say anything (an open alert
    stays as it is for a while). at_s: the end of the window that was judged.
    """

    rule: str
    verdict: Literal["breach", "ok", "unknown"]
    at_s: int
    #: Attribute -> value, in the order of the rule's `by`: together with the rule what an alert is about.
    group: dict[str, str] = {}
    severity: Severity = "error"
    #: Begin of the first window that breached.
    since_s: int = 0
    #: What is so, with the numbers, as one sentence that can be read alone.
    said: str = ""
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    service: str = ""
    side: SideName = ""
    endpoint: str = ""
    samples: tuple[Sample, ...] = ()
    #: More for those who look: burn rates, keys that are overdue, the fingerprint's template.
    details: dict[str, Any] = {}
