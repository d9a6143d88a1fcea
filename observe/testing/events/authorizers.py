"""Events of API Gateway's Lambda authorizers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

from observe.testing.events.gateways import API, API_HOST, STAGE, payload_1, payload_2
from observe.testing.events.parts import REQUEST_ID, TIME, arn, checked
from observe.testing.events.request import Request
from observe.testing.events.websockets import CONNECTION, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event
    from observe.testing.events.request import Headers, Query

TOKEN = "Bearer token"  # noqa: S105  # what a test that gives none authorises


@checked
def token_authorizer(token: str = TOKEN, *, method: str = "GET", path: str = "/") -> Event:
    """What a REST API's TOKEN authorizer gets: the token, and for what. No header comes with it."""
    return {"type": "TOKEN", "authorizationToken": token, "methodArn": _api_arn(STAGE, method, path)}


@checked
def request_authorizer(
    method: str = "GET",
    path: str = "/",
    *,
    route: str | None = None,
    headers: Headers | None = None,
    query: Query | None = None,
    context: Context | None = None,
    stage_variables: Mapping[str, str] | None = None,
    request_id: str = REQUEST_ID,
    time: datetime = TIME,
) -> Event:
    """What a REST API's REQUEST authorizer gets; the body is not shown to it, and what is absent is {}."""
    request = Request(
        "request_authorizer",
        method,
        path,
        host=API_HOST,
        headers=headers,
        query=query,
        context=context,
        canonical=True,
    )
    event = payload_1(request, route, stage_variables, request_id, time)
    shown = {name: {} if value is None else value for name, value in event.items()}
    return {"type": "REQUEST", "methodArn": _api_arn(STAGE, method, path), **shown}


@checked
def http_api_authorizer(
    method: str = "GET",
    path: str = "/",
    *,
    route: str | None = None,
    headers: Headers | None = None,
    query: Query | None = None,
    context: Context | None = None,
    token: str = TOKEN,
    stage_variables: Mapping[str, str] | None = None,
    request_id: str = REQUEST_ID,
    time: datetime = TIME,
) -> Event:
    """What an HTTP API's authorizer gets in payload 2.0. token: its identity source, `authorization`."""
    request = Request(
        "http_api_authorizer",
        method,
        path,
        host=API_HOST,
        headers={"authorization": token, **(headers or {})},
        query=query,
        context=context,
    )
    event = payload_2(request, f"{method} {route}" if route else "$default", request_id, time)
    parameters = request.parameters(route) if route else {}
    return {
        "version": event.pop("version"),
        "type": "REQUEST",
        "routeArn": _api_arn("$default", method, path),
        "identitySource": [token],
        **event,
        **({"pathParameters": parameters} if parameters else {}),
        **({"stageVariables": dict(stage_variables)} if stage_variables else {}),
    }


@checked
def websocket_authorizer(
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    context: Context | None = None,
    connection_id: str = CONNECTION,
    time: datetime = TIME,
) -> Event:
    """What a WebSocket API's authorizer gets when a client opens a connection."""
    event = connect("websocket_authorizer", headers, query, context, connection_id, time)
    del event["isBase64Encoded"]
    absent: dict[str, Any] = {
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
    }
    return {
        "type": "REQUEST",
        "methodArn": arn("execute-api", f"{API}/{STAGE}/$connect"),
        **absent,
        **event,
    }


def _api_arn(stage: str, method: str, path: str) -> str:
    return arn("execute-api", f"{API}/{stage}/{method}{path}")
