"""A template's resources as parts: functions, queues, topics, buckets, HTTP APIs. Pure but for one look.

The look: a function's code folder must be there.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-resources-and-properties.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.local import template_eventbridge, template_kinesis
from console.local.template_events import definition_of, events_of, filter_policy, split_of
from console.local.template_parts import (
    BucketPart,
    BusPart,
    EventTrigger,
    FunctionPart,
    Ignored,
    QueuePart,
    QueueSubscription,
    Redrive,
    Route,
    Split,
    StreamPart,
    TopicPart,
)
from console.local.template_section import Section
from console.local.template_values import Value

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUEUE_ATTRIBUTES = ("DelaySeconds", "MessageRetentionPeriod", "FifoQueue", "ContentBasedDeduplication")
_NO_EFFECT = {
    "AWS::IAM::": "permissions are not played",
    "AWS::Lambda::Permission": "permissions are not played",
    "AWS::SQS::QueuePolicy": "permissions are not played",
    "AWS::SNS::TopicPolicy": "permissions are not played",
    "AWS::S3::BucketPolicy": "permissions are not played",
    "AWS::Events::EventBusPolicy": "permissions are not played",
    "AWS::Serverless::LayerVersion": "the layer is the one given to the deployment",
    "AWS::Lambda::LayerVersion": "the layer is the one given to the deployment",
    "AWS::Logs::LogGroup": "log groups are made when first written to",
}


@dataclass(slots=True)
class Parts:
    """What was found so far. folder: the template's. stack_name begins names nobody has chosen.

    rules: (logical ID of the function, what calls it) of rules that are resources of their own.
    """

    folder: Path
    stack_name: str
    functions: dict[str, FunctionPart] = field(default_factory=dict)
    queues: dict[str, QueuePart] = field(default_factory=dict)
    topics: dict[str, TopicPart] = field(default_factory=dict)
    buckets: dict[str, BucketPart] = field(default_factory=dict)
    buses: dict[str, BusPart] = field(default_factory=dict)
    streams: dict[str, StreamPart] = field(default_factory=dict)
    rules: list[tuple[str, EventTrigger]] = field(default_factory=list)
    subscriptions: list[QueueSubscription] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)

    def ignore(self, logical_id: str, kind: str, why: str) -> None:
        """Note what is not played."""
        self.ignored.append(Ignored(logical_id, kind, why))

    def named(self, logical_id: str) -> str:
        """Return the name of a resource without one of its own."""
        return f"{self.stack_name}-{logical_id}"


def read_resource(logical_id: str, kind: str, resource: Section, parts: Parts) -> None:
    """Add what one resource describes. Raises TemplateError."""
    properties = Section(resource.raw("Properties"), resource.scope, resource.place)
    reader = READERS.get(kind)
    if reader is None:
        why = next((why for name, why in _NO_EFFECT.items() if kind.startswith(name)), None)
        parts.ignore(logical_id, kind, why or "this resource type is not played")
    else:
        reader(logical_id, properties, parts)
    metadata = resource.section("Metadata")
    if "Split" in metadata:
        parts.splits.append(split_of(metadata.section("Split")))


def _function(logical_id: str, function: Section, parts: Parts) -> None:
    if why := _unplayable(function):
        parts.ignore(logical_id, "AWS::Serverless::Function", why)
        return
    callers = events_of(logical_id, function.section("Events"))
    parts.routes += callers.routes
    parts.ignored += callers.ignored
    reserved = "ReservedConcurrentExecutions" in function
    parts.functions[logical_id] = FunctionPart(
        logical_id=logical_id,
        name=_function_name(logical_id, function, parts),
        code=_code(function, parts.folder),
        handler=function.required("Handler"),
        timeout_s=function.number("Timeout", 3, 1, 900),
        memory_mb=function.integer("MemorySize", 128, 128, 10_240),
        environment=_environment(function),
        triggers=tuple(callers.triggers),
        retries=function.section("EventInvokeConfig").integer("MaximumRetryAttempts", 2, 0, 2),
        concurrency=function.integer("ReservedConcurrentExecutions", 1, 0, 10_000) if reserved else None,
    )


def _unplayable(function: Section) -> str | None:
    """Why a function cannot run here, None if it can."""
    if function.text("PackageType") == "Image" or "ImageUri" in function:
        return "container images are not run"
    if "InlineCode" in function:
        return "inline code is not run; give it a folder with CodeUri"
    if isinstance(function.raw("CodeUri"), dict) and "Bucket" in function.section("CodeUri"):
        return "its code is in S3"
    runtime = function.text("Runtime") or "python"
    return None if runtime.startswith("python") else f"the runtime {runtime} is not run"


def _function_name(logical_id: str, function: Section, parts: Parts) -> str:
    name = function.text("FunctionName") or parts.named(logical_id)
    if not _NAME.fullmatch(name):
        raise function.error(
            "FunctionName", f"{name!r} is no function name: letters, digits, - and _, 64 at most"
        )
    return name


def _code(function: Section, folder: Path) -> Path:
    code = folder / (function.text("CodeUri") or ".")
    if not _is_folder(code):
        raise function.error("CodeUri", f"there is no folder {code}")
    return code.resolve()


def _environment(function: Section) -> dict[str, Value]:
    """Variables, with those of LoggingConfig that Lambda itself would set."""
    variables = function.section("Environment").section("Variables")
    found = {name: variables.value(name) for name in variables}
    logging = function.section("LoggingConfig")
    found |= {
        variable: logging.text(name)
        for variable, name in (
            ("AWS_LAMBDA_LOG_FORMAT", "LogFormat"),
            ("AWS_LAMBDA_LOG_LEVEL", "ApplicationLogLevel"),
        )
        if logging.text(name)
    }
    return {name: value for name, value in found.items() if value is not None}


def _queue(logical_id: str, queue: Section, parts: Parts) -> None:
    fifo = ".fifo" if queue.flag("FifoQueue") else ""
    parts.queues[logical_id] = QueuePart(
        logical_id,
        queue.text("QueueName") or parts.named(logical_id) + fifo,
        queue.integer("VisibilityTimeout", 30, 0, 43_200),
        _redrive(queue),
        {name: text for name in _QUEUE_ATTRIBUTES if (text := queue.text(name)) is not None},
    )


def _redrive(queue: Section) -> Redrive | None:
    policy = queue.section("RedrivePolicy")
    if not list(policy):
        return None
    target = policy.value("deadLetterTargetArn")
    if not target:
        raise policy.error("deadLetterTargetArn", "is missing")
    return Redrive(target, policy.integer("maxReceiveCount", 10, 1, 1000))


def _topic(logical_id: str, topic: Section, parts: Parts) -> None:
    if "Subscription" in topic:
        parts.ignore(logical_id, "Subscription", "only AWS::SNS::Subscription resources are read")
    parts.topics[logical_id] = TopicPart(logical_id, topic.text("TopicName") or parts.named(logical_id))


def _bucket(logical_id: str, bucket: Section, parts: Parts) -> None:
    if "NotificationConfiguration" in bucket:
        why = "only the S3 events of functions are read"
        parts.ignore(logical_id, "NotificationConfiguration", why)
    name = bucket.text("BucketName") or parts.named(logical_id).lower()
    parts.buckets[logical_id] = BucketPart(logical_id, name)


def _subscription(logical_id: str, subscription: Section, parts: Parts) -> None:
    protocol = subscription.required("Protocol")
    topic, endpoint = subscription.value("TopicArn"), subscription.value("Endpoint")
    if protocol != "sqs" or not topic or not endpoint:
        parts.ignore(logical_id, "AWS::SNS::Subscription", f"the protocol {protocol} is not played")
        return
    raw = subscription.flag("RawMessageDelivery")
    policy, scope = filter_policy(subscription)
    parts.subscriptions.append(QueueSubscription(logical_id, topic, endpoint, raw, policy, scope))


def _http_api(logical_id: str, api: Section, parts: Parts) -> None:
    callers = definition_of(logical_id, api)
    parts.routes += callers.routes
    parts.ignored += callers.ignored


READERS: Mapping[str, Callable[[str, Section, Parts], None]] = {
    "AWS::Serverless::Function": _function,
    "AWS::Serverless::HttpApi": _http_api,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::Subscription": _subscription,
    "AWS::S3::Bucket": _bucket,
    "AWS::Events::EventBus": template_eventbridge.bus,
    "AWS::Events::Rule": template_eventbridge.rule,
    "AWS::Kinesis::Stream": template_kinesis.stream,
}


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False
