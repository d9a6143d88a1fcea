"""What CloudWatch Logs says of an event beside its message: fields that a subscription filter extracts.

    @aws.account, @aws.region   where the event was written, when logs are centralised: the signal's origin
    any other                   attribute aws.log.extracted_fields of the event's log, as an object

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from observe.semconv import AWS_LOG_EXTRACTED_FIELDS
from subscribers.parsers.page import Page, Parsed
from subscribers.signals import Log, Origin, Signal

_ACCOUNT, _REGION = "@aws.account", "@aws.region"


def apply(parsed: Parsed, page: Page) -> None:
    """Change the signals of events that have such fields, in place."""
    told = {
        event_id: event.extracted_fields
        for event_id, event in zip(page.event_ids, page.events, strict=True)
        if event.extracted_fields
    }
    if not told:
        return
    for at, signal in enumerate(parsed.signals):
        fields = told.get(signal.event_id.partition(":")[0])
        if fields:
            parsed.signals[at] = _with(signal, fields)


def _with(signal: Signal, fields: dict[str, Any]) -> Signal:
    origin = _origin(signal.origin, _text(fields.get(_ACCOUNT)), _text(fields.get(_REGION)))
    if origin is not signal.origin:
        signal = replace(signal, origin=origin)
    rest = {name: value for name, value in fields.items() if name not in (_ACCOUNT, _REGION)}
    if rest and isinstance(signal, Log):
        return replace(signal, attributes={**signal.attributes, AWS_LOG_EXTRACTED_FIELDS: rest})
    return signal


@lru_cache(maxsize=256)
def _origin(origin: Origin, account: str, region: str) -> Origin:
    changed = {name: value for name, value in (("account", account), ("region", region)) if value}
    return replace(origin, **changed) if changed else origin


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
