"""Message attributes as SQS and SNS have them: which of our headers fit, and what they cost."""

from __future__ import annotations

from observe import semconv
from observe.context import inject
from observe.source import mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: SQS takes no more; SNS throws a message away that would reach a raw SQS subscription with more.
ATTRIBUTES_MAX = 10
#: Body and attributes of one message, and of all messages of one batch.
MESSAGE_MAX_BYTES = 1_048_576
#: What a queue made before August 2025, and every topic, takes unless its limit was raised.
MESSAGE_MAX_BYTES_OLD = 262_144
#: In order of worth: with traceparent alone the two sides are still one trace.
CARRIED = ("traceparent", "x-correlation-id", "baggage", "tracestate")


def room_of(size: int) -> int:
    """Return the bytes that may be added without crossing a limit that the queue or topic may have."""
    return (MESSAGE_MAX_BYTES_OLD if size <= MESSAGE_MAX_BYTES_OLD else MESSAGE_MAX_BYTES) - size


def carried(message: Mapping[str, Any], context: Context, room: int) -> dict[str, Any] | None:
    """Return the message with as many attributes as have room, or None where not even traceparent has.

    message: {"MessageAttributes"?: {name: {"DataType", "StringValue"}}}; nothing in it is changed. One
    whose attributes are no dictionary comes back as it is: botocore will tell the caller.
    """
    existing = message.get("MessageAttributes")
    if existing is not None and not isinstance(existing, dict):
        return dict(message)
    existing = existing or {}
    present = {str(name).lower() for name in existing}
    headers = inject(context)
    attributes = dict(existing)
    for name in CARRIED:
        value = headers.get(name)
        if value is None or name in present or (name == "tracestate" and "traceparent" in present):
            continue
        size = len(name) + len(value) + len("String")
        if len(attributes) < ATTRIBUTES_MAX and size <= room:
            attributes[name] = {"DataType": "String", "StringValue": value}
            room -= size
        elif name == "traceparent":
            return None
    return {**message, "MessageAttributes": attributes} if len(attributes) > len(existing) else dict(message)


def lost_of(message: Mapping[str, Any], context: Context) -> str:
    """Return why a message that carries what it can does not carry all of the context; "" if it does.

    message: what `carried` returned, or the message as it was where that is None.
    """
    attributes = mapping(message.get("MessageAttributes"))
    told = {str(name).lower(): mapping(value).get("StringValue") for name, value in attributes.items()}
    headers = inject(context)
    if any(name in told and told[name] != value for name, value in headers.items()):
        return "caller_has_own"
    if all(name in told for name in headers):
        return ""
    return "no_attribute_room" if len(attributes) >= ATTRIBUTES_MAX else "too_large"


def size_of(message: Mapping[str, Any], body: str) -> int:
    """Return the bytes of a message: the text under the key `body`, and its attributes whole."""
    size = bytes_of(message.get(body))
    for name, value in mapping(message.get("MessageAttributes")).items():
        value = mapping(value)
        size += bytes_of(name) + bytes_of(value.get("DataType"))
        size += bytes_of(value.get("StringValue")) + bytes_of(value.get("BinaryValue"))
    return size


def bytes_of(value: object) -> int:
    """Return the UTF-8 length of a text or the length of bytes; 0 for anything else."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    return len(value) if isinstance(value, bytes | bytearray) else 0


def entries_of(params: Mapping[str, Any], key: str) -> list[Mapping[str, Any]] | None:
    """Return the entries of a batch call, or None for what botocore will refuse."""
    entries = params.get(key)
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, dict) for entry in entries):
        return None
    return list(entries)


# https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/


def received(system: str, destination: str, message_ids: list[str]) -> Description:
    """Return `process DESTINATION` and the messaging attributes of a batch of these messages."""
    attributes = _messaging(system, "process", destination)
    if len(message_ids) == 1:
        attributes[semconv.MESSAGING_MESSAGE_ID] = message_ids[0]
    else:
        attributes[semconv.MESSAGING_BATCH_MESSAGE_COUNT] = len(message_ids)
    return f"process {destination}".strip(), attributes


def sent(system: str, destination: str, entries: object) -> Description:
    """Return `send DESTINATION` and the messaging attributes. entries: those of a batch call, or None."""
    attributes = _messaging(system, "send", destination)
    if isinstance(entries, list | tuple):
        attributes[semconv.MESSAGING_BATCH_MESSAGE_COUNT] = len(entries)
    return f"send {destination}".strip(), attributes


def _messaging(system: str, operation: str, destination: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        semconv.MESSAGING_SYSTEM: system,
        semconv.MESSAGING_OPERATION_NAME: operation,
    }
    if destination:
        attributes[semconv.MESSAGING_DESTINATION_NAME] = destination
    return attributes


def ids_in(entries: str, key: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """Return what reads the ID under `key` of each successful entry of a batch call's reply."""

    def read(response: Mapping[str, Any]) -> list[str]:
        found = response.get(entries)
        ids = [mapping(entry).get(key) for entry in found] if isinstance(found, list) else []
        return [one for one in ids if isinstance(one, str) and one]

    return read


def receipt(response: Mapping[str, Any]) -> dict[str, str]:
    """Return the message ID of a reply to sending one message, as an attribute; {} for a batch's reply."""
    message_id = response.get("MessageId")
    return {semconv.MESSAGING_MESSAGE_ID: message_id} if isinstance(message_id, str) and message_id else {}
