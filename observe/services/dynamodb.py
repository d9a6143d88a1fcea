"""DynamoDB streams: an item may carry a context of its own, which its new image shows.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from observe import semconv
from observe.services import shapes
from observe.services.attributes import oldest_of
from observe.services.member import in_each, is_ours, within
from observe.services.payload import HOLDERS, carried
from observe.source import OWN, VALUE_MAX, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description

#: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html ->
#: https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#datasource
_OPERATIONS = {"INSERT": "insert", "MODIFY": "edit", "REMOVE": "delete"}
_MAPS = (*HOLDERS, OWN)


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a change; its message ID is the sequence number.

    event: {"Records": [{"dynamodb": {"SequenceNumber", "NewImage"?: {"traceparent"?: {"S"}, "_observe"?:
    {"M": {name: {"S"}}}, ...}}}, ...]}. REMOVE has no new image, nor has a stream of keys: whoever deletes an
    item did not write what its old image says. Nor did who updates another attribute: what was there before
    the change tells of somebody else's. Of a stream without old images only what was inserted is told.
    """
    return [
        _record(mapping(record.get("dynamodb")), record.get("eventName") == "MODIFY")
        for record in _changes(event)
    ]


def _record(change: Mapping[str, Any], modified: bool) -> Record:
    image = mapping(change.get("NewImage"))
    headers = _headers(image) if shapes.payload(image) else {}
    before = change.get("OldImage")
    if headers and modified and (before is None or headers == _headers(mapping(before))):
        headers = {}
    return Record(headers, text(change.get("SequenceNumber")))


def _headers(image: Mapping[str, Any]) -> dict[str, str]:
    item = {name: _text(image[name]) for name in shapes.PAYLOAD_NAMES if name in image}
    for name in _MAPS:
        members = mapping(mapping(image.get(name)).get("M"))
        item[name] = {key: _text(value) for key, value in members.items()}
    return {name: value for name, value in carried(item).items() if len(value) <= VALUE_MAX}


def _text(typed: object) -> object:
    """The value of {"S": text}, {"N": digits} or {"BOOL": boolean}."""
    typed = mapping(typed)
    return next((typed[kind] for kind in ("S", "N", "BOOL") if kind in typed), None)


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process TABLE`, the table, and what was done if it was the same to all; of items nothing."""
    changes = _changes(event)
    # arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<time>
    arn = text((changes[0] if changes else event).get("eventSourceARN"))
    table = arn.partition(":table/")[2].partition("/")[0]
    done = {text(change.get("eventName")) for change in changes}
    operation = done.pop() if len(done) == 1 else ""
    attributes: dict[str, Any] = {
        semconv.FAAS_DOCUMENT_COLLECTION: table,
        semconv.FAAS_DOCUMENT_OPERATION: _OPERATIONS.get(operation, operation.lower()),
    }
    if len(changes) == 1:
        attributes[semconv.MESSAGING_MESSAGE_ID] = text(
            mapping(changes[0].get("dynamodb")).get("SequenceNumber")
        )
    else:
        attributes[semconv.MESSAGING_BATCH_MESSAGE_COUNT] = len(changes)
    written = (mapping(change.get("dynamodb")).get("ApproximateCreationDateTime") for change in changes)
    attributes |= oldest_of(written)
    return f"process {table}".strip(), {key: value for key, value in attributes.items() if value != ""}


def _changes(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(record) for record in event["Records"]]


def _strip(event: Any) -> Any:
    return within(event, ("Records",), lambda found: in_each(found, ("dynamodb",), _cleaned))


def _cleaned(change: Any) -> Any:
    return within(within(change, ("NewImage",), _item), ("OldImage",), _item)


def _item(image: Any) -> Any:
    """An item without our attribute, which is a map of texts."""
    if not is_ours(mapping(mapping(image).get(OWN)).get("M")):
        return image
    return {name: value for name, value in image.items() if name != OWN}


DYNAMODB = Source(
    "DynamoDB",
    trigger="datasource",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    partial=True,
    strip=_strip,
)
