"""What a template describes, as frozen values; what depends on a deployment is a `Value`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.local.template_values import Value


@dataclass(frozen=True, slots=True)
class SqsTrigger:
    """An event source mapping of a queue of the template."""

    queue: str
    batch_size: int = 10
    window_s: float = 0.0
    partial: bool = False


@dataclass(frozen=True, slots=True)
class SnsTrigger:
    """A topic's subscription; filter_policy as it is in the template, None for everything."""

    topic: str
    filter_policy: Mapping[str, Any] | None = None
    filter_scope: str = "MessageAttributes"


@dataclass(frozen=True, slots=True)
class S3Trigger:
    """A bucket's notification: event names (s3:ObjectCreated:*) and what the key begins and ends with."""

    bucket: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """A rule of an event bus, by a name of our own.

    bus: its name or ARN. pattern: JSON. given: what is sent instead of the event, None for the event.
    """

    bus: Value
    rule: str
    pattern: str
    given: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KinesisTrigger:
    """An event source mapping of a stream of the template.

    position: TRIM_HORIZON or LATEST. partial: ReportBatchItemFailures. retries: -1 for as long as it takes.
    """

    stream: str
    position: str
    batch_size: int = 100
    window_s: float = 0.0
    partial: bool = False
    bisect: bool = False
    retries: int = -1


Trigger = SqsTrigger | SnsTrigger | S3Trigger | EventTrigger | KinesisTrigger


@dataclass(frozen=True, slots=True)
class FunctionPart:
    """A function. code is its folder; retries: those of an asynchronous invocation.

    concurrency: ReservedConcurrentExecutions, None without.
    """

    logical_id: str
    name: str
    code: Path
    handler: str
    timeout_s: float = 3.0
    memory_mb: int = 128
    environment: Mapping[str, Value] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    retries: int = 2
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Redrive:
    """A queue's dead-letter queue, by ARN, and how often a message is received before it goes there."""

    target_arn: Value
    max_receive_count: int


@dataclass(frozen=True, slots=True)
class QueuePart:
    """A queue; attributes: others of SQS's own, handed on as they are."""

    logical_id: str
    name: str
    visibility_timeout_s: int = 30
    redrive: Redrive | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicPart:
    """A topic."""

    logical_id: str
    name: str


@dataclass(frozen=True, slots=True)
class BucketPart:
    """A bucket."""

    logical_id: str
    name: str


@dataclass(frozen=True, slots=True)
class BusPart:
    """An event bus."""

    logical_id: str
    name: str


@dataclass(frozen=True, slots=True)
class StreamPart:
    """A Kinesis stream with so many shards."""

    logical_id: str
    name: str
    shards: int = 1


@dataclass(frozen=True, slots=True)
class QueueSubscription:
    """An AWS::SNS::Subscription of a queue to a topic, both by ARN."""

    logical_id: str
    topic_arn: Value
    queue_arn: Value
    raw: bool = False
    filter_policy: Mapping[str, Any] | None = None
    filter_scope: str = "MessageAttributes"


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API; exactly one of function (a logical ID) and url is there."""

    key: str
    function: str | None = None
    url: Value | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A route of which `percent` goes to the function `to` (a logical ID), the rest to a URL."""

    key: str
    percent: float
    to: str
    otherwise: Value


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something of the template that the local Lambda does not play, and why."""

    logical_id: str
    type: str
    why: str
