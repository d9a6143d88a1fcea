"""Inside moto 5.2: what its API leaves undone, done to its backends, which are in this process.

EventBridge: a rule's own way to a queue needs a package for JSONPath, leaves `account` out, takes text such
as `<source>` in a detail for a placeholder, and does not ask whether the rule is disabled. Kinesis: two
records that are put at the same moment can get one sequence number, and the first of them is gone.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.events.models import events_backends
from moto.kinesis.models import kinesis_backends

#: A member of an event in moto that is in none of EventBridge's.
_MOTOS_OWN = "ingestion-time"


def deliver_whole(bus_arn: str, rule: str) -> None:
    """Have a rule, whose targets are queues, send them each event that it matches as EventBridge has it."""
    *_, region, account, name = bus_arn.split(":")
    found: Any = events_backends[account][region].event_buses[name.rpartition("/")[2]].rules[rule]

    def send(event: dict[str, Any], transform_input: bool = True) -> None:
        del transform_input
        if found.state != "DISABLED" and found.event_pattern.matches_event(event):
            for target in found.targets:
                whole = {member: value for member, value in event.items() if member != _MOTOS_OWN}
                found._send_to_sqs_queue(target["Arn"].rpartition(":")[2], whole)

    found.send_to_targets = send


def one_at_a_time(stream_arn: str) -> None:
    """Have a stream take one record at a time into each of its shards."""
    *_, region, account, name = stream_arn.split(":")
    for shard in kinesis_backends[account][region].streams[name.rpartition("/")[2]].shards.values():
        if "put_record" not in vars(shard):  # a stream that is deployed again is guarded once
            _guard(shard)


def _guard(shard: Any) -> None:
    put, taking = shard.put_record, threading.Lock()

    def put_record(*record: Any) -> Any:
        with taking:
            return put(*record)

    shard.put_record = put_record
