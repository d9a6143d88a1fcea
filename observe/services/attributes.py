"""Message attributes as SQS and SNS have them: which of our headers fit, and what they cost."""

from __future__ import annotations

from observe import semconv
from observe.context import inject
from observe.source import VALUE_MAX, identified, mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: SQS takes no more; SNS throws a message away that would reach a raw SQS subscription with more.
ATTRIBUTES_MAX = 10
#: Body and attributes of one message, and of all messages of one batch.
MESSAGE_MAX_BYTES = 1_048_576
#: What a queue made before August 2025, and every topic, takes unless its limit was raised.
MESSAGE_MAX_BYTES_OLD = 262_144
#: Some day in the year 5138: what is later is no time in seconds.
_LAST_S = 1e11
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
    existing = message.get("MessageAttributes", {})
    if not isinstance(existing, dict):
        return dict(message)
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


#: Of a file nobody knows the length before it is read: it counts as more than any limit.
_FILE_BYTES = 1 << 40


def bytes_of(value: object) -> int:
    """Return the UTF-8 length of a text or the length of bytes, a size over all limits for a file, else 0."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, bytes | bytearray):
        return len(value)
    return _FILE_BYTES if hasattr(value, "read") else 0


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


def oldest_of(times: Iterable[object]) -> dict[str, Any]:
    """Return the attribute that tells when the oldest record was written; {} where no record says so.

    times: epoch seconds as AWS tells them; anything else is left out.
    """
    known = [time for time in times if isinstance(time, int | float) and 0 < time < _LAST_S]
    return {semconv.OLDEST_RECORD: int(min(known) * 1000)} if known else {}


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


# --- Reading --------------------------------------------------------------------------------

#: Datadog's one attribute for all headers: a text, or octets where SNS handed the message on.
_DATADOG = "_datadog"


def of_sqs(attribute: Mapping[str, Any]) -> tuple[object, object]:
    """Return (text, base64) of {"stringValue"} or {"binaryValue"}."""
    return attribute.get("stringValue"), attribute.get("binaryValue")


def of_sns(attribute: Mapping[str, Any]) -> tuple[object, object]:
    """Return (text, base64) of {"Type": "String", "Value"} or {"Type": "Binary", "Value"}."""
    value = attribute.get("Value")
    return (None, value) if attribute.get("Type") == "Binary" else (value, None)


def told(attributes: object, read: Callable[[Mapping[str, Any]], tuple[object, object]]) -> dict[str, str]:
    """Return the headers among message attributes: text of usual length by lower-case name.

    attributes: {name: attribute}. read(attribute): its (text, base64). Also what JMS, which knows no hyphens,
    and Datadog call otherwise.
    """
    attributes = mapping(attributes)
    headers: dict[str, str] = {}
    strange = False
    for name, attribute in attributes.items():
        value, _ = read(mapping(attribute))
        if isinstance(name, str) and isinstance(value, str) and len(value) <= VALUE_MAX:
            headers[name.lower()] = value
        strange = strange or "_" in str(name)
    return _meant(attributes, headers, read) if strange else headers


def _meant(
    attributes: Mapping[str, Any],
    headers: Mapping[str, str],
    read: Callable[[Mapping[str, Any]], tuple[object, object]],
) -> dict[str, str]:
    from observe.services import properties  # few senders need it

    meant = properties.projected((name, value) for name, value in headers.items() if name != _DATADOG)
    if _DATADOG in attributes and not identified(meant):
        value, encoded = read(mapping(attributes[_DATADOG]))
        meant |= properties.packed(value if isinstance(value, str) else "", encoded)
    return {**meant, **headers}
