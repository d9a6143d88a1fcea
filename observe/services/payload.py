"""A JSON object with a context among its members: direct invocations, IoT rules, Step Functions input.

Where a service hands over nothing but the payload, the payload is the only place for one.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html
"""

from __future__ import annotations

from observe.context import TRACEPARENT, TRACESTATE
from observe.services.shapes import PAYLOAD_NAMES
from observe.source import OWN, Record, Source, lower, mapping
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


#: Members that hold headers, the best last: what OpenTelemetry's boto3 instrumentation, Datadog's and the
#: Node functions of the same company write, and our own.
HOLDERS = ("headers", "_datadog", "__context__")


def carried(value: object) -> dict[str, str]:
    """Return the headers that a JSON object has among its members; {} for any other value.

    value: {"_observe"?: {name: value}, "traceparent"?: value, "headers"?: {name: value}, ...}. An IoT rule's
    get_user_properties() yields lists, and so may be what stands under a name.
    """
    found: dict[str, str] = {}
    value = mapping(value)
    named = {name: value[name] for name in PAYLOAD_NAMES if name in value}
    for part in (*map(value.get, HOLDERS), named, value.get(OWN)):
        headers = lower({name: _text(item) for name, item in mapping(part).items()})
        if TRACEPARENT in headers:
            found.pop(TRACESTATE, None)  # it belongs to the other parent
        found.update(headers)
    return found


def _text(item: object) -> object:
    """The Node functions write the length of the call chain as a number."""
    return str(item).lower() if isinstance(item, int) else item


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the payload as one Record."""
    return [Record(carried(event))]


def describe(_event: Mapping[str, Any]) -> Description:
    """Return a name only: nothing is known of the payload."""
    return "invoke", {}


def _strip(event: Any) -> Any:
    if OWN not in event:
        return event
    from observe.services import member  # which knows this module

    return member.without(event)


PAYLOAD = Source(
    "Direct invocation or IoT rule",
    trigger="other",
    kind=KIND_SERVER,
    public=False,
    records=records,
    describe=describe,
    strip=_strip,
)
