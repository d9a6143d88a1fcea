"""Queues and dead letters, topics and subscribers, streams and Firehose, buckets that notify."""

from __future__ import annotations

from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.functions import target_of
from dashboards.model.pointers import text
from dashboards.template.values import Item
from subscribers.config_tree import at, items

#: Property of a bucket's NotificationConfiguration -> the key of its target.
_NOTIFICATIONS = {
    "LambdaConfigurations": "Function",
    "QueueConfigurations": "Queue",
    "TopicConfigurations": "Topic",
}


def connect(draft: Draft) -> None:
    """Add what queues, topics, streams and buckets pass on."""
    for item in draft.items_of("AWS::SQS::Queue"):
        dead = draft.id(at(item.properties, "RedrivePolicy", "deadLetterTargetArn"), "queue")
        draft.edge(draft.of_item(item), dead, "dead_letters")
    for item in draft.items_of("AWS::SNS::Topic"):
        for _, one in items(item.properties.get("Subscription")):
            _subscription(draft.of_item(item), one, item, draft)
    for item in draft.items_of("AWS::SNS::Subscription"):
        topic = draft.id(item.properties.get("TopicArn"), "topic")
        _subscription(topic, item.properties, item, draft)
    for item in draft.items_of("AWS::S3::Bucket"):
        _notifications(item, draft)
    for item in draft.items_of("AWS::KinesisFirehose::DeliveryStream"):
        _firehose(item, draft)
    for item in draft.items_of("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        stream = draft.id(at(item.properties, "KinesisStreamSpecification", "StreamArn"), "stream")
        draft.edge(draft.of_item(item), stream, "feeds", "changes")


def _subscription(topic: str, subscription: Any, item: Item, draft: Draft) -> None:
    endpoint, protocol = at(subscription, "Endpoint"), text(at(subscription, "Protocol"))
    if topic and protocol in ("http", "https"):
        draft.note(
            "info", f"{topic} also tells {protocol}: an address outside of the templates.", item.place, topic
        )
    target = draft.id(endpoint) or (target_of(endpoint, draft) if protocol == "lambda" else "")
    draft.edge(topic, target, "feeds")
    dead = draft.id(at(subscription, "RedrivePolicy", "deadLetterTargetArn"), "queue")
    draft.edge(topic, dead, "dead_letters", f"to {target}" if target else "")


def _notifications(item: Item, draft: Draft) -> None:
    bucket = draft.of_item(item)
    for key, name in _NOTIFICATIONS.items():
        for _, one in items(at(item.properties, "NotificationConfiguration", key)):
            draft.edge(bucket, draft.id(at(one, name)), "feeds", text(at(one, "Event")))


def _firehose(item: Item, draft: Draft) -> None:
    firehose = draft.of_item(item)
    source = at(item.properties, "KinesisStreamSourceConfiguration", "KinesisStreamARN")
    draft.edge(draft.id(source, "stream"), firehose, "feeds")
    for key in ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration"):
        draft.edge(firehose, draft.id(at(item.properties, key, "BucketARN"), "bucket"), "writes")
    for _, one in items(
        at(item.properties, "ExtendedS3DestinationConfiguration", "ProcessingConfiguration", "Processors")
    ):
        for _, parameter in items(at(one, "Parameters")):
            function = draft.id(at(parameter, "ParameterValue"), "function")
            draft.edge(firehose, function, "feeds", "transforms records")
