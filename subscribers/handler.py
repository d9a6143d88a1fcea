"""The edge: one event in, its signals in a sink, its ledger out.

Every event that comes in is delivered, stored as a dead letter, or dropped for a counted reason, and
the ledger says so. What the sink cannot take fails, so that it comes again; event IDs make the repeat
harmless. What no retry can mend (a payload that cannot be decoded) is stored.

    event                               reply
    CloudWatch Logs                     the ledger; raises where it could not be settled
    Kinesis                             {"batchItemFailures"}: the first record that could not be settled
    S3 through SQS                      {"batchItemFailures"}: the messages with objects that could not be
    S3, SNS, EventBridge, a map's item  the ledger; raises where an object could not be settled
    Firehose                            {"records"}: what each becomes

    OBSERVE_CONFIG      path of observe.yaml; without it groups name their own services
    OBSERVE_STORE       folder of the embedded store; ./.observe
    OBSERVE_KEY_SECRET  secret of the marks of business keys, the same as the layer's

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import msgspec

from subscribers.aws import Aws
from subscribers.config import EMPTY, Config, load
from subscribers.inputs import firehose, intakes, kinesis, objects
from subscribers.inputs.intakes import Intake
from subscribers.inputs.objects import SourceError
from subscribers.reading import Reading
from subscribers.settlement import Account, Settlement, Sink
from subscribers.signals import Signal
from subscribers.sinks import ndjson
from subscribers.store import Store

Handler = Callable[[Any, Any], dict[str, Any]]

#: No object is begun, and none gone on with, when less time is left: what is written shall be told.
_TIME_LEFT_MS = 8_000


class Source(intakes.Objects, Protocol):
    """What is called of AWS; `aws.Aws` is one."""

    def put(self, made: firehose.Reply) -> list[firehose.Again]:
        """Put a reply's records to their stream again; return those that it would not take."""


def make_handler(
    config: Config,
    sink: Sink,
    clock: Callable[[], int],
    *,
    region: str = "",
    key_secret: str = "",
    source: Source | None = None,
) -> Handler:
    """Return a Lambda handler that parses as `config` says and delivers to `sink`.

    clock: nanoseconds since the epoch; region: where the log groups are; key_secret: of the marks of
    business keys; source: AWS, where objects are read and records are put again.
    A ledger is {"sink", "received", "delivered", "stored", "dropped": {reason: n}}.
    The handler raises whatever the sink raises where nothing could be settled, SourceError for objects that
    cannot be read, and LedgerError if a ledger does not balance.
    """
    reading = Reading(config, region, key_secret)
    aws = source or Aws()

    def handle(event: Any, context: Any) -> dict[str, Any]:
        now = clock()
        made = Settlement(reading, sink, now, getattr(context, "log_group_name", None))
        if firehose.is_event(event):
            return _transformed(event, made, aws)
        if kinesis.is_event(event):
            made.settle(intakes.from_kinesis(event))
            return _replied(made, kinesis.failures(event, made.failed))
        if objects.is_event(event):
            made.settle(
                intakes.from_objects(
                    event, aws, config.archives, now_ms=now // 1_000_000, in_time=_watch(context)
                )
            )
            # Only messages of a queue have IDs.
            is_queue = any(made.failed) or any(account.intake.record_id for account in made.settled)
            return _replied(made, objects.failures(made.failed) if is_queue else None)
        made.settle([intakes.from_payload(event)])
        return _replied(made)

    return handle


def _replied(made: Settlement, reply: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say what became of an event and return the reply: by default the ledger of all of it.

    Raises where something failed and a reply cannot say so, or where nothing was settled.
    """
    fault = next(iter(made.failed.values()), None)
    if fault is None:
        _say("INFO", "payload settled", made)
    elif reply is not None and made.settled:
        _say("WARN", "some parts failed, they come again", made, fault)
    else:
        _say("ERROR", "payload failed, Lambda will retry it", made, fault)
        raise fault
    told: dict[str, Any] = msgspec.to_builtins(made.ledger()) if reply is None else reply
    return told


def _transformed(event: dict[str, Any], made: Settlement, aws: Source) -> dict[str, Any]:
    """Deliver the records of a Firehose stream, and return what Firehose shall deliver for each.

    What would make the reply too large is put to the stream again, unread where the reply is full already,
    and is settled when it comes back.
    """
    try:
        return _replied(made, _transform(event, made, aws))
    except Exception as fault:
        if not made.failed:  # not said yet
            made.failed[""] = fault
            _replied(made)
        raise


def _transform(event: dict[str, Any], made: Settlement, aws: Source) -> dict[str, Any]:
    outcomes: dict[str, firehose.Outcome] = {}
    read: list[tuple[Account, list[Signal]]] = []
    size = 0
    for part in firehose.parts(event):
        account = Account(Intake(record_id=part.record_id, document=part.data, found=part.found))
        signals = [signal for some in made.read(account) for signal in some]
        data = ndjson.body(signals)
        outcomes.setdefault(part.record_id, firehose.outcome_of(part, data))
        read.append((account, signals))
        size += len(data)
        if size > firehose.REPLY_MAX_BYTES:
            break
    unread = [record_id for record_id in firehose.record_ids(event) if record_id not in outcomes]
    reply = firehose.reply(event, outcomes, unread)
    here = [
        (account, signals) for account, signals in read if account.intake.record_id not in reply.put_again
    ]
    made.deliver([account for account, _ in here], [signal for _, signals in here for signal in signals])
    refused = aws.put(reply) if reply.again else []
    for again in refused:
        lost = Intake(record_id=again.record_id, document=again.data)
        made.keep(lost, "put_refused", "the stream refused it", firehose.events_in(again.data))
    made.put_again = sum(len(call) for call in reply.again) - len(refused)
    return firehose.settled(reply, {again.record_id for again in refused})


def _watch(context: Any) -> Callable[[], None]:
    """Return what raises SourceError when the invocation's time runs out."""
    left_ms = getattr(context, "get_remaining_time_in_millis", None)

    def in_time() -> None:
        if left_ms is not None and left_ms() < _TIME_LEFT_MS:
            raise SourceError("out_of_time", "the function's time runs out: give it more, or smaller objects")

    return in_time


def _say(level: str, message: str, made: Settlement, fault: Exception | None = None) -> None:
    """Write the invocation's summary: one line of JSON."""
    accounts = made.settled or made.unsettled
    notes: Counter[str] = Counter()
    for account in accounts:
        notes.update(account.notes)
    several = {"parts": len(accounts)} if len(accounts) != 1 else {}
    line = {
        "level": level,
        "message": message,
        "time_unix_nano": made.now_unix_nano,
        **(accounts[0].detail if len(accounts) == 1 else {}),
        **several,
        **({"failed": len(made.failed)} if made.failed else {}),
        **({"put_again": made.put_again} if made.put_again else {}),
        "signals": sum(account.signals for account in accounts),
        "notes": notes,
        "ledger": made.ledger(),
        **({"unsettled": sum(a.ledger.received for a in made.unsettled)} if made.unsettled else {}),
        **({"error": {"type": type(fault).__name__, "message": str(fault)}} if fault else {}),
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


@cache
def _from_environment() -> Handler:
    """The handler of this process; settings are read once, a mistake in them fails the invocation."""
    path = os.environ.get("OBSERVE_CONFIG", "")
    config = load(path) if path else EMPTY
    store = Store(os.environ.get("OBSERVE_STORE") or ".observe")
    return make_handler(
        config,
        store,
        time.time_ns,
        region=os.environ.get("AWS_REGION", ""),
        key_secret=os.environ.get("OBSERVE_KEY_SECRET", ""),
    )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Handle one event with the settings of the environment. See `make_handler`."""
    return _from_environment()(event, context)
