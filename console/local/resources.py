"""A template's queues, topics, buckets, buses and streams on moto's server, and what references come to.

NotDeployedError        something of the template could not be made, or is asked for and not there
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from console.errors import ConsoleError
from console.local.moto_backends import one_at_a_time
from console.local.moto_server import MotoServer
from console.local.sns import subscribe
from console.local.template import Template, resolve
from console.local.template_parts import QueuePart, StreamPart


class NotDeployedError(ConsoleError):
    """A part of a template could not be deployed, or is not there. `reason` is always `not_deployed`."""

    reason = "not_deployed"


class Resources:
    """What was made. attributes: (logical ID, "Ref" or attribute) -> value, as CloudFormation has it.

    queue_urls: of the template's queues, by logical ID.
    """

    def __init__(self, template: Template, aws: MotoServer) -> None:
        self.attributes: dict[tuple[str, str], str] = {}
        self.queue_urls: dict[str, str] = {}
        self._named: set[tuple[str, str]] = set()
        self._template = template
        self._region = template.region
        self._aws = aws

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service in the template's region."""
        return self._aws.client(service, self._region)

    def create(self) -> None:
        """Make everything. Raises NotDeployedError, TemplateError."""
        for function in self._template.functions.values():
            arn = f"arn:aws:lambda:{self._region}:{self._template.account}:function:{function.name}"
            self._know(function.logical_id, Ref=function.name, Arn=arn)
        for queue in self._template.queues.values():
            with deploying(queue.logical_id):
                self._queue(queue)
        for topic in self._template.topics.values():
            with deploying(topic.logical_id):
                arn = self.client("sns").create_topic(Name=topic.name)["TopicArn"]
                self._know(topic.logical_id, Ref=arn, TopicArn=arn, TopicName=topic.name)
        for bucket in self._template.buckets.values():
            with deploying(bucket.logical_id):
                self._bucket(bucket.name)
                self._know(bucket.logical_id, Ref=bucket.name, Arn=f"arn:aws:s3:::{bucket.name}")
        for bus in self._template.buses.values():
            with deploying(bus.logical_id):
                arn = self._bus(bus.name)
                self._know(bus.logical_id, Ref=bus.name, Name=bus.name, Arn=arn)
        for stream in self._template.streams.values():
            with deploying(stream.logical_id):
                self._stream(stream)
        self._connect()

    def dead_letter_arns(self) -> frozenset[str]:
        """Return the ARNs of the queues other queues redrive to."""
        redrives = (queue.redrive for queue in self._template.queues.values())
        return frozenset(resolve(redrive.target_arn, self.attributes) for redrive in redrives if redrive)

    def _know(self, logical_id: str, **attributes: str) -> None:
        self.attributes |= {(logical_id, name): value for name, value in attributes.items()}

    def _queue(self, queue: QueuePart) -> None:
        attributes = {"VisibilityTimeout": str(queue.visibility_timeout_s), **queue.attributes}
        url = self.client("sqs").create_queue(QueueName=queue.name, Attributes=attributes)["QueueUrl"]
        self.queue_urls[queue.logical_id] = url
        arn = arn_of(self.client("sqs"), url)
        self._know(queue.logical_id, Ref=url, QueueUrl=url, Arn=arn, QueueName=queue.name)

    def _bucket(self, name: str) -> None:
        # us-east-1 is the one region that must not be named
        place = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        configuration = {"CreateBucketConfiguration": place} if place else {}
        self._alone("bucket", name)
        s3 = self.client("s3")
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name, **configuration)

    def _bus(self, name: str) -> str:
        """The ARN of a bus that is made, or was there."""
        self._alone("event bus", name)
        events = self.client("events")
        with suppress(events.exceptions.ResourceAlreadyExistsException):
            events.create_event_bus(Name=name)
        return str(events.describe_event_bus(Name=name)["Arn"])

    def _stream(self, stream: StreamPart) -> None:
        self._alone("stream", stream.name)
        kinesis = self.client("kinesis")
        with suppress(kinesis.exceptions.ResourceInUseException):
            kinesis.create_stream(StreamName=stream.name, ShardCount=stream.shards)
        found = kinesis.describe_stream_summary(StreamName=stream.name)["StreamDescriptionSummary"]
        if found["OpenShardCount"] != stream.shards:
            raise ValueError(
                f"there is a stream {stream.name} of {found['OpenShardCount']} shards, not {stream.shards}"
            )
        arn = found["StreamARN"]
        one_at_a_time(arn)
        self._know(stream.logical_id, Ref=stream.name, Arn=arn)

    def _alone(self, kind: str, name: str) -> None:
        """Refuse a second one of a name: what an earlier deployment left is taken, not a neighbour's."""
        if (kind, name) in self._named:
            raise ValueError(f"there is another {kind} named {name}")
        self._named.add((kind, name))

    def _connect(self) -> None:
        """What needs two resources: redrive policies, subscriptions of queues."""
        for queue in self._template.queues.values():
            if queue.redrive is not None:
                with deploying(queue.logical_id):
                    self._redrive(self.queue_urls[queue.logical_id], queue)
        for part in self._template.subscriptions:
            with deploying(part.logical_id):
                subscribe(
                    self.client("sns"),
                    resolve(part.topic_arn, self.attributes),
                    resolve(part.queue_arn, self.attributes),
                    filter_policy=part.filter_policy,
                    filter_scope=part.filter_scope,
                    raw=part.raw,
                )

    def _redrive(self, url: str, queue: QueuePart) -> None:
        assert queue.redrive is not None
        target = resolve(queue.redrive.target_arn, self.attributes)
        policy = f'{{"deadLetterTargetArn":"{target}","maxReceiveCount":{queue.redrive.max_receive_count}}}'
        self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})


@contextmanager
def deploying(logical_id: str) -> Iterator[None]:
    """Turn what AWS refuses into a NotDeployedError that names the resource."""
    try:
        yield
    except (BotoCoreError, ClientError, ValueError) as error:
        raise NotDeployedError(
            f"{logical_id} could not be deployed: {' '.join(str(error).split())}"
        ) from error


@contextmanager
def hidden_queue(sqs: Any) -> Iterator[tuple[str, str]]:
    """Make a queue that is nobody's but a trigger's, and delete it at the end; yields its URL and ARN."""
    url = sqs.create_queue(QueueName=f"lambda-async-{uuid.uuid4().hex}")["QueueUrl"]
    try:
        yield url, arn_of(sqs, url)
    finally:
        with suppress(BotoCoreError, ClientError):
            sqs.delete_queue(QueueUrl=url)


def arn_of(sqs: Any, queue_url: str) -> str:
    """Return a queue's ARN. Raises botocore's errors."""
    reply = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return str(reply["Attributes"]["QueueArn"])
