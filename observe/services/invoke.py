"""Direct invocation, both directions: a synchronous call's client context, an asynchronous one's payload.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
"""

from __future__ import annotations

import binascii

from observe import semconv
from observe.context import TRACEPARENT, TRACESTATE, inject
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


def custom(lambda_context: object) -> dict[str, Any] | None:
    """Return what a synchronous caller has put into `client_context.custom`; None where there is nothing."""
    found = getattr(getattr(lambda_context, "client_context", None), "custom", None)
    return found if isinstance(found, dict) else None


def record(lambda_context: object) -> Record:
    """Return what the runtime's context object carries beside any event.

    Read are `client_context.custom`, where our own carrier writes, and `w3c()`, which runtime
    interface client 4.2 and later fills with traceparent, tracestate and baggage.
    """
    headers = lower(custom(lambda_context))
    w3c = getattr(lambda_context, "w3c", None)
    if callable(w3c):
        headers.update(lower(w3c()))
    return Record(headers)


def carry(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Invoke: {"FunctionName", "ClientContext"?} with the context in the client context's `custom`.

    Lambda hands the client context over in synchronous calls only. One that is not base64 of a JSON
    object is left as it is, one near its limit gets what has room. An asynchronous call has its
    payload alone, which gets a member where OBSERVE_PAYLOAD_CARRIERS names `lambda-async`.
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
    return _synchronous(params, context)[1] if kind == "RequestResponse" else ""


def _synchronous(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    document = _decoded(params["ClientContext"]) if "ClientContext" in params else "{}"
    found = opened(document)
    if document is None or found is None:
        return dict(params), "not_json"
    told = {str(name).lower(): value for name, value in mapping(found[0].get("custom")).items()}
    headers = inject(context)
    reason = "caller_has_own" if any(told.get(n, value) != value for n, value in headers.items()) else ""
    lacking = {name: value for name, value in headers.items() if name not in told}
    if TRACEPARENT in told:
        lacking.pop(TRACESTATE, None)  # it belongs to the other parent
    if not lacking:
        return dict(params), reason
    encoded = _encoded(document, lacking)
    if len(encoded) > CLIENT_CONTEXT_MAX:
        from observe.services.member import fitting  # few contexts are so large

        kept = fitting(lacking, lambda some: len(_encoded(document, some)), CLIENT_CONTEXT_MAX)
        encoded, reason = _encoded(document, kept) if kept else "", "too_large"
    elif not encoded:
        return dict(params), "not_json"
    return {**params, "ClientContext": encoded} if encoded else dict(params), reason


def _encoded(document: str, headers: Mapping[str, str]) -> str:
    """The client context with `headers` in its `custom`, in base64; "" where that is no object."""
    spliced = splice(document, "custom", headers)
    return binascii.b2a_base64((spliced or "").encode("utf-8", "replace"), newline=False).decode()


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
    if not isinstance(client_context, str):
        return None
    try:
        return binascii.a2b_base64(client_context, strict_mode=True).decode()
    except ValueError:
        return None


def _describe(params: Mapping[str, Any]) -> Description:
    name = text(params.get("FunctionName")).rpartition(":function:")[2]  # of an ARN, whole or partial
    return f"invoke {name}", {semconv.FAAS_INVOKED_NAME: name.partition(":")[0]}


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    request_id = text(mapping(response.get("ResponseMetadata")).get("RequestId"))
    return {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


INVOKE = Carrier(kind=KIND_CLIENT, carry=carry, describe=_describe, receipt=_receipt, lost=lost)
