"""Rules about what carries and keeps events: queues, topics, streams, tables, machines, buckets."""

from __future__ import annotations

import msgspec

from dashboards.alarms.rule import Rule, share

EVENTS: dict[str, Rule] = {
    # Queues, topics, streams
    "queue-age": Rule(
        of="queue",
        title="Messages wait in {}",
        about=(
            "The oldest message waits longer than its consumer should need. Look at the consumer's "
            "errors, throttles and concurrency."
        ),
        unit="s",
    ),
    "queue-in-flight": Rule(
        of="queue",
        title="{} nearly has too many messages in flight",
        about=(
            "At the quota SQS delivers nothing more. Look at consumers that neither delete nor return "
            "messages."
        ),
        severity="warning",
        op=">=",
    ),
    "dead-letters": Rule(
        of="queue",
        title="Messages were given up: {}",
        about=(
            "Messages failed too often and wait here. Read one, repair the cause, then redrive them to "
            "their source."
        ),
        threshold=0.0,
        reason="Each message here is work that was not done, and is lost when its retention ends.",
        periods=1,
        datapoints=1,
    ),
    "topic-failures": Rule(
        of="topic",
        title="{} cannot deliver",
        about=(
            "Notifications were not delivered after every retry. Look at the subscriber and its permissions."
        ),
        threshold=0.0,
        reason="SNS counts a failure after its last retry: the notification is lost, or a dead letter.",
        datapoints=2,
    ),
    "stream-age": Rule(
        of="stream",
        title="Readers of {} fall behind",
        about="Records are read late. Look at the readers: too slow, or held up by a record that fails.",
        unit="ms",
    ),
    "stream-throttles": Rule(
        of="stream",
        title="{} is throttled",
        about=(
            "Writes or reads exceed the throughput of a shard. Look for a hot partition key, then add shards."
        ),
        severity="warning",
        threshold=10.0,
        reason="A few are tried again by the SDK; more than ten in each of three periods delay records.",
        periods=5,
    ),
    "firehose-late": Rule(
        of="firehose",
        title="{} delivers late",
        about=(
            "Firehose cannot deliver to its destination. Look at its error log and the destination's "
            "permissions."
        ),
        unit="s",
        threshold=1_800.0,
        reason="Twice the longest buffering of 900 s.",
    ),
    # State
    "table-throttles": Rule(
        of="table",
        title="{} is throttled",
        about="DynamoDB refuses reads or writes. Look for a hot key, then at the table's capacity.",
        threshold=10.0,
        reason="A few are tried again by the SDK; more than ten in each of three periods reach users.",
        periods=5,
    ),
    "table-errors": Rule(
        of="table",
        title="DynamoDB fails for {}",
        about=(
            "DynamoDB answers 5xx. Look at the AWS Health Dashboard; retries help, changes of yours do not."
        ),
        threshold=5.0,
        reason="Single ones are tried again by the SDK.",
    ),
    "state-machine-failures": msgspec.structs.replace(
        share(
            "state_machine",
            "Executions of {} fail",
            "Executions end as failed. Open one of them and look at the first state that failed.",
            minimum=1.0,
        ),
        reason=(
            "More than 5% of those that ended. Nobody starts a failed execution again, so there is no "
            "other gate."
        ),
        period_s=900,
        periods=1,
        datapoints=1,
    ),
    "state-machine-timeouts": Rule(
        of="state_machine",
        title="Executions of {} time out",
        about="Executions ran into the machine's timeout. Look at the state in which they waited.",
        threshold=0.0,
        reason="A timed-out execution is not started again.",
        period_s=900,
        periods=1,
        datapoints=1,
    ),
    "state-machine-throttles": Rule(
        of="state_machine",
        title="{} is throttled",
        about="Step Functions delays state transitions or starts. Look at bursts of starts and at quotas.",
        severity="warning",
        threshold=0.0,
        reason="Throttled starts are tried again; throttles in three periods in a row are a state.",
    ),
    "rule-failures": Rule(
        of="rule",
        title="{} loses events",
        about=(
            "EventBridge could not reach a target for good. Look at the target's permissions and "
            "whether it exists."
        ),
        threshold=0.0,
        reason=(
            "EventBridge counts a failure after 24 hours of retries or for a target that refuses: the "
            "event is lost, or a dead letter."
        ),
        periods=1,
        datapoints=1,
    ),
    "bucket-errors": share("bucket", "{} answers 5xx", "S3 answers 5xx. Look at bursts on one prefix."),
}
