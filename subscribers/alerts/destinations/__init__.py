"""Who is told: PagerDuty, Opsgenie, Slack, SNS, any webhook. Each is a channel whose items are notices.

A notice is one item, sent in a request of its own, with an ID that is the same however often it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from subscribers.alerts.destinations.channel import Destination
from subscribers.alerts.destinations.opsgenie import make_opsgenie
from subscribers.alerts.destinations.pagerduty import make_pagerduty
from subscribers.alerts.destinations.slack import make_slack
from subscribers.alerts.destinations.sns import make_sns
from subscribers.alerts.destinations.webhook import make_webhook

__all__ = ["DESTINATIONS", "Destination"]

#: Type in observe.yaml -> what makes its channel of the validated settings.
DESTINATIONS: dict[str, Callable[[Mapping[str, Any]], Destination]] = {
    "pagerduty": make_pagerduty,
    "opsgenie": make_opsgenie,
    "slack": make_slack,
    "sns": make_sns,
    "webhook": make_webhook,
}
