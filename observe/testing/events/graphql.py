"""Events of AppSync: resolvers, handlers of channels and authorizers.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
https://docs.aws.amazon.com/appsync/latest/devguide/tutorial-lambda-resolvers.html
https://docs.aws.amazon.com/appsync/latest/eventapi/context-reference.html
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization
"""

from __future__ import annotations

from observe.testing.events.parts import (
    ACCOUNT,
    REGION,
    REQUEST_ID,
    SOURCE_IP,
    checked,
    numbered,
    one_of,
    plain,
)
from observe.testing.events.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event
    from observe.testing.events.request import Headers

API = "a1b2c3d4e5f6a1b2c3d4e5f6a1"
HOST = f"{API}.appsync-api.{REGION}.amazonaws.com"
#: Who signs in with a user pool; with an API key nobody is known.
IDENTITY = {
    "claims": {"sub": numbered(0x1DE0, 0), "token_use": "id", "cognito:username": "jdoe"},
    "defaultAuthStrategy": "ALLOW",
    "groups": None,
    "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_pool",
    "sourceIp": [SOURCE_IP],
    "sub": numbered(0x1DE0, 0),
    "username": "jdoe",
}


@checked
def appsync(
    field: str = "getClaim",
    *,
    parent: str = "Query",
    arguments: Mapping[str, Any] | None = None,
    headers: Headers | None = None,
    context: Context | None = None,
    identity: Mapping[str, Any] | None = IDENTITY,
    source: Mapping[str, Any] | None = None,
    selection: Sequence[str] = ("id",),
    variables: Mapping[str, Any] | None = None,
    stash: Mapping[str, Any] | None = None,
    prev: Any = None,
) -> Event:
    """The context of a direct resolver. parent: the type that has the field. source: that one's value.

    selection: the fields that are asked for, of one level. identity: None with an API key.
    """
    request = _request("appsync", headers, context)
    return _resolver(
        "appsync", field, parent, arguments, request, identity, source, selection, variables, stash, prev
    )


@checked
def appsync_batch(
    field: str = "documents",
    *sources: Mapping[str, Any],
    parent: str = "Claim",
    arguments: Mapping[str, Any] | None = None,
    headers: Headers | None = None,
    context: Context | None = None,
    identity: Mapping[str, Any] | None = IDENTITY,
    selection: Sequence[str] = ("id",),
) -> list[Event]:
    """A batch: one field of several parents in one request, whose context is that of all."""
    if not sources:
        raise ValueError(
            "appsync_batch: a batch resolves the field of at least one parent: give their values"
        )
    request = _request("appsync_batch", headers, context)
    return [
        _resolver("appsync_batch", field, parent, arguments, request, identity, source, selection)
        for source in sources
    ]


def _resolver(
    builder: str,
    field: str,
    parent: str,
    arguments: Mapping[str, Any] | None,
    request: Mapping[str, Any],
    identity: Mapping[str, Any] | None,
    source: Any,
    selection: Sequence[str],
    variables: Mapping[str, Any] | None = None,
    stash: Mapping[str, Any] | None = None,
    prev: Any = None,
) -> Event:
    selected = "\n".join(f"  {name}" for name in selection)
    event: Event = plain(
        {
            "arguments": arguments or {},
            "identity": identity,
            "source": source,
            "request": request,
            "prev": prev,
            "info": {
                "selectionSetList": selection,
                "selectionSetGraphQL": f"{{\n{selected}\n}}",
                "fieldName": field,
                "parentTypeName": parent,
                "variables": variables or {},
            },
            "stash": stash or {},
        },
        builder,
    )
    return event


@checked
def appsync_channel(
    *payloads: Any,
    channel: str = "/claims/new",
    operation: str = "PUBLISH",
    headers: Headers | None = None,
    context: Context | None = None,
    identity: Mapping[str, Any] | None = IDENTITY,
) -> Event:
    """What a channel namespace's handler gets: payloads that are published, or a subscription without any."""
    one_of(operation, ("PUBLISH", "SUBSCRIBE"), "appsync_channel", "operation")
    segments = [segment for segment in channel.split("/") if segment]
    if not segments:
        raise ValueError(f"appsync_channel: channel {channel!r} has no namespace")
    if bool(payloads) != (operation == "PUBLISH"):
        raise ValueError("appsync_channel: what is published has payloads, and a subscription has none")
    events = [
        {"payload": plain(payload, "appsync_channel"), "id": numbered(0xE0E0, n)}
        for n, payload in enumerate(payloads)
    ]
    return {
        "identity": plain(identity, "appsync_channel"),
        "result": None,
        "request": _request("appsync_channel", headers, context),
        "info": {
            "channel": {"path": "/" + "/".join(segments), "segments": segments},
            "channelNamespace": {"name": segments[0]},
            "operation": operation,
        },
        "error": None,
        "prev": None,
        "stash": {},
        "outErrors": [],
        "events": events or None,
    }


@checked
def appsync_authorizer(
    query: str = "query GetClaim { getClaim { id } }",
    *,
    token: str = "token",  # noqa: S107  # what a test that gives none authorises
    operation_name: str = "",
    variables: Mapping[str, Any] | None = None,
    headers: Headers | None = None,
    context: Context | None = None,
) -> Event:
    """What AppSync's Lambda authorizer gets. query: the GraphQL document."""
    return {
        "authorizationToken": token,
        "requestContext": {
            "apiId": API,
            "accountId": ACCOUNT,
            "requestId": REQUEST_ID,
            "queryString": query,
            "operationName": operation_name or None,
            "variables": plain(variables or {}, "appsync_authorizer"),
        },
        "requestHeaders": _request("appsync_authorizer", headers, context)["headers"],
    }


def _request(builder: str, headers: Headers | None, context: Context | None) -> dict[str, Any]:
    request = Request(builder, "POST", "/graphql", host=HOST, headers=headers, context=context)
    return {"headers": {"content-type": "application/json", **request.joined()}, "domainName": None}
