"""Destinations of asynchronous invocations: a function's event comes whole, after it succeeded or failed.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from observe import semconv
from observe.services import shapes, source_of
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


#: A destination's function has a destination in turn: how many events inside one another are opened.
DEPTH_MAX = 8


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the records of the event that the function was invoked with.

    event: {"requestContext": {"requestId", "functionArn", "condition"}, "requestPayload": event, ...}. One
    without an ID of its own has the invocation's request ID, which Invoke returned to the caller.
    """
    request_id = text(mapping(event.get("requestContext")).get("requestId"))
    inner: Any = event
    for _ in range(DEPTH_MAX):
        inner = _off_the_bus(mapping(inner).get("requestPayload"))
        source = source_of(inner)
        if source is not DESTINATION:
            return _inner(source, inner, request_id)
    return [Record({}, request_id)]


def _off_the_bus(event: Any) -> Any:
    """What a bus tells of another invocation's end; else the event. Its own source would come back here."""
    told = mapping(event)
    detail = mapping(told.get("detail"))
    return detail if told.get("source") == "lambda" and shapes.destination(detail) else event


def _inner(source: Source | None, event: Any, request_id: str) -> list[Record]:
    found = source.records(event) if source is not None else [Record({})]
    for record in found:
        record.message_id = record.message_id or request_id
        record.public = record.public or (source is not None and source.public)
    return found


def describe(event: Mapping[str, Any]) -> Description:
    """Return `<condition> <function>` and the request ID of the invocation that it is about."""
    request = mapping(event.get("requestContext"))
    function = text(request.get("functionArn")).partition(":function:")[2].partition(":")[0]
    name = f"{text(request.get('condition'))} {function}"
    request_id = text(request.get("requestId"))
    return name.strip() or "destination", {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


DESTINATION = Source(
    "Lambda destination",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
