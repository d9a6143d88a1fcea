"""A reply to an HTTP request that failed: it tells the caller nothing but the ID to ask about.

    try:
        return {"statusCode": 200, "body": decide(event)}
    except Exception as error:
        return observe.error_response(error)

There is no decorator for this: an exception that becomes a reply no longer counts as an error of the
function, and who writes that should see where it happens.
"""

from __future__ import annotations

import json
import sys

from observe import guard, outcome, stdout
from observe.context import CORRELATION_ID, current
from observe.identity import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.invocation import Invocation

MESSAGE = "Internal Server Error"
#: What a header may hold: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
_CONTROL = dict.fromkeys((*range(32), 127))


def error_response(
    error: BaseException | None = None,
    *,
    status: int = 500,
    message: str = MESSAGE,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a reply that leaks nothing of `error`, and log the error with its stack; never raises.

    For API Gateway (REST and HTTP APIs), function URLs, Application Load Balancers and VPC Lattice. The body
    is {"message": message, "correlation_id": the request's}; the ID is in the header x-correlation-id, too.
    With a status of 500 or more the error is logged at ERROR and the invocation's span has failed by it; with
    one below it was the caller's, and is logged at WARN.

    error: None for the exception that is being handled. status: 400 to 599; any other is 500. headers:
    further ones, which win over ours; control characters in them, which end a header, are left out.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#respond-to-load-balancer
    """
    found = error if isinstance(error, BaseException) else sys.exc_info()[1]
    code = status if type(status) is int and 400 <= status <= 599 else 500
    guard.guarded(_tell, found, code)
    reply = guard.guarded(_reply, code, message, headers)
    return reply if reply is not None else {"statusCode": code, "headers": {}, "body": ""}


def _tell(error: BaseException | None, code: int) -> None:
    from observe.logs import log

    invocation = request()
    if invocation is not None and code >= 500 and error is not None:
        with invocation.lock:
            guard.guarded(outcome.fail, invocation.span, error, stdout.now())
    told = {} if error is None else {"exc_info": error}
    (log.error if code >= 500 else log.warning)("replied with an error", status=code, **told)


def _reply(code: int, message: object, further: Mapping[str, str] | None) -> dict[str, Any]:
    context = current()
    body = {"message": message if isinstance(message, str) else MESSAGE}
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if context is not None:
        body["correlation_id"] = headers[CORRELATION_ID] = context.correlation_id
    for name, value in _further(further):
        headers[name.lower()] = value
    reply: dict[str, Any] = {
        "statusCode": code,
        "headers": headers,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    invocation = request()
    if invocation is not None and invocation.source is not None:
        _for_load_balancer(reply, invocation)
    return reply


def _further(headers: object) -> list[tuple[str, str]]:
    items = getattr(headers, "items", None)
    pairs = guard.guarded(lambda: list(items())) if callable(items) else None
    return [
        (guard.said(name).translate(_CONTROL), guard.said(value).translate(_CONTROL))
        for name, value in pairs or ()
    ]


def _for_load_balancer(reply: dict[str, Any], invocation: Invocation) -> None:
    """A load balancer wants a reason phrase, and headers in the form in which it sent its own."""
    from observe.services.http import ALB

    if invocation.source is not ALB:
        return  # a REST API refuses a reply with members that it does not know
    from http.client import responses  # the runtime client has loaded it

    code = reply["statusCode"]
    reply["statusDescription"] = f"{code} {responses.get(code, 'Error')}"
    event = invocation.event
    if isinstance(event, dict) and "multiValueHeaders" in event:
        reply["multiValueHeaders"] = {name: [value] for name, value in reply.pop("headers").items()}
