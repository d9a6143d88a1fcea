"""Events of API Gateway's WebSocket APIs: only the connection brings headers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from __future__ import annotations

from observe.testing.events.gateways import API, API_HOST, STAGE
from observe.testing.events.parts import SOURCE_IP, TIME, USER_AGENT, at, checked, clf, epoch_ms, text_of
from observe.testing.events.request import Request, last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event
    from observe.testing.events.request import Headers, Query

CONNECTION = "JKJaXfqkrPECFQg="


@checked
def websocket_connect(
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    context: Context | None = None,
    connection_id: str = CONNECTION,
    time: datetime = TIME,
) -> Event:
    """A client that opens a connection: the route `$connect`."""
    return connect("websocket_connect", headers, query, context, connection_id, time)


def connect(
    builder: str,
    headers: Headers | None,
    query: Query | None,
    context: Context | None,
    connection_id: str,
    time: datetime,
) -> Event:
    """What an API shows of a connection that is opened; its authorizer sees the same."""
    request = Request(
        builder, "GET", "/", host=API_HOST, headers=headers, query=query, context=context, canonical=True
    )
    request.headers.setdefault("Sec-WebSocket-Version", ["13"])
    shown = {"queryStringParameters": last(request.query), "multiValueQueryStringParameters": request.query}
    return {
        "headers": last(request.headers),
        "multiValueHeaders": request.headers,
        **(shown if request.query else {}),
        "requestContext": _context("$connect", "CONNECT", connection_id, at(time, builder)),
        "isBase64Encoded": False,
    }


@checked
def websocket_message(
    body: Body = "",
    *,
    route: str = "$default",
    connection_id: str = CONNECTION,
    message_id: str = "JKJbCd5aLvHcEWQ=",
    time: datetime = TIME,
) -> Event:
    """A message on a connection. It has no headers: the connection's ID is what it shares with others."""
    context = _context(route, "MESSAGE", connection_id, at(time, "websocket_message"))
    return {
        "requestContext": {**context, "messageId": message_id},
        "body": text_of(body, "websocket_message"),
        "isBase64Encoded": False,
    }


@checked
def websocket_disconnect(
    *,
    status: int = 1001,
    reason: str = "Going away",
    connection_id: str = CONNECTION,
    time: datetime = TIME,
) -> Event:
    """A connection that was closed: the route `$disconnect`. Its headers are API Gateway's own."""
    headers = {"Host": API_HOST, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = _context("$disconnect", "DISCONNECT", connection_id, at(time, "websocket_disconnect"))
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {**context, "disconnectStatusCode": status, "disconnectReason": reason},
        "isBase64Encoded": False,
    }


def _context(route: str, event_type: str, connection_id: str, time: datetime) -> dict[str, Any]:
    return {
        "routeKey": route,
        "eventType": event_type,
        "extendedRequestId": "JKJaXmPLvHcESHA=",
        "requestTime": clf(time),
        "messageDirection": "IN",
        "stage": STAGE,
        "connectedAt": epoch_ms(time),
        "requestTimeEpoch": epoch_ms(time),
        "identity": {"userAgent": USER_AGENT, "sourceIp": SOURCE_IP},
        "requestId": "JKJaXmPLvHcESHA=",
        "domainName": API_HOST,
        "connectionId": connection_id,
        "apiId": API,
    }
