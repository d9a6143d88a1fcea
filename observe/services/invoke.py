"""Direct invocation, both directions: a synchronous call's client context, an asynchronous one's payload.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
"""

from __future__ import annotations

import binascii

from observe import semconv
from observe.context import inject
from observe.source import Carrier, Record, lower, mapping, text
from observe.splice import opened, splice
from observe.wire import KIND_CLIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: "Up to 3,583 bytes of base64-encoded data"
CLIENT_CONTEXT_MAX = 3583
#: "1 MB for asynchronous invocations"; it was 256 KB until October 2025.
PAYLOAD_LIMITS = (262_144, 1_000_000)
TRIGGER = "other"


def record(lambda_context: object) -> Record:
    """Return what the runtime's context object carries beside any event.

    Read are `client_context.custom`, where our own carrier writes, and `w3c()`, which runtime
    interface client 4.2 and later fills with traceparent, tracestate and baggage.
    """
    custom = getattr(getattr(lambda_context, "client_context", None), "custom", None)
    headers = lower(custom)
    w3c = getattr(lambda_context, "w3c", None)
    if callable(w3c):
        headers.update(lower(w3c()))
    return Record(headers)


def carry(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Invoke: {"FunctionName", "ClientContext"?} with the context in the client context's `custom`.

    Lambda hands the client context over in synchronous calls only. A client context that is not
    base64 of a JSON object, or that would grow over the limit, is left as it is. An asynchronous call
    has its payload alone, which gets a member where OBSERVE_PAYLOAD_CARRIERS names `lambda-async`.
    """
    kind = params.get("InvocationType", "RequestResponse")
    if kind == "Event":
        return _asynchronous(params, context)[0]
    return _synchronous(params, context)[0] if kind == "RequestResponse" else dict(params)


def lost(params: Mapping[str, Any], context: Context) -> str:
    """Return why the function called will not have the whole context, or ""."""
    kind = params.get("InvocationType", "RequestResponse")
    if kind == "Event":
        return _asynchronous(params, context)[1]
    if kind != "RequestResponse":
        return ""
    carried, reason = _synchronous(params, context)
    return reason or _overruled(carried, context)


def _synchronous(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    document = _decoded(params.get("ClientContext"))
    spliced = document if document is None else splice(document, "custom", inject(context))
    if document is None or spliced is None:
        return dict(params), "not_json"
    encoded = binascii.b2a_base64(spliced.encode("utf-8", "replace"), newline=False).decode()
    if len(encoded) > CLIENT_CONTEXT_MAX:
        return dict(params), "too_large"
    return {**params, "ClientContext": encoded} if spliced != document else dict(params), ""


def _overruled(params: Mapping[str, Any], context: Context) -> str:
    """What splice left alone was there before: with another value it is the caller's own."""
    members, _ = opened(_decoded(params.get("ClientContext"))) or ({}, 0)
    custom = mapping(members.get("custom"))
    return "" if inject(context).items() <= custom.items() else "caller_has_own"


def _asynchronous(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    # Only who calls asynchronously pays for these.
    from observe.services import member
    from observe.services.attributes import bytes_of

    if not member.opted_in("lambda-async"):
        return dict(params), "opt_in"
    if "DurableExecutionName" in params:
        return dict(params), "idempotent"
    before = params.get("Payload")
    room = member.room_of(bytes_of(before), *PAYLOAD_LIMITS)
    payload, reason = member.added(before, context, room)
    return {**params, "Payload": payload} if payload is not before else dict(params), reason


def _decoded(client_context: object) -> str | None:
    if client_context is None:
        return "{}"
    if not isinstance(client_context, str):
        return None
    try:
        return binascii.a2b_base64(client_context, strict_mode=True).decode()
    except ValueError:
        return None


def _describe(params: Mapping[str, Any]) -> Description:
    name = text(params.get("FunctionName"))
    if name.startswith("arn:"):
        name = name.split(":function:")[-1]
    return f"invoke {name}", {semconv.FAAS_INVOKED_NAME: name.partition(":")[0]}


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    request_id = text(mapping(response.get("ResponseMetadata")).get("RequestId"))
    return {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


INVOKE = Carrier(kind=KIND_CLIENT, carry=carry, describe=_describe, receipt=_receipt, lost=lost)
