"""HTTP, both directions: API Gateway (REST and HTTP APIs), function URLs, ALB; and requests we send.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

from observe import semconv
from observe.context import inject
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the request as one Record.

    event: {"headers": {name: value}} and, for REST and for ALB with multi-value headers on,
    {"multiValueHeaders": {name: [value, ...]}}, which says more and so wins.
    """
    headers = lower(event.get("headers"))
    if "multiValueHeaders" in event:
        headers.update(lower(event["multiValueHeaders"]))
    return [Record(headers)]


def describe_v2(event: Mapping[str, Any]) -> Description:
    """Return `METHOD route`: route keys are `METHOD /path/{param}` or `$default`, which names no route."""
    http = mapping(mapping(event.get("requestContext")).get("http"))
    route = text(event.get("routeKey")).partition(" ")[2]
    return description(text(http.get("method")), route, text(event.get("rawPath")))


def describe_v1(event: Mapping[str, Any]) -> Description:
    """Return `METHOD route`: REST APIs have `resource` as the route; ALB has none."""
    return description(text(event.get("httpMethod")), text(event.get("resource")), text(event.get("path")))


def _mapped_records(event: Mapping[str, Any]) -> list[Record]:
    """event: {"params": {"header": {name: value}}, "context": {...}, "body-json"}"""
    return [Record(lower(mapping(event.get("params")).get("header")))]


def _describe_mapped(event: Mapping[str, Any]) -> Description:
    """The template hands over the route, and of the path only its parameters."""
    context = mapping(event.get("context"))
    route = text(context.get("resource-path"))
    return description(text(context.get("http-method")), route, route)


#: https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/#http-request-method
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")


def description(method: str, route: str, path: str) -> Description:
    """Return `METHOD route` and the attributes of a request; route: "" where none is known.

    A method that is not of HTTP is whatever a stranger likes: it names no span.
    """
    attributes: dict[str, Any] = {}
    if method in METHODS:
        attributes[semconv.HTTP_REQUEST_METHOD] = method
    elif method:
        attributes |= {semconv.HTTP_REQUEST_METHOD: "_OTHER", semconv.HTTP_REQUEST_METHOD_ORIGINAL: method}
        method = "HTTP"
    if route:
        attributes[semconv.HTTP_ROUTE] = route
    if path and path != route:
        attributes[semconv.URL_PATH] = path
    # A path has too many values for a span name: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
    return f"{method} {route}".strip() or "HTTP", attributes


def status_of(result: object) -> int:
    """Return the status code of a proxy reply ({"statusCode": 200, ...}), or 0 where it names none."""
    code = mapping(result).get("statusCode")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and 100 <= code <= 599 else 0


def carry(present: Container[str], context: Context, *, baggage: bool) -> dict[str, str]:
    """Return the headers to add to a request that already has the names `present` (lower case).

    The caller's own headers win, and half of another's trace is not completed. baggage: whether the host may
    receive it.
    """
    headers = inject(context, baggage=baggage)
    if "traceparent" in present or "tracestate" in present:
        headers.pop("tracestate", None)
        headers.pop("traceparent", None)
    return {name: value for name, value in headers.items() if name not in present}


HTTP_API = Source(
    "HTTP API or function URL",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe_v2,
    status=status_of,
)
ALB = Source(
    "Application Load Balancer",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe_v1,
    status=status_of,
)
REST_API = Source(
    "REST API",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe_v1,
    status=status_of,
)
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-custom-integrations.html
REST_API_MAPPED = Source(
    "REST API with mapping template",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=_mapped_records,
    describe=_describe_mapped,
)
