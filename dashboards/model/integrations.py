"""What an integration of API Gateway leads to: a function, a service of AWS, or a legacy address.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dashboards.model.draft import Draft
from dashboards.model.functions import target_of
from dashboards.model.pointers import HOLE, number, pattern, text
from dashboards.resources import Target

_FUNCTION = re.compile(r":function:([A-Za-z0-9_-]+)")
_STAGE_VARIABLE = re.compile(r"\$\{!?stageVariables\.([A-Za-z0-9_]+)\}")
_SERVICE = re.compile(r":apigateway:[^:]*:(?:[^:/]+\.)?([a-z0-9-]+):(?:action|path)/")
_HTTP = ("http", "http_proxy")


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """One integration, whichever way it is written. values: all of it, to look for what it names."""

    type: str = ""
    uri: Any = None
    values: Any = None
    limit_s: float | None = None
    is_private: bool = False
    #: The VPC link of a private integration.
    link: Any = None


class Destination(msgspec.Struct, frozen=True):
    """Where a request goes. why: what is not known of it, "" where all is."""

    side: Target
    target: str = ""
    url: str = ""
    why: str = ""


def of_openapi(written: Any) -> Integration:
    """Return what `x-amazon-apigateway-integration` of an OpenAPI document says."""
    found = written if isinstance(written, dict) else {}
    return Integration(
        type=text(found.get("type")).lower(),
        uri=found.get("uri"),
        values=found,
        limit_s=_seconds(found.get("timeoutInMillis")),
        is_private=text(found.get("connectionType")).upper() == "VPC_LINK",
        link=found.get("connectionId"),
    )


def of_properties(written: Any) -> Integration:
    """Return what the properties of an integration of a template say, of REST, HTTP or WebSocket APIs."""
    found = written if isinstance(written, dict) else {}
    return Integration(
        type=text(found.get("Type", found.get("IntegrationType"))).lower(),
        uri=found.get("Uri", found.get("IntegrationUri")),
        values=found,
        limit_s=_seconds(found.get("TimeoutInMillis")),
        is_private=text(found.get("ConnectionType")).upper() == "VPC_LINK",
        link=found.get("ConnectionId"),
    )


def destination(integration: Integration, variables: dict[str, Any], draft: Draft) -> Destination:
    """Return where an integration leads. variables: those of the stage."""
    uri = integration.uri
    if integration.type == "mock":
        return Destination("unknown", why="it is a mock: the gateway itself answers")
    if integration.type in _HTTP:
        return _http(integration, variables, draft)
    if function := draft.id(uri, "function") or _of_variables(uri, variables, draft):
        return Destination("serverless", function)
    if _is_lambda(uri):
        return _elsewhere(uri, draft)
    if service := _service(integration, draft):
        return Destination("serverless", service)
    if not integration.type:
        return Destination("unknown", why="it has no integration")
    if called := _called(integration):
        return Destination("serverless", why=f"it calls {called}, and names nothing of the templates")
    return Destination("unknown", why=f"its integration ({integration.type}) names nothing of the templates")


def host_of(url: str) -> str:
    """Return the host of a URL, without what is not known of it; "" for none."""
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].rpartition("@")[2]
    return "" if not host.strip("*.-") else host


def _seconds(value: Any) -> float | None:
    milliseconds = number(value)
    return None if milliseconds is None else milliseconds / 1000


def _http(integration: Integration, variables: dict[str, Any], draft: Draft) -> Destination:
    """An address: legacy, unless it is a function's URL or another resource of the templates."""
    uri = integration.uri
    target = draft.id(uri) or _behind_listener(uri, draft) or _behind_link(integration, variables, draft)
    kind = draft.resources[target].kind if target else ""
    side: Target = (
        "serverless" if kind in ("function", "rest_api", "http_api", "queue", "bucket") else "legacy"
    )
    url = pattern(uri)
    return Destination(side, target, url if "://" in url else "")


def _behind_listener(uri: Any, draft: Draft) -> str:
    """A private integration of an HTTP API names the listener of a load balancer."""
    listener = draft.item_named(uri, "AWS::ElasticLoadBalancingV2::Listener")
    return draft.id(listener.properties.get("LoadBalancerArn"), "load_balancer") if listener else ""


def _behind_link(integration: Integration, variables: dict[str, Any], draft: Draft) -> str:
    """A VPC link of a REST API names its load balancer; the link itself may be a variable of the stage."""
    named = [variables.get(name) for name in _STAGE_VARIABLE.findall(_raw(integration.link))]
    link = draft.item_named([integration.link, *named], "AWS::ApiGateway::VpcLink")
    return draft.id(link.properties.get("TargetArns"), "load_balancer") if link is not None else ""


def _called(integration: Integration) -> str:
    """The service of AWS that a gateway calls itself, "" for none.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
    """
    values = integration.values if isinstance(integration.values, dict) else {}
    subtype = text(values.get("integrationSubtype", values.get("IntegrationSubtype")))
    match = _SERVICE.search(pattern(integration.uri))
    return subtype or (match[1] if match else "")


def _is_lambda(uri: Any) -> bool:
    told = pattern(uri)
    return ":lambda:path/" in told or ":function:" in told


def _of_variables(uri: Any, variables: dict[str, Any], draft: Draft) -> str:
    """The function whose name a stage variable has."""
    for name in _STAGE_VARIABLE.findall(_raw(uri)):
        value = variables.get(name)
        if found := draft.id(value, "function") or target_of(value, draft):
            return found
    return ""


def _raw(uri: Any) -> str:
    """The text in a URI as it is written, whatever intrinsics are around it."""
    if isinstance(uri, dict):
        return " ".join(_raw(one) for one in uri.values())
    if isinstance(uri, list):
        return " ".join(_raw(one) for one in uri)
    return uri if isinstance(uri, str) else ""


def _elsewhere(uri: Any, draft: Draft) -> Destination:
    match = _FUNCTION.search(pattern(uri))
    if match and (found := draft.by_name("function", match[1])):
        return Destination("serverless", found)
    if match:
        return Destination("serverless", why=f"its function {match[1]} is in none of the templates")
    if variables := _STAGE_VARIABLE.findall(_raw(uri)):
        said = (
            f"its function is told by the stage variable {variables[0]}, which no stage of the templates has"
        )
        return Destination("serverless", why=said)
    holes = [hole for hole in HOLE.findall(_raw(uri)) if not hole.startswith("AWS::")]
    said = f": {holes[0]} has no value" if holes else ""
    return Destination("serverless", why=f"its function is known only after deployment{said}")


def _service(integration: Integration, draft: Draft) -> str:
    """The queue, state machine, bus, ... that a service integration sends to, wherever it names it."""
    kinds = ("queue", "state_machine", "bus", "topic", "stream", "firehose", "table", "bucket")
    credentials = ("credentials", "Credentials", "CredentialsArn")
    values = integration.values if isinstance(integration.values, dict) else {}
    rest = [value for key, value in values.items() if key not in credentials]
    return next((found for kind in kinds if (found := draft.id([integration.uri, *_parts(rest)], kind))), "")  # type: ignore[arg-type]


def _parts(value: Any) -> list[Any]:
    """The texts and intrinsics in a value: templates of requests have ARNs and URLs in them."""
    if isinstance(value, dict) and not any(key == "Ref" or str(key).startswith("Fn::") for key in value):
        return [part for one in value.values() for part in _parts(one)]
    if isinstance(value, list):
        return [part for one in value for part in _parts(one)]
    return [value]
