"""EventBridge invoking a function: a rule whose target is a queue nobody sees.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
Not played: TraceHeader, which EventBridge hands on to its targets, is lost in moto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from console.local.moto_backends import deliver_whole

EventsClient = Any  # boto3's EventBridge client: its types are in none of the packages we install

_TARGET = "function"


@contextmanager
def rule(client: EventsClient, bus: str, name: str, pattern: str, queue_arn: str) -> Iterator[None]:
    """Send what matches the pattern (JSON) to a queue, until the end of the block. Raises botocore's errors.

    bus: name or ARN.
    """
    arn = client.describe_event_bus(Name=bus)["Arn"]
    own: dict[str, str] = {"EventBusName": bus}
    client.put_rule(Name=name, EventPattern=pattern, **own)
    client.put_targets(Rule=name, Targets=[{"Id": _TARGET, "Arn": queue_arn}], **own)
    deliver_whole(arn, name)
    try:
        yield
    finally:
        with suppress(BotoCoreError, ClientError):
            client.remove_targets(Rule=name, Ids=[_TARGET], **own)
            client.delete_rule(Name=name, **own)


def eventbridge_event(document: Any, given: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Return the event that a function gets: the rule's `Input`, else what was matched."""
    if given is not None:
        return dict(given)
    return document if isinstance(document, dict) else None
