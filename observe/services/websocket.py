"""API Gateway WebSocket APIs: headers come with the connection, never with its messages.

What a connection's CONNECT carried is not remembered here: its messages may reach other instances. They tell
the connection's ID instead, by which all of them are found.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from __future__ import annotations

from observe import semconv
from observe.services import http
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the request or message as one Record; only CONNECT has headers.

    event: {"headers"?, "multiValueHeaders"?, "requestContext": {"messageId", "connectionId", ...}}
    """
    message_id = text(mapping(event.get("requestContext")).get("messageId"))
    return [Record(record.headers, message_id) for record in http.records(event)]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `CONNECT $connect`, `MESSAGE <route>` or `DISCONNECT $disconnect`, and the connection."""
    request = mapping(event.get("requestContext"))
    attributes = {
        semconv.NETWORK_PROTOCOL_NAME: "websocket",
        semconv.AWS_APIGATEWAY_CONNECTION_ID: text(request.get("connectionId")),
        semconv.MESSAGING_MESSAGE_ID: text(request.get("messageId")),
    }
    name = f"{text(request.get('eventType'))} {text(request.get('routeKey'))}"
    return name.strip() or "WebSocket", {key: value for key, value in attributes.items() if value}


WEBSOCKET = Source(
    "WebSocket API",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
    status=http.status_of,
)
