"""Which types of CloudFormation are resources of the model, and what their properties say of each.

What several items say together (a stage, an alias, a subscription) is found by the modules of their nouns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from dashboards.model import functions
from dashboards.model.draft import Draft
from dashboards.model.names import name_of
from dashboards.model.pointers import number, pattern, text, truth
from dashboards.resources import Kind, Resource
from dashboards.template.values import Item
from subscribers.config_tree import at, items

#: Type -> kind. An AWS::ApiGatewayV2::Api may be a WebSocket API, see `kind_of`.
KINDS: dict[str, Kind] = {
    "AWS::Lambda::Function": "function",
    "AWS::ApiGateway::RestApi": "rest_api",
    "AWS::ApiGatewayV2::Api": "http_api",
    "AWS::SQS::Queue": "queue",
    "AWS::SNS::Topic": "topic",
    "AWS::Kinesis::Stream": "stream",
    "AWS::KinesisFirehose::DeliveryStream": "firehose",
    "AWS::DynamoDB::Table": "table",
    "AWS::DynamoDB::GlobalTable": "table",
    "AWS::StepFunctions::StateMachine": "state_machine",
    "AWS::Events::EventBus": "bus",
    "AWS::Events::Rule": "rule",
    "AWS::S3::Bucket": "bucket",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load_balancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "target_group",
    "AWS::RDS::DBInstance": "database",
    "AWS::RDS::DBCluster": "database_cluster",
    "AWS::ECS::Service": "ecs_service",
    "AWS::AppSync::GraphQLApi": "graphql",
    "AWS::CloudFront::Distribution": "distribution",
}
#: Types that say something of other resources, or of nothing that is shown: no note is due to them.
_ACCESSORIES = (
    "AWS::IAM::",
    "AWS::Logs::",
    "AWS::ApiGateway::",
    "AWS::ApiGatewayV2::",
    "AWS::Lambda::",
    "AWS::CloudWatch::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::AppSync::",
    "AWS::CloudFront::",
    "AWS::EC2::",
    "AWS::KMS::",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::",
    "AWS::CertificateManager::",
    "AWS::Route53::",
    "AWS::Scheduler::",
    "AWS::Pipes::",
    "AWS::SNS::",
    "AWS::SQS::",
    "AWS::S3::BucketPolicy",
    "AWS::Events::",
    "AWS::RDS::",
    "AWS::ECS::",
    "AWS::ApplicationAutoScaling::",
    "AWS::AutoScaling::",
    "AWS::StepFunctions::",
    "AWS::CloudFormation::",
    "AWS::CodeDeploy::",
    "AWS::WAFv2::",
    "AWS::CDK::",
    "AWS::Serverless::",
    "AWS::XRay::",
    "AWS::ServiceDiscovery::",
    "AWS::ApplicationSignals::",
    "AWS::Glue::",
    "AWS::Kinesis::",
)
#: Numbers of the configuration where they are one property: kind -> {limit: (path, default)}.
_LIMITS: dict[Kind, dict[str, tuple[tuple[str, ...], float | None]]] = {
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
    "queue": {
        "visibility_s": (("VisibilityTimeout",), 30),
        "retention_s": (("MessageRetentionPeriod",), 345_600),
        "max_receives": (("RedrivePolicy", "maxReceiveCount"), None),
    },
    "stream": {"retention_h": (("RetentionPeriodHours",), 24), "shards": (("ShardCount",), None)},
    "table": {
        "read_units": (("ProvisionedThroughput", "ReadCapacityUnits"), None),
        "write_units": (("ProvisionedThroughput", "WriteCapacityUnits"), None),
    },
    "database": {"storage_gb": (("AllocatedStorage",), None)},
    "ecs_service": {"desired": (("DesiredCount",), None)},
}
_IN_FLIGHT, _IN_FLIGHT_FIFO = 120_000.0, 20_000.0
_OWNER_TAGS = ("owner", "team")


def kind_of(item: Item) -> Kind | None:
    """Return the kind of resource that an item is, None where it is none."""
    kind = KINDS.get(item.type)
    if kind == "http_api" and text(item.properties.get("ProtocolType")).upper() == "WEBSOCKET":
        return "websocket_api"
    return kind


def describe(draft: Draft) -> None:
    """Add every item that is a resource; name in notes the types that are not understood."""
    other: dict[str, list[Item]] = {}
    for item in draft.items.values():
        kind = kind_of(item)
        if kind is not None:
            _add(item, kind, draft)
        elif item.type.startswith("AWS::") and not item.type.startswith(_ACCESSORIES):
            other.setdefault(item.type, []).append(item)
    for name, found in other.items():
        ids = ", ".join(item.id for item in found[:5]) + (" and more" if len(found) > 5 else "")
        draft.note("info", f"{name} ({ids}) is not shown.", found[0].place)


def _add(item: Item, kind: Kind, draft: Draft) -> None:
    limits = dict(_limits(item, kind))
    facts = _FACTS[kind](item) if kind in _FACTS else {}
    resource = Resource(
        id=f"{kind}:{item.id}",
        kind=kind,
        logical_id=item.logical_id,
        type=item.type,
        name=name_of(item, kind, draft.deployment),
        limits=limits,
        facts={name: value for name, value in facts.items() if value},
        condition=item.condition,
        declared=item.declared,
        stack=item.stack,
        place=item.place,
    )
    if kind == "function":
        resource = functions.described(item, resource, draft)
    if full := _full_name(item, kind, draft):
        resource = msgspec.structs.replace(resource, facts={**resource.facts, "full_name": full})
    draft.add(item, resource)
    if owner := _owner(item):
        draft.owners[resource.id] = owner


def _limits(item: Item, kind: Kind) -> Iterator[tuple[str, float]]:
    for limit, (path, default) in _LIMITS.get(kind, {}).items():
        written = at(item.properties, *path)
        value = default if written is None else number(written)
        if value is not None:
            yield limit, value
    if kind == "queue":
        yield "max_in_flight", _IN_FLIGHT_FIFO if _is_fifo(item) else _IN_FLIGHT


def _full_name(item: Item, kind: Kind, draft: Draft) -> str:
    """`app/name/id`, which only the physical ID of a deployed load balancer or target group has."""
    if kind not in ("load_balancer", "target_group"):
        return ""
    return name_of(item, kind, draft.deployment).known


def _owner(item: Item) -> str:
    tags = item.properties.get("Tags")
    if isinstance(tags, dict):
        pairs = {str(key).lower(): text(value) for key, value in tags.items()}
    else:
        pairs = {text(at(tag, "Key")).lower(): text(at(tag, "Value")) for _, tag in items(tags)}
    return next((pairs[name] for name in _OWNER_TAGS if pairs.get(name)), "")


def _is_fifo(item: Item) -> bool:
    name = "QueueName" if item.type == "AWS::SQS::Queue" else "TopicName"
    fifo = "FifoQueue" if item.type == "AWS::SQS::Queue" else "FifoTopic"
    return truth(item.properties.get(fifo)) or pattern(item.properties.get(name)).endswith(".fifo")


def _fifo(item: Item) -> dict[str, str]:
    return {"fifo": "true" if _is_fifo(item) else ""}


def _table(item: Item) -> dict[str, str]:
    # Provisioned is the default of a table: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    on_demand = text(item.properties.get("BillingMode")) == "PAY_PER_REQUEST"
    return {"mode": "on_demand" if on_demand else "provisioned"}


def _stream(item: Item) -> dict[str, str]:
    mode = text(at(item.properties, "StreamModeDetails", "StreamMode"))
    on_demand = mode == "ON_DEMAND" or (not mode and "ShardCount" not in item.properties)
    return {"mode": "on_demand" if on_demand else "provisioned"}


def _bucket(item: Item) -> dict[str, str]:
    ids = [text(at(one, "Id")) for _, one in items(item.properties.get("MetricsConfigurations"))]
    return {"metrics": next((one for one in ids if one), "")}


def _state_machine(item: Item) -> dict[str, str]:
    return {"type": text(item.properties.get("StateMachineType")) or "STANDARD"}


def _load_balancer(item: Item) -> dict[str, str]:
    return {"type": text(item.properties.get("Type")) or "application"}


def _database(item: Item) -> dict[str, str]:
    instance = text(item.properties.get("DBInstanceClass"))
    return {"engine": text(item.properties.get("Engine")), "class": instance}


def _http_api(item: Item) -> dict[str, str]:
    title = item.properties.get("Name") or at(item.properties, "Body", "info", "title")
    return {"title": text(title)}


#: Kind -> the texts that its own properties tell.
_FACTS: dict[Kind, Callable[[Item], dict[str, Any]]] = {
    "queue": _fifo,
    "topic": _fifo,
    "table": _table,
    "stream": _stream,
    "bucket": _bucket,
    "state_machine": _state_machine,
    "load_balancer": _load_balancer,
    "database": _database,
    "database_cluster": _database,
    "http_api": _http_api,
    "websocket_api": _http_api,
    "graphql": _http_api,
}
