"""Drafts about what carries events: queues and their dead letters, topics, streams, machines, rules."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric, of_resource, percent_of
from dashboards.alarms.of_functions import LATE_PERCENT
from dashboards.alarms.rule import GATE
from dashboards.expressions import Percent, Total
from dashboards.resources import Resource

#: A message may be received three times before its age tells of more than a retry.
_TURNS = 3
_SHORTEST_AGE_S = 300.0
#: What SQS keeps messages for where the template does not say.
_RETENTION_S = 345_600.0


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about whatever carries events, but for the pipeline's own queues."""
    for queue in around.system.of_kind("queue"):
        if queue.id not in around.system.pipeline:
            yield from _dead(around, queue) if queue.id in around.gives_up else _queue(around, queue)
    for topic in around.system.of_kind("topic"):
        yield of_resource(around, topic, "topic-failures", metric("topic.failed", topic.id))
    for stream in around.system.of_kind("stream"):
        yield from _stream(around, stream)
    for firehose in around.system.of_kind("firehose"):
        freshness = metric("firehose.freshness", firehose.id, "max")
        yield of_resource(around, firehose, "firehose-late", freshness)
    for machine in around.system.of_kind("state_machine"):
        yield from _machine(around, machine)
    for rule in around.system.of_kind("rule"):
        yield of_resource(around, rule, "rule-failures", metric("rule.failed", rule.id))


def dead_letters(around: Around, queue: Resource, rule: str) -> Draft:
    """Return the draft about messages in a queue of dead letters: whose they are, how they go back."""
    owners = [one for one in around.system.endpoints.values() if queue.id in one.dead_letters]
    sources = [
        around.system.resources[one]
        for one in dict.fromkeys(around.gives_up.get(queue.id, ()))
        if one in around.system.resources
    ]
    names = ", ".join(source.name.known or source.logical_id for source in sources)
    said = [f"They come from {names}." if names else ""]
    said.append(f"They belong to {', '.join(one.route for one in owners[:5])}." if owners else "")
    if any(source.kind == "queue" for source in sources):
        said.append(
            "SQS sends them back with `aws sqs start-message-move-task --source-arn` and this queue's ARN."
        )
    return of_resource(
        around,
        queue,
        rule,
        metric("queue.visible", queue.id, "max"),
        detail=" ".join(part for part in said if part),
        endpoint=owners[0].name if len(owners) == 1 and rule == "dead-letters" else "",
    )


def _dead(around: Around, queue: Resource) -> Iterator[Draft]:
    yield dead_letters(around, queue, "dead-letters")


def _queue(around: Around, queue: Resource) -> Iterator[Draft]:
    readers = around.feeds.get(queue.id, ())
    age = metric("queue.age", queue.id, "max")
    yield of_resource(around, queue, "queue-age", age, _age(queue) if readers else _unread(queue))
    if "max_in_flight" in queue.limits:
        most = percent_of(queue.limits["max_in_flight"], 80, "the quota of {} messages in flight")
        in_flight = metric("queue.in_flight", queue.id, "max")
        # A thousand concurrent invocations with ten messages each are far below the quota.
        is_lambda = bool(readers) and all(reader.kind == "function" for reader in readers)
        why = "Lambda reads it, which holds far fewer in flight than the quota" if is_lambda else ""
        yield of_resource(around, queue, "queue-in-flight", in_flight, most, opt_in=why)


def _unread(queue: Resource) -> tuple[float | None, str]:
    """Of a queue whose reader no template tells: nobody knows how often it comes."""
    retention_s = queue.limits.get("retention_s", _RETENTION_S)
    reason = f"Half of its MessageRetentionPeriod of {retention_s:,g} s: who reads it is in no template."
    return retention_s / 2, reason


def _age(queue: Resource) -> tuple[float | None, str]:
    visibility_s = queue.limits.get("visibility_s")
    if visibility_s is None:
        return None, "its VisibilityTimeout is not known"
    age_s = max(_SHORTEST_AGE_S, _TURNS * visibility_s)
    reason = f"{_TURNS} times its VisibilityTimeout of {visibility_s:,g} s, at least 5 min."
    retention_s = queue.limits.get("retention_s")
    if retention_s and age_s > retention_s / 2:
        return retention_s / 2, f"Half of its MessageRetentionPeriod of {retention_s:,g} s."
    return age_s, reason


def _stream(around: Around, stream: Resource) -> Iterator[Draft]:
    # Functions that read it tell of their own lag: function-iterator-age.
    if not any(reader.kind == "function" for reader in around.feeds.get(stream.id, ())):
        late = percent_of(stream.limits.get("retention_h"), LATE_PERCENT, "its retention of {} h", 3_600_000)
        yield of_resource(around, stream, "stream-age", metric("stream.age", stream.id, "max"), late)
    throttled = Total(
        (metric("stream.write_throttled", stream.id), metric("stream.read_throttled", stream.id))
    )
    yield of_resource(around, stream, "stream-throttles", throttled)


def _machine(around: Around, machine: Resource) -> Iterator[Draft]:
    failed, timed_out = (metric(f"state_machine.{name}", machine.id) for name in ("failed", "timed_out"))
    # An execution fails in another period than it starts in: the share is of those that ended.
    ended = Total((metric("state_machine.succeeded", machine.id), failed, timed_out))
    # Whoever starts an express execution sees its failure and may start it again.
    minimum = GATE if machine.facts.get("type") == "EXPRESS" else None
    yield of_resource(around, machine, "state-machine-failures", Percent(failed, ended), minimum=minimum)
    yield of_resource(around, machine, "state-machine-timeouts", timed_out)
    throttled = metric("state_machine.throttled", machine.id)
    yield of_resource(around, machine, "state-machine-throttles", throttled)
