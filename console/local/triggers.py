"""What calls a template's functions besides HTTP: queues, topics, buckets, buses and streams, polled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from console.local.asynchronous import AsyncPoller, EventOf
from console.local.eventbridge import eventbridge_event, rule
from console.local.function import LocalFunction
from console.local.kinesis import ShardPoller, shards_of
from console.local.resources import Resources, deploying, hidden_queue
from console.local.s3 import Notification, notify, s3_event
from console.local.sns import sns_event, subscribe
from console.local.sqs import SqsPoller
from console.local.template import Template, resolve
from console.local.template_parts import (
    EventTrigger,
    FunctionPart,
    KinesisTrigger,
    S3Trigger,
    SnsTrigger,
    SqsTrigger,
    Trigger,
)


@dataclass(slots=True)
class Pollers:
    """What runs. queue_urls: the template's queues that are polled.

    hidden_urls: the queues behind topics, buckets and buses. shards: of the streams that are read.
    """

    sqs: list[SqsPoller] = field(default_factory=list)
    asynchronous: list[AsyncPoller] = field(default_factory=list)
    shards: list[ShardPoller] = field(default_factory=list)
    queue_urls: set[str] = field(default_factory=set)
    hidden_urls: list[str] = field(default_factory=list)

    @property
    def dropped(self) -> int:
        """How many events of topics, buckets and buses, and records of streams, were given up."""
        return sum(poller.dropped for poller in self._counting)

    @property
    def taken(self) -> int:
        """How many events and records were taken so far."""
        return sum(poller.taken for poller in self._counting)

    @property
    def in_hand(self) -> int:
        """How many of them are at work, or wait for a retry."""
        return sum(poller.in_hand for poller in self._counting)

    @property
    def _counting(self) -> list[AsyncPoller | ShardPoller]:
        return [*self.asynchronous, *self.shards]


def start(
    template: Template,
    resources: Resources,
    functions: Mapping[str, LocalFunction],
    stack: ExitStack,
    *,
    retry_delay_s: float,
) -> Pollers:
    """Start every trigger; `stack` stops them. Raises NotDeployedError."""
    starter = _Starter(template, resources, stack, retry_delay_s)
    for part in template.functions.values():
        for trigger in part.triggers:
            with deploying(part.logical_id):
                starter.start(trigger, part, functions[part.name])
    for bucket, notifications in starter.notifications.items():
        with deploying(bucket):
            name = resources.attributes[bucket, "Ref"]
            notify(resources.client("s3"), name, notifications)
            stack.callback(notify, resources.client("s3"), name, [])
    return starter.pollers


class _Starter:
    def __init__(
        self, template: Template, resources: Resources, stack: ExitStack, retry_delay_s: float
    ) -> None:
        self.pollers = Pollers()
        self.notifications: dict[str, list[Notification]] = {}
        self._template = template
        self._resources = resources
        self._stack = stack
        self._retry_delay_s = retry_delay_s

    def start(self, trigger: Trigger, part: FunctionPart, function: LocalFunction) -> None:
        match trigger:
            case SqsTrigger():
                self._sqs(trigger, function)
            case SnsTrigger():
                self._sns(trigger, part, function)
            case S3Trigger():
                self._s3(trigger, part, function)
            case EventTrigger():
                self._eventbridge(trigger, part, function)
            case KinesisTrigger():
                self._kinesis(trigger, function)

    def _sqs(self, trigger: SqsTrigger, function: LocalFunction) -> None:
        url = self._resources.queue_urls[trigger.queue]
        poller = SqsPoller(
            self._resources.client("sqs"),
            url,
            function,
            batch_size=trigger.batch_size,
            report_batch_item_failures=trigger.partial,
            window_s=trigger.window_s,
        )
        self.pollers.queue_urls.add(url)
        self.pollers.sqs.append(self._stack.enter_context(poller))

    def _sns(self, trigger: SnsTrigger, part: FunctionPart, function: LocalFunction) -> None:
        url, arn = self._hidden()
        sns = self._resources.client("sns")
        subscription = subscribe(
            sns,
            self._resources.attributes[trigger.topic, "Ref"],
            arn,
            filter_policy=trigger.filter_policy,
            filter_scope=trigger.filter_scope,
        )
        self._stack.callback(sns.unsubscribe, SubscriptionArn=subscription)
        event_of = partial(sns_event, subscription_arn=subscription)
        self._poll(url, function, event_of, part.retries)

    def _s3(self, trigger: S3Trigger, part: FunctionPart, function: LocalFunction) -> None:
        url, arn = self._hidden()
        notification = Notification(arn, trigger.events, trigger.prefix, trigger.suffix)
        self.notifications.setdefault(trigger.bucket, []).append(notification)
        self._poll(url, function, s3_event, part.retries)

    def _eventbridge(self, trigger: EventTrigger, part: FunctionPart, function: LocalFunction) -> None:
        url, arn = self._hidden()
        bus = resolve(trigger.bus, self._resources.attributes)
        name = f"{self._template.stack_name}-{trigger.rule}"
        events = self._resources.client("events")
        self._stack.enter_context(rule(events, bus, name, trigger.pattern, arn))
        self._poll(url, function, partial(eventbridge_event, given=trigger.given), part.retries)

    def _kinesis(self, trigger: KinesisTrigger, function: LocalFunction) -> None:
        kinesis, arn = self._resources.client("kinesis"), self._resources.attributes[trigger.stream, "Arn"]
        for shard in shards_of(kinesis, arn.rpartition("/")[2]):
            poller = ShardPoller(kinesis, arn, shard, function, trigger, retry_delay_s=self._retry_delay_s)
            self.pollers.shards.append(self._stack.enter_context(poller))

    def _hidden(self) -> tuple[str, str]:
        found = self._stack.enter_context(hidden_queue(self._resources.client("sqs")))
        self.pollers.hidden_urls.append(found[0])
        return found

    def _poll(self, url: str, function: LocalFunction, event_of: EventOf, retries: int) -> None:
        poller = AsyncPoller(
            self._resources.client("sqs"),
            url,
            function,
            event_of,
            retries=retries,
            retry_delay_s=self._retry_delay_s,
        )
        self.pollers.asynchronous.append(self._stack.enter_context(poller))
