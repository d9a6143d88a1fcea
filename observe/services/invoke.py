"""Direct invocation, both directions: the client context of a synchronous call.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
"""

from __future__ import annotations

import binascii

from observe import semconv
from observe.context import inject
from observe.source import Carrier, Record, lower, mapping, text
from observe.splice import splice
from observe.wire import KIND_CLIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: "Up to 3,583 bytes of base64-encoded data"
CLIENT_CONTEXT_MAX = 3583
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
    base64 of a JSON object, or that would grow over the limit, is left as it is.
    """
    if params.get("InvocationType", "RequestResponse") != "RequestResponse":
        return dict(params)
    document = _decoded(params.get("ClientContext"))
    spliced = document if document is None else splice(document, "custom", inject(context))
    if spliced is None or spliced == document:
        return dict(params)
    encoded = binascii.b2a_base64(spliced.encode("utf-8", "replace"), newline=False).decode()
    return {**params, "ClientContext": encoded} if len(encoded) <= CLIENT_CONTEXT_MAX else dict(params)


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


INVOKE = Carrier(kind=KIND_CLIENT, carry=carry, describe=_describe, receipt=_receipt)
