"""Stages of gateways: their names, variables, access logs, and of which routes there are metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dashboards.model.draft import Draft
from dashboards.model.functions import group_of
from dashboards.model.pointers import pattern, text, truth
from dashboards.resources import Name
from dashboards.template.values import Item
from subscribers.config_tree import at, items


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. metrics: (method, path) -> whether there are metrics of it; `*` is every one."""

    name: str
    variables: dict[str, Any] = {}
    log: Name | None = None
    metrics: dict[tuple[str, str], bool] = {}

    def is_metered(self, method: str, path: str) -> bool:
        """Whether CloudWatch has metrics of a route; what is said of a route wins over what is of all."""
        keys = ((method, path), ("*", path), (method, "*"), ("*", "*"))
        return next((self.metrics[key] for key in keys if key in self.metrics), False)


def of_rest(api: str, draft: Draft) -> list[Stage]:
    """Return the stages of a REST API; the stage that a deployment makes only where there is no other."""
    found = [_rest_stage(item, draft) for item in _items(api, "AWS::ApiGateway::Stage", "RestApiId", draft)]
    if found:
        return found
    return [
        stage
        for item in _items(api, "AWS::ApiGateway::Deployment", "RestApiId", draft)
        if (stage := _deployment(item)) is not None
    ]


def of_http(api: str, draft: Draft) -> list[Stage]:
    """Return the stages of an HTTP or WebSocket API."""
    return [_http_stage(item, draft) for item in _items(api, "AWS::ApiGatewayV2::Stage", "ApiId", draft)]


def tell(api: str, stages: list[Stage], draft: Draft) -> None:
    """Add to an API what its stages say. Of several the first is the one that is shown."""
    if not stages:
        return
    first = stages[0]
    facts = {"stage": first.name}
    if first.metrics.get(("*", "*")):
        facts["metrics"] = "detailed"
    if first.log is not None:
        facts["access_log"] = first.log.shown
        draft.change(api, log_groups=(first.log,))
    draft.change(api, facts={name: value for name, value in facts.items() if value})
    if len(stages) > 1:
        others = ", ".join(stage.name for stage in stages[1:])
        said = f"{api} has several stages: {first.name} is shown, not {others}."
        draft.note("info", said, draft.resources[api].place, api)


def _items(api: str, type_name: str, key: str, draft: Draft) -> Iterator[Item]:
    kinds = ("rest_api", "http_api", "websocket_api")
    found = draft.items_of(type_name)
    return (item for item in found if draft.id(item.properties.get(key), *kinds) == api)  # type: ignore[arg-type]


def _rest_stage(item: Item, draft: Draft) -> Stage:
    properties = item.properties
    log = at(properties, "AccessLogSetting", "DestinationArn")
    variables = properties.get("Variables")
    return Stage(
        name=pattern(properties.get("StageName")),
        variables=variables if isinstance(variables, dict) else {},
        log=group_of(log, draft) if log is not None else None,
        metrics=_settings(properties.get("MethodSettings")),
    )


def _deployment(item: Item) -> Stage | None:
    name = pattern(item.properties.get("StageName"))
    described = item.properties.get("StageDescription")
    metrics = _settings(at(described, "MethodSettings"))
    if truth(at(described, "MetricsEnabled")):
        metrics = {("*", "*"): True, **metrics}
    variables = at(described, "Variables")
    own = variables if isinstance(variables, dict) else {}
    return Stage(name=name, variables=own, metrics=metrics) if name else None


def _settings(written: Any) -> dict[tuple[str, str], bool]:
    """MethodSettings: a path's slashes but the first may be written ~1, and /* is every path.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html
    """
    told: dict[tuple[str, str], bool] = {}
    for _, one in items(written):
        if "MetricsEnabled" in (one if isinstance(one, dict) else {}):
            path = text(at(one, "ResourcePath")).replace("~1", "/") or "/*"
            method = text(at(one, "HttpMethod")) or "*"
            key = "*" if path in ("/*", "*") else "/" + path.strip("/")
            told[method, key] = truth(at(one, "MetricsEnabled"))
    return told


def _http_stage(item: Item, draft: Draft) -> Stage:
    properties = item.properties
    log = at(properties, "AccessLogSettings", "DestinationArn")
    variables = properties.get("StageVariables")
    metrics: dict[tuple[str, str], bool] = {}
    if (default := at(properties, "DefaultRouteSettings", "DetailedMetricsEnabled")) is not None:
        metrics["*", "*"] = truth(default)
    settings = properties.get("RouteSettings")
    for key, one in settings.items() if isinstance(settings, dict) else ():
        if (told := at(one, "DetailedMetricsEnabled")) is not None:
            metrics[split(str(key))] = truth(told)
    return Stage(
        name=pattern(properties.get("StageName")),
        variables=variables if isinstance(variables, dict) else {},
        log=group_of(log, draft) if log is not None else None,
        metrics=metrics,
    )


def split(key: str) -> tuple[str, str]:
    """Return (method, path) of a route key; `$default` and those of WebSocket APIs are of any method."""
    method, _, path = key.partition(" ")
    return (method.upper(), path.strip()) if path.strip() else ("ANY", key)
