"""A template running on this machine: resources on moto's server, functions, their triggers, a front door.

Errors: NotDeployedError (console.local.resources), TemplateError (console.local.template).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.local.cloudwatch import LogWriter
from console.local.front_door import FrontDoor, Target
from console.local.function import LocalFunction
from console.local.moto_server import MotoServer
from console.local.resources import NotDeployedError, Resources
from console.local.template import Template, TemplateError, Value, resolve
from console.local.template_parts import FunctionPart, Route
from console.local.triggers import Pollers, start
from console.local.weighted import Weighted

__all__ = ["NotDeployedError", "Stack", "deploy"]

_LOOK_S = 0.05
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class Stack:
    """A running template. url: the front door's. functions: by name. pollers: what calls them.

    Every method that takes a name takes a logical ID, too, and raises NotDeployedError for one not there.
    """

    template: Template
    url: str
    functions: Mapping[str, LocalFunction]
    pollers: Pollers
    _resources: Resources
    _extra: Mapping[str, str]

    def function(self, name: str) -> LocalFunction:
        """Return a function."""
        part = self.template.functions.get(name)
        found = self.functions.get(part.name if part else name)
        if found is None:
            raise NotDeployedError(f"there is no function {name!r} in the stack")
        return found

    def queue_url(self, name: str) -> str:
        """Return a queue's URL."""
        for queue in self.template.queues.values():
            if name in (queue.logical_id, queue.name):
                return self._resources.queue_urls[queue.logical_id]
        raise NotDeployedError(f"there is no queue {name!r} in the stack")

    def bucket(self, name: str) -> str:
        """Return a bucket's name."""
        for bucket in self.template.buckets.values():
            if name in (bucket.logical_id, bucket.name):
                return bucket.name
        raise NotDeployedError(f"there is no bucket {name!r} in the stack")

    def topic_arn(self, name: str) -> str:
        """Return a topic's ARN."""
        for topic in self.template.topics.values():
            if name in (topic.logical_id, topic.name):
                return self._resources.attributes[topic.logical_id, "Ref"]
        raise NotDeployedError(f"there is no topic {name!r} in the stack")

    def bus_name(self, name: str) -> str:
        """Return an event bus's name."""
        for bus in self.template.buses.values():
            if name in (bus.logical_id, bus.name):
                return bus.name
        raise NotDeployedError(f"there is no event bus {name!r} in the stack")

    def stream_name(self, name: str) -> str:
        """Return a Kinesis stream's name."""
        for stream in self.template.streams.values():
            if name in (stream.logical_id, stream.name):
                return stream.name
        raise NotDeployedError(f"there is no stream {name!r} in the stack")

    def redeploy(self, name: str, environment: Mapping[str, str]) -> None:
        """Replace a function's variables by these, as an update of its configuration does.

        The variables given to deploy() stay beneath them. What runs ends with the old ones; the next
        invocation is a cold start.
        """
        self.function(name).redeploy({**self._extra, **environment})

    def recycle(self, name: str) -> None:
        """Have a function's next invocation start cold."""
        self.function(name).recycle()

    def settled(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; False if the time ran out first.

        Nothing left: no message visible, delayed or in flight in any queue but dead-letter queues that no
        function reads, no record of a stream that a function has not had, no event in a trigger's hand, no
        function at work.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            if self._quiet():
                return True
            if time.monotonic() >= until_s:
                return False
            time.sleep(_LOOK_S)

    def _quiet(self) -> bool:
        # What starts between looking at one queue and looking at another is seen by its count.
        before = self._started()
        return not self._working() and not self._waiting() and before == self._started()

    def _started(self) -> int:
        functions = sum(function.started for function in self.functions.values())
        return functions + self.pollers.taken

    def _working(self) -> bool:
        functions = any(function.in_hand for function in self.functions.values())
        return functions or bool(self.pollers.in_hand)

    def _waiting(self) -> bool:
        dead = self._resources.dead_letter_arns()
        arns = {
            url: self._resources.attributes[name, "Arn"] for name, url in self._resources.queue_urls.items()
        }
        watched = [url for url, arn in arns.items() if arn not in dead or url in self.pollers.queue_urls]
        queues = any(self._messages(url) for url in (*watched, *self.pollers.hidden_urls))
        return queues or any(shard.is_behind for shard in self.pollers.shards)

    def _messages(self, url: str) -> int:
        sqs = self._resources.client("sqs")
        try:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
        except sqs.exceptions.QueueDoesNotExist:
            return 0  # somebody deleted it, and what was in it
        return sum(int(found[name]) for name in _COUNTS)


@contextmanager
def deploy(
    template: Template,
    aws: MotoServer,
    *,
    opt: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    log: LogWriter | None = None,
    concurrency: int = 4,
    retry_delay_s: float = 0.5,
    port: int = 0,
) -> Iterator[Stack]:
    """Run a template until the end of the block; what runs is stopped in reverse order, also half-way.

    Its queues, topics, buckets, buses and streams stay on moto's server as long as that runs, and are taken
    as they are by the next deployment that names them.

    opt: the unpacked layer. environment: further variables of every function, stronger than the template's;
    AWS_ENDPOINT_URL is moto's without being asked. concurrency: environments a function has at most.
    retry_delay_s: before the retries of an asynchronous invocation. port: the front door's, 0 for a free one.
    Raises NotDeployedError, TemplateError.
    """
    extra = {"AWS_ENDPOINT_URL": aws.endpoint_url, **(environment or {})}
    resources = Resources(template, aws)
    resources.create()
    with ExitStack() as stack:
        functions: dict[str, LocalFunction] = {}
        for part in template.functions.values():
            _unique(part, functions)
            variables = {
                name: resolve(value, resources.attributes) for name, value in part.environment.items()
            }
            functions[part.name] = stack.enter_context(
                LocalFunction(
                    part.name,
                    part.handler,
                    part.code,
                    opt=opt,
                    environment={**variables, **extra},
                    timeout_s=part.timeout_s,
                    memory_mb=part.memory_mb,
                    account=template.account,
                    region=template.region,
                    log=log,
                    concurrency=max(1, min(part.concurrency or concurrency, concurrency)),
                )
            )
        pollers = start(template, resources, functions, stack, retry_delay_s=retry_delay_s)
        routes = _routes(template, functions, resources)
        door = FrontDoor(routes, port=port, account=template.account, region=template.region)
        stack.enter_context(door)
        yield Stack(template, door.url, functions, pollers, resources, extra)


def _unique(part: FunctionPart, functions: Mapping[str, LocalFunction]) -> None:
    if part.name in functions:
        raise NotDeployedError(f"{part.logical_id}: there is another function named {part.name}")


def _routes(
    template: Template, functions: Mapping[str, LocalFunction], resources: Resources
) -> dict[str, Target]:
    def function(logical_id: str) -> LocalFunction:
        return functions[template.functions[logical_id].name]

    def url(value: Value, key: str) -> str:
        found = resolve(value, resources.attributes)
        if not found.startswith(("http://", "https://")):
            raise TemplateError(template.file, f"the route {key!r} goes to {found!r}, which is no URL")
        return found

    def target(route: Route) -> Target:
        return url(route.url, route.key) if route.url is not None else function(route.function or "")

    routes: dict[str, Target] = {route.key: target(route) for route in template.routes}
    for split in template.splits:
        routes[split.key] = Weighted(function(split.to), url(split.otherwise, split.key), split.percent)
    return routes
