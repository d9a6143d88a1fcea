"""CloudWatch: log subscriptions, alarm actions and dashboard widgets. None of them has a carrier.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
"""

from __future__ import annotations

from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER, KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def _no_headers(_event: Mapping[str, Any]) -> list[Record]:
    return [Record({})]


def _describe_logs(_event: Mapping[str, Any]) -> Description:
    """The group and stream are inside the compressed data, which the handler alone unpacks."""
    return "process logs", {}


def _describe_alarm(event: Mapping[str, Any]) -> Description:
    """Return `<state> <alarm>`."""
    alarm = mapping(event.get("alarmData"))
    name = f"{text(mapping(alarm.get('state')).get('value'))} {text(alarm.get('alarmName'))}"
    return name.strip() or "alarm", {}


def _describe_widget(_event: Mapping[str, Any]) -> Description:
    return "render widget", {}


LOGS = Source(
    "CloudWatch Logs",
    trigger="datasource",
    kind=KIND_CONSUMER,
    public=False,
    records=_no_headers,
    describe=_describe_logs,
)
ALARM = Source(
    "CloudWatch alarm",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=_no_headers,
    describe=_describe_alarm,
)
WIDGET = Source(
    "CloudWatch dashboard widget",
    trigger="other",
    kind=KIND_SERVER,
    public=False,
    records=_no_headers,
    describe=_describe_widget,
)
