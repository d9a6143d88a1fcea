"""What is shown of resources that pass something on: queues, topics, streams, rules, state machines."""

from __future__ import annotations

from dashboards.pages.shown import Drawn, Shown
from dashboards.resources import Kind

_THROTTLED = "Requests that were turned away because too many came at once."
PASSING: dict[Kind, tuple[Shown, ...]] = {
    "queue": (
        Shown(
            "messages",
            "1",
            "Messages that wait, that are being worked on, and that are held back.",
            (
                Drawn("waiting", "queue.visible"),
                Drawn("in flight", "queue.in_flight"),
                Drawn("delayed", "queue.delayed"),
            ),
        ),
        Shown(
            "age of the oldest message",
            "s",
            "How long the oldest message has waited; at the retention time it is lost.",
            (Drawn("oldest", "queue.age"),),
            limits=(("Retention: then it is lost", "retention_s", 1),),
        ),
        Shown(
            "in and out",
            "1",
            "Messages sent, received and done with; where fewer are done with than sent the queue grows.",
            (
                Drawn("sent", "queue.sent"),
                Drawn("received", "queue.received"),
                Drawn("deleted", "queue.deleted", role="good"),
            ),
        ),
    ),
    "topic": (
        Shown(
            "messages",
            "1",
            "Messages published, and notifications delivered to the subscribers.",
            (Drawn("published", "topic.published"), Drawn("delivered", "topic.delivered", role="good")),
        ),
        Shown(
            "failures",
            "1",
            "Notifications that were not delivered, and those that even the dead letters did not take.",
            (
                Drawn("failed", "topic.failed", role="bad"),
                Drawn("sent to dead letters", "topic.redriven"),
                Drawn("lost", "topic.redrive_failed", role="bad"),
            ),
        ),
    ),
    "stream": (
        Shown("records", "1", "Records put into the stream.", (Drawn("put", "stream.incoming_records"),)),
        Shown(
            "iterator age",
            "s",
            "How far the slowest reader is behind; at the retention time records are lost.",
            (Drawn("behind", "stream.age", by=0.001),),
            limits=(("Retention: then records are lost", "retention_h", 3600),),
        ),
        Shown(
            "throttles",
            "1",
            _THROTTLED,
            (
                Drawn("writes", "stream.write_throttled", role="bad"),
                Drawn("reads", "stream.read_throttled"),
            ),
        ),
    ),
    "firehose": (
        Shown(
            "records",
            "1",
            "Records put, and those that were turned away.",
            (
                Drawn("put", "firehose.incoming_records"),
                Drawn("throttled", "firehose.throttled", role="bad"),
            ),
        ),
        Shown(
            "age of the oldest record",
            "s",
            "How long the oldest record has waited for its delivery.",
            (Drawn("oldest", "firehose.freshness"),),
        ),
    ),
    "rule": (
        Shown(
            "events",
            "1",
            "Events that matched, and calls of the rule's targets.",
            (Drawn("matched", "rule.triggered"), Drawn("targets called", "rule.invocations")),
        ),
        Shown(
            "failures",
            "1",
            "Events that did not reach a target.",
            (
                Drawn("failed for good", "rule.failed", role="bad"),
                Drawn("throttled", "rule.throttled"),
                Drawn("sent to dead letters", "rule.dead_lettered"),
            ),
        ),
    ),
    "state_machine": (
        Shown(
            "executions",
            "1",
            "Executions by how they ended.",
            (
                Drawn("started", "state_machine.started"),
                Drawn("succeeded", "state_machine.succeeded", role="good"),
                Drawn("failed", "state_machine.failed", role="bad"),
                Drawn("timed out", "state_machine.timed_out", role="bad"),
                Drawn("throttled", "state_machine.throttled"),
            ),
        ),
        Shown(
            "duration",
            "s",
            "How long an execution takes.",
            (
                Drawn("p50", "state_machine.duration", "p50", by=0.001),
                Drawn("p95", "state_machine.duration", "p95", by=0.001),
                Drawn("longest", "state_machine.duration", "max", by=0.001),
            ),
            limits=(("Timeout", "timeout_limit_s", 1),),
        ),
    ),
}
