"""EventBridge, both directions: a member of an event's detail. Also schedules, and batches of Pipes.

What an input transformer makes of an event is a payload like any other (services/payload.py).
https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html
"""

from __future__ import annotations

from observe import semconv, xray
from observe.services import source_of
from observe.services.attributes import bytes_of, entries_of, ids_in, received, sent
from observe.services.member import all_added, room_of, within, without
from observe.services.payload import carried
from observe.services.shapes import PIPED
from observe.source import Carrier, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER, KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

SYSTEM = "aws.eventbridge"
#: "The total entry size must be less than 1MB"; until January 2026, and in some Regions, 256 KB.
LIMITS = (262_143, 999_999)
#: Where an event of AWS's own has the ID of the request or execution that made it.
_MADE_BY = {"aws.s3": "request-id", "aws.states": "executionArn"}


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the event as one Record; its message ID is the event's, which PutEvents returned.

    event: {"id", "source", "detail-type", "detail": {"_observe"?: {name: value}, ...}}. That an asynchronous
    invocation ended, its destination may tell by a bus, too: then the detail is what a function would get.
    """
    if event.get("source") == "lambda":
        ended = source_of(event.get("detail"))
        if ended is not None and ended.name == "Lambda destination":
            return ended.records(mapping(event.get("detail")))
    made_by = _made_by(event)
    return [Record(carried(event.get("detail")), text(event.get("id")), (made_by,) if made_by else ())]


def _made_by(event: Mapping[str, Any]) -> str:
    """The request to S3, or the execution, that an event of AWS's own tells of: its sender has that ID."""
    return text(mapping(event.get("detail")).get(_MADE_BY.get(text(event.get("source")), "")))


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process <detail type>` and the messaging attributes; the bus's name is not in its events."""
    _, attributes = received(SYSTEM, text(event.get("source")), [text(event.get("id"))])
    return f"process {text(event.get('detail-type'))}".strip(), attributes


def _describe_schedule(event: Mapping[str, Any]) -> Description:
    """Return `run <rule or schedule>`."""
    resources = event.get("resources")
    first = text(resources[0]) if isinstance(resources, list) and resources else ""
    message_id = text(event.get("id"))
    name = f"run {first.rpartition('/')[2]}".strip()
    return name, {semconv.MESSAGING_MESSAGE_ID: message_id} if message_id else {}


def _strip(event: Any) -> Any:
    return within(event, ("detail",), without)


EVENTBRIDGE = Source(
    "EventBridge",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    strip=_strip,
)
SCHEDULE = Source(
    "EventBridge schedule",
    trigger="timer",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=_describe_schedule,
)


# --- Pipes ----------------------------------------------------------------------------------


#: What stands in each piped record of Kafka or MQ, and once in an event of theirs.
_SHARED = ("eventSource", "eventSourceArn", "eventSourceARN", "bootstrapServers")


def _unpiped(event: list[Any]) -> dict[str, Any]:
    """The batch as its service would have sent it without a pipe."""
    service = text(mapping(event[0]).get("eventSource")) if event else ""
    if service == "aws:kinesis":
        # Lambda's own have that already: a handler may pass on the list alone.
        return {
            "Records": [
                item if "kinesis" in mapping(item) else {**mapping(item), "kinesis": item} for item in event
            ]
        }
    holder = PIPED.get(service, "Records")
    if holder == "Records":
        return {holder: event}
    shared = {name: value for name, value in mapping(event[0]).items() if name in _SHARED}
    if holder == "messages":
        return {**shared, holder: event}
    groups: dict[str, list[Any]] = {}
    for item in event:
        groups.setdefault(text(mapping(item).get("eventSourceKey")), []).append(item)
    return {**shared, holder: groups}


def inner(event: Any) -> tuple[Source | None, dict[str, Any]]:
    """Return the source of the records in a list, and the event that it would have sent without a pipe."""
    whole = _unpiped(event if isinstance(event, list) else [])
    return source_of(whole), whole


def _piped(event: Any) -> list[Record]:
    """Return the records of a list of SQS, Kinesis, DynamoDB, Kafka or MQ records, as that source does."""
    source, whole = inner(event)
    return source.records(whole) if source is not None else [Record({}) for _ in event]


def _describe_piped(event: Any) -> Description:
    """Return what the source of the records says of such a batch."""
    source, whole = inner(event)
    return source.describe(whole) if source is not None else ("process", {})


def _strip_piped(event: Any) -> Any:
    """What a pipe hands over is what its source would, and so is what is taken out of it."""
    source, whole = inner(event)
    if source is None or source.strip is None:
        return event
    stripped = source.strip(whole)
    if stripped is whole:
        return event
    items = stripped["Records"]
    return [mapping(item).get("kinesis") for item in items] if source.name == "Kinesis" else items


PIPES = Source(
    "EventBridge Pipes",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=_piped,
    describe=_describe_piped,
    partial=True,
    strip=_strip_piped,
)


# --- Putting --------------------------------------------------------------------------------


def carry(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """PutEvents: {"Entries": [{"Detail": JSON text, "TraceHeader"?}]} with the context in each detail."""
    return _carried(params, context)[0]


def lost(params: Mapping[str, Any], context: Context) -> str:
    """Return why not all entries carry the whole context, or ""."""
    return _carried(params, context)[1]


def _carried(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    entries = entries_of(params, "Entries")
    if entries is None:
        return {**params}, ""
    room = room_of(sum(map(_size, entries)), *LIMITS)
    out, reason = all_added(entries, "Detail", context, room, lambda _: room)
    trace = xray.header(context)
    for entry in out if trace else ():
        entry.setdefault("TraceHeader", trace)
    return {**params, "Entries": out}, reason


def _size(entry: Mapping[str, Any]) -> int:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
    resources = entry.get("Resources")
    told = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail")]
    told += resources if isinstance(resources, list | tuple) else ()
    return sum(map(bytes_of, told)) + 14 * ("Time" in entry)


def _describe_put(params: Mapping[str, Any]) -> Description:
    entries = entries_of(params, "Entries") or []
    bus = text(entries[0].get("EventBusName")) if entries else ""
    return sent(SYSTEM, bus.rpartition("/")[2] or "default", entries if len(entries) != 1 else None)


_ids = ids_in("Entries", "EventId")


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    found = _ids(response)
    return (
        {semconv.MESSAGING_MESSAGE_ID: found[0]}
        if len(response.get("Entries", ())) == 1 == len(found)
        else {}
    )


PUT_EVENTS = Carrier(
    kind=KIND_PRODUCER, carry=carry, describe=_describe_put, receipt=_receipt, ids=_ids, lost=lost
)
