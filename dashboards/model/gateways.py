"""API Gateway: the routes of REST, HTTP and WebSocket APIs, and what each leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.model import stages
from dashboards.model.draft import Draft
from dashboards.model.integrations import Destination, Integration, destination, of_properties
from dashboards.model.openapi import operations
from dashboards.model.pointers import pattern, text
from dashboards.resources import Place, Route
from dashboards.template.values import Item
from subscribers.config_tree import at

#: How long a gateway waits where an integration says nothing.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_REST_S, _HTTP_S = 29.0, 30.0
_DEPTH_MAX = 40
#: What a route of an API is: method, path, integration, where it is written.
_Found = tuple[str, str, Integration, Place]


def connect(draft: Draft) -> None:
    """Add the stages and routes of every API."""
    for item in draft.items_of("AWS::ApiGateway::RestApi"):
        api = draft.of_item(item)
        _add(api, stages.of_rest(api, draft), [*_of_body(item, draft), *_methods(api, draft)], _REST_S, draft)
    for item in draft.items_of("AWS::ApiGatewayV2::Api"):
        api = draft.of_item(item)
        found = [*_of_body(item, draft), *_quick(item), *_routes(api, draft)]
        limit_s = _HTTP_S if draft.resources[api].kind == "http_api" else _REST_S
        _add(api, stages.of_http(api, draft), found, limit_s, draft)


def _add(api: str, own: list[stages.Stage], found: list[_Found], limit_s: float, draft: Draft) -> None:
    stages.tell(api, own, draft)
    variables = {name: value for stage in reversed(own) for name, value in stage.variables.items()}
    for method, path, integration, place in found:
        target = destination(integration, variables, draft)
        route = Route(
            id=f"{api}/{method} {path}",
            api=api,
            method=method,
            path=path,
            side=target.side,
            target=target.target,
            url=target.url,
            limit_s=limit_s if integration.limit_s is None else integration.limit_s,
            is_metered=bool(own) and own[0].is_metered(method, path),
            place=place,
        )
        draft.route(route)
        draft.edge(api, target.target, "routes", route.route)
        _say(route, target, integration, draft)


def _say(route: Route, target: Destination, integration: Integration, draft: Draft) -> None:
    if target.why and integration.type != "mock":
        said = f"What {route.route} of {route.api} leads to is not known: {target.why}."
        draft.note("info", said, route.place, route.api)


def _of_body(item: Item, draft: Draft) -> Iterator[_Found]:
    body = item.properties.get("Body")
    if "BodyS3Location" in item.properties:
        said = f"The routes of {item.id} that are in its BodyS3Location are not read; write them as its Body."
        draft.note("warning", said, item.place, draft.of_item(item))
    transform = at(body, "Fn::Transform")
    if transform is not None:
        said = f"The routes of {item.id} are in a file that Fn::Transform includes, which is not read."
        draft.note("warning", said, item.place, draft.of_item(item))
    for method, path, integration in operations(body):
        yield method, path, integration, item.place


def _quick(item: Item) -> Iterator[_Found]:
    """An HTTP API with a Target and a RouteKey has one route of its own.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
    """
    target = item.properties.get("Target")
    if target is None:
        return
    is_url = "://" in pattern(target)
    integration = Integration(
        type="http_proxy" if is_url else "aws_proxy", uri=target, values={"uri": target}
    )
    yield *stages.split(text(item.properties.get("RouteKey")) or "$default"), integration, item.place


def _routes(api: str, draft: Draft) -> Iterator[_Found]:
    for item in draft.items_of("AWS::ApiGatewayV2::Route"):
        if draft.id(item.properties.get("ApiId"), "http_api", "websocket_api") == api:
            key = text(item.properties.get("RouteKey"))
            if not key:
                said = f"The route {item.id} of {api} has no key that is known before it is deployed."
                draft.note("warning", said, item.place, api)
                continue
            made = draft.item_named(item.properties.get("Target"), "AWS::ApiGatewayV2::Integration")
            integration = of_properties(made.properties) if made is not None else Integration()
            yield *stages.split(key), integration, item.place


def _methods(api: str, draft: Draft) -> Iterator[_Found]:
    for item in draft.items_of("AWS::ApiGateway::Method"):
        if draft.id(item.properties.get("RestApiId"), "rest_api") == api:
            method = text(item.properties.get("HttpMethod")).upper() or "ANY"
            integration = of_properties(item.properties.get("Integration"))
            yield method, _path(item.properties.get("ResourceId"), draft, 0), integration, item.place


def _path(resource: Any, draft: Draft, depth: int) -> str:
    """The path of an AWS::ApiGateway::Resource: its parts from the root on."""
    found = draft.item_named(resource, "AWS::ApiGateway::Resource")
    if found is None or depth > _DEPTH_MAX:
        return "/"
    before = _path(found.properties.get("ParentId"), draft, depth + 1)
    return f"{before.rstrip('/')}/{pattern(found.properties.get('PathPart'))}"
