"""Failed invocations out of the records of on-failure destinations, whatever they came in. Pure.

    {"version", "timestamp", "requestContext": {"requestId", "functionArn", "condition",
     "approximateInvokeCount"}, "requestPayload", "responseContext": {"functionError", "executedVersion"},
     "responsePayload"}

A file may hold one record, several one a line or one behind another, or what they came in: the message of a
queue (a function's event, or what receive-message prints), an SNS message, an EventBridge event, a list.
`requestPayload` is taken as the text that it is, so that no number and no name changes.

    NoDestinationError      what is read holds no such record

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from subscribers.config_groups import lambda_log_group
from subscribers.reinvoke import Failed, Told
from subscribers.signals import Origin

#: What is inside one another: a record in an SNS message in a queue's message in a list.
_DEPTH_MAX = 6
#: Members that hold records: of lists, of queues (as event and as printed), of topics, of buses.
_LISTS = ("Records", "Messages")
_TEXTS = ("body", "Body", "Message")
_OBJECTS = ("Sns", "detail")


class NoDestinationError(ValueError):
    """There is no record of a destination. `reason` is `no_destination`."""

    reason = "no_destination"


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str = ""
    function_arn: str = ""
    condition: str = ""
    approximate_invoke_count: int = 0


class _Response(msgspec.Struct, frozen=True, rename="camel"):
    function_error: str | None = None
    executed_version: str | None = None


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    request_context: _Context
    timestamp: str = ""
    request_payload: msgspec.Raw = msgspec.Raw(b"")
    response_context: _Response | None = None
    response_payload: msgspec.Raw = msgspec.Raw(b"")


_record = msgspec.json.Decoder(_Record)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def failed_of(data: bytes, name: str) -> list[Failed]:
    """Return the invocations that a document tells of, those that succeeded included.

    name: what the document is called in the error. Raises NoDestinationError.
    """
    try:
        found = [one for document in _documents(data) for one in _failed(document, 0)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoDestinationError(f"{name} is not JSON: {error}") from error
    if not found:
        raise NoDestinationError(f"{name} holds no record of a destination (requestContext, requestPayload)")
    return found


def _documents(data: bytes) -> Iterator[bytes]:
    """JSON documents one behind another: a line each, or however they are laid out."""
    decoder = json.JSONDecoder()
    text = data.removeprefix(b"\xef\xbb\xbf").decode().strip()
    at = 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        yield text[at:end].encode()
        at = end
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1


def _failed(document: bytes, depth: int) -> Iterator[Failed]:
    head = document.lstrip()[:1]
    if depth > _DEPTH_MAX:
        return
    if head == b"[":
        for item in _list.decode(document):
            yield from _failed(bytes(item), depth + 1)
    if head != b"{":
        return
    members = _object.decode(document)
    if "requestContext" in members and "requestPayload" in members:
        if made := _made(document):
            yield made
        return
    for name in _LISTS:
        if bytes(members.get(name, b"")).lstrip()[:1] == b"[":
            yield from _failed(bytes(members[name]), depth + 1)
    for name in _OBJECTS:
        if name in members:
            yield from _failed(bytes(members[name]), depth + 1)
    for name in _TEXTS:
        held = bytes(members.get(name, b""))
        if held.lstrip()[:1] == b'"':
            inner = _text.decode(held).encode()
            if inner.lstrip()[:1] in (b"{", b"["):
                yield from _inner(inner, depth + 1)


def _inner(text: bytes, depth: int) -> Iterator[Failed]:
    """A message's body may be anybody's: what is no JSON tells of no invocation."""
    try:
        yield from list(_failed(text, depth))
    except msgspec.DecodeError:
        return


def _made(document: bytes) -> Failed | None:
    try:
        record = _record.decode(document)
    except msgspec.ValidationError:
        return None  # an API's event has a requestContext, too
    context = record.request_context
    if not context.request_id or not context.function_arn:
        return None
    region, account, function, qualifier = _parts(context.function_arn)
    response = record.response_context or _Response()
    version = response.executed_version or qualifier
    payload = bytes(record.request_payload).decode()
    kind = _error_type(bytes(record.response_payload)) or response.function_error or ""
    return Failed(
        request_id=context.request_id,
        origin=Origin(account, region, lambda_log_group(function), "", function, "serverless"),
        time_unix_nano=_time(record.timestamp),
        why=f"{context.condition}{kind and ': '}{kind}",
        attempts=context.approximate_invoke_count,
        # What did not fit into the destination was left out: null, which may be an event as well.
        event=None if payload == "null" else Told(payload),
        function=function,
        version=version,
        error_kind=kind,
        did_succeed=context.condition == "Success",
    )


def _parts(arn: str) -> tuple[str, str, str, str]:
    """(Region, account, function, qualifier or "") of arn:aws:lambda:...:function:NAME[:QUALIFIER]."""
    parts = [*arn.split(":"), *[""] * 8]
    return parts[3], parts[4], parts[6], parts[7]


def _error_type(payload: bytes) -> str:
    try:
        told: Any = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return ""
    kind = told.get("errorType") if isinstance(told, dict) else None
    return kind if isinstance(kind, str) else ""


def _time(text: str) -> int:
    """Nanoseconds since the epoch; 0 where the record tells no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000) * 1_000_000
