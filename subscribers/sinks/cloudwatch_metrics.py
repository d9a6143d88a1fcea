"""CloudWatch metrics by PutMetricData: a datum a series and minute, with every value and how often it came.

CloudWatch keeps a minute of what is of standard resolution, so nothing is lost by telling a minute at once.
One datum that it does not take costs its whole call: then those that break a documented rule are rejected,
and the rest is sent again; where none does, the halves are.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from subscribers.parsers import units
from subscribers.signals import Metric, Signal
from subscribers.sinks import aws_codes, ecs, otlp, otlp_json
from subscribers.sinks.channel import AwsCall, Item, Limits, Refusal, Response, Verdict
from subscribers.tables import json_text

#: Of a call: 1 MB, which the names of what the SDK writes count towards, and 1000 metrics.
LIMITS = Limits(900_000, 1000, 900_000)
#: Different values of a datum.
VALUES_MAX = 150
#: "Values must be in the range of -2^360 to 2^360."
VALUE_MAX = 2.0**360
#: Which tags are dimensions where the settings do not say.
DIMENSIONS = ("service",)
#: "as much as two weeks before the current date, and as much as 2 hours after the current day and time"
OLDEST_S, NEWEST_S = 14 * 86_400, 2 * 3600
_NAME_MAX, _VALUE_MAX = 255, 1024
_MINUTE_NS = 60_000_000_000
_INT64_MAX = (1 << 63) - 1
_UNITS = {unit: name for name, (_, unit) in units.BY_NAME.items()}
#: What says that a datum is wrong, not the call.
_WRONG = ("InvalidParameterValue", "InvalidParameterCombination", "ValidationError", "ParamValidationError")


class _Series(NamedTuple):
    """What is one metric to CloudWatch, in one minute. Sets are counted apart from values of their name."""

    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: int
    is_set: bool


class _Minute(msgspec.Struct):
    """What came of a series in a minute."""

    event_ids: list[str] = []
    values: Counter[float | str] = msgspec.field(default_factory=Counter)
    members: set[str] = set()


class _Datum(msgspec.Struct, rename="pascal"):
    timestamp: str
    values: list[float | str]


_datum = msgspec.json.Decoder(_Datum)


class CloudWatchMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics into one namespace. A Channel."""

    namespace: str
    dimensions: tuple[str, ...] = DIMENSIONS
    region: str = ""
    limits: Limits = LIMITS

    @property
    def name(self) -> str:
        """Always the same: a sink has one."""
        return "metrics"

    @property
    def is_repeatable(self) -> bool:
        """A value that is put twice counts twice."""
        return False

    @property
    def cuts_items(self) -> bool:
        """Names and values of dimensions are cut to what CloudWatch takes; no event is."""
        return False

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield a MetricDatum a series, minute and 150 different values; each event is of one of them."""
        found: dict[_Series, list[_Minute]] = {}
        for signal in signals:
            if isinstance(signal, Metric):
                _add(found.setdefault(self._series(signal), [_Minute()]), signal)
        for series, minutes in found.items():
            for minute in minutes:
                first, *more = minute.event_ids
                yield Item(first, json_text(_tree(series, minute)).encode(), more=tuple(more))

    def request(self, items: Sequence[Item]) -> AwsCall:
        """Return the call that puts the data."""
        data = [msgspec.json.decode(item.body) for item in items]
        for datum in data:
            datum["Values"] = [float(value) for value in datum["Values"]]
        return AwsCall(
            service="cloudwatch",
            operation="put_metric_data",
            parameters={"Namespace": self.namespace, "MetricData": data},
            region=self.region,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the data; see the module."""
        if not response.fault and response.status == 200:
            return _taken(items, response)
        judged = aws_codes.whole(items, response, is_repeatable=False)
        if response.status != 400 or not response.error_code.startswith(_WRONG):
            return judged
        wrong = dict(_wrong(items, response, judged))
        if not wrong:
            return msgspec.structs.replace(judged, is_too_large=len(items) > 1)
        others = judged.rejected.keys() - wrong.keys()
        return Verdict(rejected=wrong, retry={i: judged.rejected[i] for i in others})

    def _series(self, metric: Metric) -> _Series:
        told = {
            "service": metric.origin.service,
            "side": metric.origin.side,
            "account": metric.origin.account,
            "region": metric.origin.region,
            "log_group": metric.origin.log_group,
            **metric.tags,
        }
        named = (
            (_cleaned(name, _NAME_MAX), _cleaned(told.get(name, ""), _VALUE_MAX)) for name in self.dimensions
        )
        is_set = metric.kind == "set"
        return _Series(
            _cleaned(metric.name, _NAME_MAX) or "_",
            tuple((name, value) for name, value in named if name and value),
            "Count" if is_set else _UNITS.get(metric.unit, "None"),
            min(max(metric.time_unix_nano, 0), _INT64_MAX) // _MINUTE_NS,
            is_set,
        )


def make_cloudwatch_metrics(
    name: str,  # noqa: ARG001
    settings: Mapping[str, Any],
) -> tuple[CloudWatchMetrics, ...]:
    """Return the channel of a sink of type `cloudwatch_metrics`, none where metrics are not wanted."""
    if "metrics" not in settings.get("signals", ("metrics",)):
        return ()
    return (
        CloudWatchMetrics(
            namespace=settings["namespace"],
            dimensions=tuple(settings.get("dimensions", DIMENSIONS)),
            region=settings.get("region", ""),
            limits=otlp.limits(settings, LIMITS),
        ),
    )


def _add(minutes: list[_Minute], metric: Metric) -> None:
    """Add a metric to its series; values that have no place in a datum begin another one."""
    value = otlp_json.number(metric.value)
    if metric.kind != "set" and value not in minutes[-1].values and len(minutes[-1].values) >= VALUES_MAX:
        minutes.append(_Minute())
    last = minutes[-1]
    last.event_ids.append(metric.event_id)
    if metric.kind == "set":
        last.members.add(metric.set_member)
    else:
        last.values[value] += 1


def _tree(series: _Series, minute: _Minute) -> dict[str, Any]:
    values = Counter({float(len(minute.members)): 1}) if series.is_set else minute.values
    return {
        "MetricName": series.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
        "Timestamp": ecs.timestamp(series.minute * _MINUTE_NS),
        "Values": list(values),
        "Counts": list(values.values()),
        "Unit": series.unit,
        "StorageResolution": 60,
    }


def _taken(items: Sequence[Item], response: Response) -> Verdict:
    """A success says nothing but who answered: what has no request ID of AWS's is a proxy's page."""
    if "x-amzn-requestid" in response.headers:
        return Verdict()
    refusal = Refusal(
        "outcome_unknown", response.status, "an answer without a request ID is not CloudWatch's"
    )
    return Verdict(rejected=dict.fromkeys(range(len(items)), refusal), is_down=True)


def _wrong(items: Sequence[Item], response: Response, judged: Verdict) -> Iterator[tuple[int, Refusal]]:
    """Yield the data that break a documented rule, by CloudWatch's own clock."""
    now_s = aws_codes.told_at_s(response)
    for i, item in enumerate(items):
        if reason := _fault(item, now_s):
            yield i, msgspec.structs.replace(judged.rejected[i], reason=reason)


def _fault(item: Item, now_s: float | None) -> str:
    try:
        datum = _datum.decode(item.body)
        at_s = datetime.fromisoformat(datum.timestamp).timestamp()
    except ValueError:  # a dead letter that somebody edited
        return "bad_datum"
    if any(isinstance(value, str) or abs(value) > VALUE_MAX for value in datum.values):
        return "bad_value"
    if now_s is None:
        return ""
    # A minute begins before what came in it, which may still be young enough: CloudWatch judges the minute.
    return "too_old" if at_s < now_s - OLDEST_S else "too_new" if at_s > now_s + NEWEST_S else ""


def _cleaned(text: str, most: int) -> str:
    """As CloudWatch takes it: ASCII without control characters, no colon first, not only blanks."""
    plain = "".join(c if " " <= c <= "~" else "_" for c in text[:most])
    return plain.strip().lstrip(":").strip()
