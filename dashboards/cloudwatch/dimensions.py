"""The dimensions by which CloudWatch finds metrics of one resource, as texts with references.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Callable

from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.references import (
    ACCOUNT,
    AFTER_BAR,
    PARTITION,
    REGION,
    Reference,
    text_of,
    text_of_expression,
    token,
)
from dashboards.resources import Resource, Route, System

Dimensions = dict[str, str]

#: Attributes that give what the dimension wants where Ref gives something else (an ARN).
_ATTRIBUTES = {
    "queue": "QueueName",
    "topic": "TopicName",
    "graphql": "ApiId",
    "ecs_service": "Name",
    "load_balancer": "LoadBalancerFullName",
    "target_group": "TargetGroupFullName",
}


def item_of(resource: Resource) -> str:
    """The ID by which the template's expressions name a resource."""
    return "/".join((*resource.stack, resource.logical_id))


def name_of(resource: Resource) -> str:
    """Return a resource's name as CloudWatch's dimensions want it."""
    attribute = _ATTRIBUTES.get(resource.kind, "")
    own = token(Reference(item_of(resource), attribute))
    if resource.name.known:
        known = resource.name.known
        # A graphql API or ECS service that is known by its ARN: the last part is what the metric has.
        return known.rsplit("/", 1)[-1] if known.startswith("arn:") else known
    if resource.name.expression in ("", None, {"Ref": item_of(resource)}):
        return own
    return text_of_expression(resource.name.expression)


def dimensions_of(by: str, subject: str, system: System) -> Dimensions | Absent:
    """Return the dimensions of a subject, or why it has none."""
    if by == "none":
        return {}
    if by == "sink":
        return {"sink": subject}
    if by == "route":
        return _route(subject, system)
    resource = system.resources.get(subject)
    if resource is None:
        return Absent(f"{subject} is not in the templates.")
    return _BY[by](resource, system)


def _plain(dimension: str) -> Callable[[Resource, System], Dimensions | Absent]:
    def found(resource: Resource, _system: System) -> Dimensions | Absent:
        return {dimension: name_of(resource)}

    return found


def _api(resource: Resource, _system: System) -> Dimensions | Absent:
    named = {"ApiName" if resource.kind == "rest_api" else "ApiId": name_of(resource)}
    stage = resource.facts.get("stage", "")
    return named | ({"Stage": stage} if stage else {})


def _route(subject: str, system: System) -> Dimensions | Absent:
    route = system.routes.get(subject)
    api = system.resources.get(route.api) if route else None
    if route is None or api is None:
        return Absent(f"{subject} is not in the templates.")
    if not route.is_metered:
        return Absent(
            f"{api.logical_id} has no metrics by route: switch on MethodSettings.MetricsEnabled (REST) or "
            "DefaultRouteSettings.DetailedMetricsEnabled (HTTP)."
        )
    if api.kind == "websocket_api":
        return Absent(f"{api.logical_id} is a WebSocket API, which has no metrics by method and path.")
    if route.path == "$default":
        return _default_route(route, api, system)
    return {**_only(_api(api, system)), "Resource": route.path, "Method": route.method}


def _default_route(route: Route, api: Resource, system: System) -> Dimensions | Absent:
    """AWS names the dimensions Method and Resource, and not what they are of a route that has neither."""
    if all(one.api != api.id or one.id == route.id for one in system.routes.values()):
        return _api(api, system)
    return Absent(
        f"{api.logical_id} has a route $default beside others, of which no documentation tells the "
        "dimensions: give it a method and a path, such as ANY /{proxy+}."
    )


def _only(found: Dimensions | Absent) -> Dimensions:
    return {} if isinstance(found, Absent) else found


def _state_machine(resource: Resource, system: System) -> Dimensions | Absent:
    known = resource.name.known
    if known and not known.startswith("arn:"):
        region = system.region or REGION
        account = system.account or ACCOUNT
        return {"StateMachineArn": f"arn:{PARTITION}:states:{region}:{account}:stateMachine:{known}"}
    return {"StateMachineArn": known or token(Reference(item_of(resource)))}


def _rule(resource: Resource, system: System) -> Dimensions | Absent:
    bus = resource.facts.get("bus", "default")
    found = system.resources.get(bus)
    if bus == "default":
        return {"RuleName": name_of(resource)}
    rule = name_of(resource)
    if rule == token(Reference(item_of(resource))):
        rule = token(Reference(item_of(resource), AFTER_BAR))
    return {"EventBusName": name_of(found) if found else bus, "RuleName": rule}


def _bucket(resource: Resource, _system: System) -> Dimensions | Absent:
    if not (filter_id := resource.facts.get("metrics", "")):
        return Absent(f"{resource.logical_id} has no request metrics: add a MetricsConfigurations entry.")
    return {"BucketName": name_of(resource), "FilterId": filter_id}


def _load_balancer(resource: Resource, _system: System) -> Dimensions | Absent:
    if resource.facts.get("type", "application") != "application":
        return Absent(f"{resource.logical_id} is no application load balancer: it does not see requests.")
    return {"LoadBalancer": _full_name(resource)}


def _full_name(resource: Resource) -> str:
    if full := resource.facts.get("full_name", ""):
        return full
    return name_of(resource)


def _target_group(resource: Resource, system: System) -> Dimensions | Absent:
    balancer = system.resources.get(resource.facts.get("load_balancer", ""))
    if balancer is None:
        return Absent(f"No load balancer of the templates leads to {resource.logical_id}.")
    found = _load_balancer(balancer, system)
    return found if isinstance(found, Absent) else {**found, "TargetGroup": _full_name(resource)}


def _database(resource: Resource, _system: System) -> Dimensions | Absent:
    is_cluster = resource.kind == "database_cluster"
    return {"DBClusterIdentifier" if is_cluster else "DBInstanceIdentifier": name_of(resource)}


def _ecs_service(resource: Resource, _system: System) -> Dimensions | Absent:
    if not (cluster := resource.facts.get("cluster", "")):
        return Absent(f"The cluster of {resource.logical_id} is not known.")
    return {"ClusterName": cluster, "ServiceName": name_of(resource)}


def _distribution(resource: Resource, _system: System) -> Dimensions | Absent:
    return {"DistributionId": name_of(resource), "Region": "Global"}


_BY: dict[str, Callable[[Resource, System], Dimensions | Absent]] = {
    "function": _plain("FunctionName"),
    "api": _api,
    "queue": _plain("QueueName"),
    "topic": _plain("TopicName"),
    "stream": _plain("StreamName"),
    "firehose": _plain("DeliveryStreamName"),
    "table": _plain("TableName"),
    "state_machine": _state_machine,
    "rule": _rule,
    "bucket": _bucket,
    "load_balancer": _load_balancer,
    "target_group": _target_group,
    "database": _database,
    "ecs_service": _ecs_service,
    "graphql": _plain("GraphQLAPIId"),
    "distribution": _distribution,
}

__all__ = ["Dimensions", "dimensions_of", "item_of", "name_of", "text_of"]
