"""Load balancers: listeners, rules, target groups, what is behind them, and ECS services.

A target group of type `lambda` is serverless, every other one is legacy: an application behind addresses.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.functions import group_of
from dashboards.model.pointers import number, pattern, text
from dashboards.resources import Place, Route
from dashboards.template.values import Item
from subscribers.config_tree import at, items, texts

_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


def connect(draft: Draft) -> None:
    """Add what load balancers lead to."""
    for item in draft.items_of(_GROUP):
        for _, target in items(item.properties.get("Targets")):
            draft.edge(draft.of_item(item), draft.id(at(target, "Id"), "function"), "fronts")
    for item in draft.items_of(_RULE):
        listener = draft.item_named(item.properties.get("ListenerArn"), _LISTENER)
        balancer = draft.id(at(listener.properties, "LoadBalancerArn"), "load_balancer") if listener else ""
        for method, path, host in _conditions(item):
            _forward(balancer, method, path, host, item.properties.get("Actions"), item.place, draft)
    for item in draft.items_of(_LISTENER):
        balancer = draft.id(item.properties.get("LoadBalancerArn"), "load_balancer")
        _forward(balancer, "ANY", "/*", "", item.properties.get("DefaultActions"), item.place, draft)
    for item in draft.items_of("AWS::ECS::Service"):
        _service(item, draft)


def _conditions(item: Item) -> Iterator[tuple[str, str, str]]:
    """Yield (method, path, host) of each combination that a rule takes; every one of them must fit."""
    methods, paths, hosts = ["ANY"], ["/*"], [""]
    for _, condition in items(item.properties.get("Conditions")):
        field = text(at(condition, "Field"))
        values = texts(at(condition, "Values"))
        if field == "path-pattern":
            paths = texts(at(condition, "PathPatternConfig", "Values")) or values or paths
        elif field == "host-header":
            hosts = texts(at(condition, "HostHeaderConfig", "Values")) or values or hosts
        elif field == "http-request-method":
            methods = texts(at(condition, "HttpRequestMethodConfig", "Values")) or values or methods
    for path in paths:
        for method in methods:
            yield method.upper(), path, " or ".join(hosts)


def _forward(
    balancer: str, method: str, path: str, host: str, actions: Any, place: Place, draft: Draft
) -> None:
    """Add a route for each target group that actions forward to with a weight above 0."""
    for group in _groups(actions, draft):
        told = draft.resources[group]
        if balancer and "load_balancer" not in told.facts:
            draft.change(group, facts={"load_balancer": balancer})
        draft.edge(balancer, group, "fronts", f"{method} {path}" + (f" of {host}" if host else ""))
        functions = [edge.target for edge in draft.edges if edge.source == group and edge.how == "fronts"]
        is_function = _is_lambda(group, draft)
        if balancer:
            draft.route(
                Route(
                    id=f"{balancer}/{method} {path}",
                    api=balancer,
                    method=method,
                    path=path,
                    side="serverless" if is_function else "legacy",
                    target=functions[0] if is_function and functions else group,
                    url=f"http://{host}{path}" if host else "",
                    place=place,
                )
            )


def _groups(actions: Any, draft: Draft) -> list[str]:
    found: list[str] = []
    for _, action in items(actions):
        found += draft.ids(at(action, "TargetGroupArn"), "target_group")
        for _, one in items(at(action, "ForwardConfig", "TargetGroups")):
            if number(at(one, "Weight")) != 0:
                found += draft.ids(at(one, "TargetGroupArn"), "target_group")
    return list(dict.fromkeys(found))


def _is_lambda(group: str, draft: Draft) -> bool:
    item = next(item for item in draft.items_of(_GROUP) if draft.of_item(item) == group)
    return text(item.properties.get("TargetType")) == "lambda"


def _service(item: Item, draft: Draft) -> None:
    service = draft.of_item(item)
    cluster = draft.item_named(item.properties.get("Cluster"), "AWS::ECS::Cluster")
    name = (
        pattern(cluster.properties.get("ClusterName")) if cluster else pattern(item.properties.get("Cluster"))
    )
    if cluster and not name:
        name = draft.deployment.names.get(cluster.id, f"*-{cluster.logical_id}-*")
    draft.change(service, facts={"cluster": name.rpartition("/")[2] or "default"})
    for _, one in items(item.properties.get("LoadBalancers")):
        draft.edge(draft.id(at(one, "TargetGroupArn"), "target_group"), service, "fronts")
    task = draft.item_named(item.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    containers = items(task.properties.get("ContainerDefinitions")) if task else ()
    named = [at(one, "LogConfiguration", "Options", "awslogs-group") for _, one in containers]
    groups = {group.shown: group for group in (group_of(one, draft) for one in named if one is not None)}
    draft.change(service, log_groups=tuple(groups.values()))
