"""API Gateway's Lambda authorizers: REST APIs' TOKEN and REQUEST, HTTP APIs' payloads 1.0 and 2.0.

An authorizer runs before the function it guards, on the same request: its headers put both into one trace.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

from observe.services import http
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def _no_headers(_event: Mapping[str, Any]) -> list[Record]:
    """A TOKEN authorizer is given the token alone, which is a secret and no identity of the request."""
    return [Record({})]


def _describe_token(event: Mapping[str, Any]) -> Description:
    """methodArn: arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>"""
    method, _, path = text(event.get("methodArn")).partition("/")[2].partition("/")[2].partition("/")
    return _named(http.description(method, "", f"/{path}"))


def _describe_request(event: Mapping[str, Any]) -> Description:
    """A WebSocket API's authorizer has no method: its route is `$connect`."""
    route = text(event.get("resource")) or text(mapping(event.get("requestContext")).get("routeKey"))
    return _named(http.description(text(event.get("httpMethod")), route, text(event.get("path")) or route))


def _describe_v2(event: Mapping[str, Any]) -> Description:
    return _named(http.describe_v2(event))


def _named(description: Description) -> Description:
    name, attributes = description
    return f"authorize {name}", attributes


TOKEN = Source(
    "Token authorizer",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=_no_headers,
    describe=_describe_token,
)
REQUEST = Source(
    "Request authorizer",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=http.records,
    describe=_describe_request,
)
HTTP_API = Source(
    "HTTP API authorizer",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=http.records,
    describe=_describe_v2,
)
