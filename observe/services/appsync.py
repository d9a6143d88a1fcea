"""AppSync: resolvers (direct, through a template, in a batch), event handlers and authorizers.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization
https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespace-handlers.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


_OPERATIONS = ("query", "mutation", "subscription")
_NAME_MAX = 256


def records(event: Any) -> list[Record]:
    """Return the request as one Record: a batch is several fields of one GraphQL request.

    event: {"request": {"headers": {name: value}}, ...}, or a list of such
    """
    return [Record(lower(mapping(_first(event).get("request")).get("headers")))]


def describe(event: Any) -> Description:
    """Return `Type.field`, or `OPERATION namespace` of an event API: the schema defines them, not the caller.

    https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/
    """
    first = _first(event)
    info = mapping(first.get("info"))
    parent = text(info.get("parentTypeName")) or text(first.get("typeName"))
    field = text(info.get("fieldName")) or text(first.get("fieldName"))
    if not field:
        namespace = text(mapping(info.get("channelNamespace")).get("name"))
        return f"{text(info.get('operation'))} {namespace}".strip() or "AppSync", {}
    return f"{parent}.{field}", _operation(parent.lower())


def _first(event: Any) -> Mapping[str, Any]:
    return mapping(event[0] if isinstance(event, list) and event else event)


def _operation(kind: str) -> dict[str, Any]:
    return {semconv.GRAPHQL_OPERATION_TYPE: kind} if kind in _OPERATIONS else {}


def _authorizer_records(event: Mapping[str, Any]) -> list[Record]:
    return [Record(lower(event.get("requestHeaders")))]


def _describe_authorizer(event: Mapping[str, Any]) -> Description:
    """The document and its variables are the caller's and stay out; its first word is the operation.

    A query may have none, and an operation's name is the caller's, too: one that is no name is left out.
    https://spec.graphql.org/October2021/#sec-Language.Operations
    """
    request = mapping(event.get("requestContext"))
    document = text(request.get("queryString"))[:64].lstrip()
    kinds = [kind for kind in _OPERATIONS if document.startswith(kind)]
    attributes = _operation("query" if document.startswith("{") else "".join(kinds))
    name = text(request.get("operationName"))
    if len(name) <= _NAME_MAX and name.isascii() and name.isidentifier():
        attributes[semconv.GRAPHQL_OPERATION_NAME] = name
    return f"authorize {attributes.get(semconv.GRAPHQL_OPERATION_TYPE, 'GraphQL')}", attributes


APPSYNC = Source(
    "AppSync",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
)
AUTHORIZER = Source(
    "AppSync authorizer",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=_authorizer_records,
    describe=_describe_authorizer,
)
