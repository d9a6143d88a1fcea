"""What resources are called once they are deployed: what CloudWatch's dimension of their kind wants.

A name that the user gave for a deployed stack (`Deployment.names`) wins over one in the template, and that
one over the shape of names that CloudFormation makes.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboards.model.pointers import pattern, text
from dashboards.resources import Kind, Name
from dashboards.template.values import Deployment, Item
from subscribers.config_tree import at

#: Kind -> the property that names it.
_PROPERTIES: dict[Kind, str] = {
    "function": "FunctionName",
    "rest_api": "Name",
    "queue": "QueueName",
    "topic": "TopicName",
    "stream": "Name",
    "firehose": "DeliveryStreamName",
    "table": "TableName",
    "bus": "Name",
    "rule": "Name",
    "bucket": "BucketName",
    "load_balancer": "Name",
    "target_group": "Name",
    "database": "DBInstanceIdentifier",
    "database_cluster": "DBClusterIdentifier",
    "ecs_service": "ServiceName",
}
#: Kind -> the attribute that gives the dimension, where Ref gives something else.
_ATTRIBUTES: dict[Kind, str] = {
    "queue": "QueueName",
    "topic": "TopicName",
    "load_balancer": "LoadBalancerFullName",
    "target_group": "TargetGroupFullName",
    "ecs_service": "Name",
    "graphql": "ApiId",
}
#: Kinds whose names CloudFormation makes in lower case.
_LOWER: frozenset[Kind] = frozenset({"bucket", "database", "database_cluster"})
#: Kinds whose dimension is an ID that AWS makes, of which the template tells nothing.
_IDENTIFIERS: frozenset[Kind] = frozenset({"http_api", "websocket_api", "graphql", "distribution"})
_NAME_MAX = 512


def _last(separator: str) -> Callable[[str], str]:
    return lambda physical: physical.rpartition(separator)[2]


#: Kind -> the dimension in the physical ID that CloudFormation tells of.
_PHYSICAL: dict[Kind, Callable[[str], str]] = {
    "queue": _last("/"),
    "topic": _last(":"),
    "rule": _last("|"),
    "ecs_service": _last("/"),
    "graphql": _last("/"),
    "load_balancer": lambda physical: physical.partition(":loadbalancer/")[2] or physical,
    "target_group": _last(":"),
}


def known(name: str) -> Name:
    """Return a name that is known."""
    return Name(known=name, expression=name, pattern=name)


def name_of(item: Item, kind: Kind, deployment: Deployment) -> Name:
    """Return the name of an item as its kind's dimension has it."""
    physical = deployment.names.get(item.id, "")
    # The physical ID of a REST API is its ID; its metrics go by its name.
    if physical and kind != "rest_api":
        return known(_PHYSICAL.get(kind, str)(physical))
    if kind == "state_machine":
        return _state_machine(item, deployment)
    given = item.properties.get(_PROPERTIES.get(kind, ""))
    if kind == "rest_api":
        given = given or at(item.properties, "Body", "info", "title")
    # A load balancer's dimension has its ID, too, which no template knows.
    if given and kind not in ("load_balancer", "target_group"):
        return _given(given, item, kind)
    return Name(expression=_expression(item, kind), pattern=_shape(item, kind, deployment, given))


def log_group(item: Item, deployment: Deployment) -> Name:
    """Return the name of an item AWS::Logs::LogGroup."""
    if physical := deployment.names.get(item.id, ""):
        return known(physical)
    given = item.properties.get("LogGroupName")
    if text(given):
        return known(text(given)[:_NAME_MAX])
    return Name(
        expression={"Ref": item.id},
        pattern=pattern(given) if given else made(item, deployment),
    )


def made(item: Item, deployment: Deployment) -> str:
    """Return the shape of the names that CloudFormation makes: `*-SubmitClaim-*`."""
    if not deployment.stack:
        return f"*-{item.logical_id}-*"
    nested = "".join(f"-{one}-*" for one in item.stack)
    return f"{deployment.stack}{nested}-{item.logical_id}-*"


def _given(given: Any, item: Item, kind: Kind) -> Name:
    name = text(given)[:_NAME_MAX]
    if name:
        return known(name)
    # The name of a REST API is no attribute of it: what gives it is the property itself.
    return Name(expression=given if kind == "rest_api" else _expression(item, kind), pattern=pattern(given))


def _expression(item: Item, kind: Kind) -> Any:
    attribute = _ATTRIBUTES.get(kind)
    return {"Fn::GetAtt": [item.id, attribute]} if attribute else {"Ref": item.id}


def _shape(item: Item, kind: Kind, deployment: Deployment, given: Any) -> str:
    if kind in _IDENTIFIERS:
        return "*"
    if kind in ("load_balancer", "target_group"):
        begins = "targetgroup" if kind == "target_group" else _family(item)
        # Names of load balancers have 32 characters at most: CloudFormation shortens both parts.
        shape = pattern(given) if given else f"{deployment.stack[:5] or '*'}-{item.logical_id[:5]}-*"
        return f"{begins}/{shape}/*"
    shape = made(item, deployment)
    return shape.lower() if kind in _LOWER else shape


def _family(item: Item) -> str:
    family = text(item.properties.get("Type")) or "application"
    return {"network": "net", "gateway": "gwy"}.get(family, "app")


def _state_machine(item: Item, deployment: Deployment) -> Name:
    """A state machine's dimension is its ARN, known where its name, the Region and the account are."""
    name = text(item.properties.get("StateMachineName"))[:_NAME_MAX]
    given = item.properties.get("StateMachineName")
    where = f"states:{deployment.region or '*'}:{deployment.account or '*'}"
    if name and deployment.region and deployment.account:
        return known(f"arn:{_partition(deployment.region)}:{where}:stateMachine:{name}")
    # CloudFormation's own name has no stack in it.
    shape = name or (pattern(given) if given else f"{item.logical_id}-*")
    begins = f"arn:{_partition(deployment.region)}:{where}"
    return Name(expression={"Ref": item.id}, pattern=f"{begins}:stateMachine:{shape}")


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
