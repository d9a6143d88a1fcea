"""The edge: one event in, its signals in every sink, its ledgers out.

Every event that comes in is delivered, stored, or dropped for a counted reason, and each sink's ledger says
so. What a sink does not take is kept for it; what can be neither delivered nor kept fails, so that it comes
again, and event IDs make the repeat harmless. What no retry can mend (a payload that cannot be decoded) is
stored.

    event                               reply
    CloudWatch Logs                     the ledger; raises where it could not be settled
    Kinesis                             {"batchItemFailures"}: the first record that could not be settled
    S3 through SQS                      {"batchItemFailures"}: the messages with objects that could not be
    S3, SNS, EventBridge, a map's item  the ledger; raises where an object could not be settled
    Firehose                            {"records"}: what each becomes
    SQS, a retry queue of ours          {"batchItemFailures"}: what could not be settled (retries)

    OBSERVE_CONFIG      path of observe.yaml; without it groups name their own services
    OBSERVE_STORE       folder of the embedded store; ./.observe
    OBSERVE_KEY_SECRET  secret of the marks of business keys, the same as the layer's
    OBSERVE_DEAD_LETTERS, OBSERVE_RETRY_QUEUE    where that is kept which a sink does not take (configured)

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Protocol

import msgspec

from subscribers import retries, summary
from subscribers.aws import Aws
from subscribers.config import EMPTY, Config, load
from subscribers.configured import outlets_of
from subscribers.dead_letter import S3Keeper
from subscribers.inputs import firehose, intakes, kinesis, objects
from subscribers.inputs.intakes import Intake
from subscribers.inputs.objects import SourceError
from subscribers.outlets import Outlets
from subscribers.read import Read
from subscribers.reading import Reading
from subscribers.settings_error import SettingsError
from subscribers.settlement import Account, Settlement, Sink
from subscribers.sinks import ndjson

Handler = Callable[[Any, Any], dict[str, Any]]

#: No object is begun, and none gone on with, when less time is left: what is written shall be told.
_TIME_LEFT_MS = 8_000


class Source(intakes.Objects, Protocol):
    """What is called of AWS; `aws.Aws` is one."""

    def put(self, made: firehose.Reply) -> list[firehose.Again]:
        """Put a reply's records to their stream again; return those that it would not take."""


def make_handler(
    config: Config,
    sinks: Sink | Outlets,
    clock: Callable[[], int],
    *,
    region: str = "",
    key_secret: str = "",
    source: Source | None = None,
) -> Handler:
    """Return a Lambda handler that parses as `config` says and delivers to `sinks`.

    clock: nanoseconds since the epoch; region: where the log groups are; key_secret: of the marks of
    business keys; source: AWS, where objects are read and records are put again.
    A ledger is {"sink", "received", "delivered", "stored", "dropped": {reason: n}}.
    The handler raises whatever the sink raises where nothing could be settled, SourceError for objects that
    cannot be read, and LedgerError if a ledger does not balance.
    """
    reading = fast = Reading(config, region, key_secret)
    if isinstance(sinks, Outlets) and sinks.names and not config.endpoint_metrics:
        # Firehose's reply needs the signals themselves, as metrics of requests do.
        fast = Reading(config, region, key_secret, names=sinks.names)
    aws = source or Aws()

    def handle(event: Any, context: Any) -> dict[str, Any]:
        if retries.is_event(event):
            return _retried(event, sinks, context)
        now = clock()
        is_stream = firehose.is_event(event)
        made = Settlement(
            reading if is_stream else fast,
            sinks,
            now,
            getattr(context, "log_group_name", None),
            _left(context),
        )
        if is_stream:
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
        _say("WARN" if summary.kept_back(made) else "INFO", "payload settled", made)
    elif reply is not None and made.settled:
        _say("WARN", "some parts failed, they come again", made, fault)
    else:
        _say("ERROR", "payload failed, Lambda will retry it", made, fault)
        raise fault
    if reply is not None:
        return reply
    first, *others = [msgspec.to_builtins(ledger) for ledger in made.ledgers()]
    return {**first, "others": others} if others else dict(first)


def _retried(event: dict[str, Any], sinks: Sink | Outlets, context: Any) -> dict[str, Any]:
    """Deliver what the messages of a retry queue point to. Raises SettingsError where that cannot be read."""
    keeper = sinks.keeper if isinstance(sinks, Outlets) else None
    if not isinstance(sinks, Outlets) or not isinstance(keeper, S3Keeper):
        raise SettingsError("OBSERVE_DEAD_LETTERS names no bucket: what a retry queue points to lies in one")
    left_ms = getattr(context, "get_remaining_time_in_millis", None)
    reply, told = retries.handle_retries(event, sinks.deliverers, keeper, left_ms)
    _write(summary.retry_lines(told, time.time_ns()))
    return reply


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
    read: list[tuple[Account, list[Read]]] = []
    size = 0
    for part in firehose.parts(event):
        account = made.opened(Intake(record_id=part.record_id, document=part.data, found=part.found))
        reads = list(made.read(account))
        data = ndjson.body(signal for one in reads for signal in one.parsed.signals)
        outcomes.setdefault(part.record_id, firehose.outcome_of(part, data))
        read.append((account, reads))
        size += len(data)
        if size > firehose.REPLY_MAX_BYTES:
            break
    unread = [record_id for record_id in firehose.record_ids(event) if record_id not in outcomes]
    reply = firehose.reply(event, outcomes, unread)
    made.deliver([part for part in read if part[0].intake.record_id not in reply.put_again])
    refused = aws.put(reply) if reply.again else []
    for again in refused:
        lost = Intake(record_id=again.record_id, document=again.data)
        made.keep(lost, "put_refused", "the stream refused it", firehose.events_in(again.data))
    made.put_again = sum(len(call) for call in reply.again) - len(refused)
    return firehose.settled(reply, {again.record_id for again in refused})


def _left(context: Any) -> Callable[[], float | None]:
    """Return what tells the seconds that the invocation has left, None where nobody knows."""
    left_ms = getattr(context, "get_remaining_time_in_millis", None)
    return lambda: None if left_ms is None else left_ms() / 1000


def _watch(context: Any) -> Callable[[], None]:
    """Return what raises SourceError when the invocation's time runs out."""
    left_ms = getattr(context, "get_remaining_time_in_millis", None)

    def in_time() -> None:
        if left_ms is not None and left_ms() < _TIME_LEFT_MS:
            raise SourceError("out_of_time", "the function's time runs out: give it more, or smaller objects")

    return in_time


def _say(level: str, message: str, made: Settlement, fault: Exception | None = None) -> None:
    """Write the invocation's metrics and its summary."""
    _write([*summary.metric_lines(made), summary.summary_line(level, message, made, fault)])


def _write(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


@cache
def _from_environment() -> Handler:
    """The handler of this process; settings are read once, a mistake in them fails the invocation."""
    path = os.environ.get("OBSERVE_CONFIG", "")
    config = load(path) if path else EMPTY
    return make_handler(
        config,
        outlets_of(config, os.environ),
        time.time_ns,
        region=os.environ.get("AWS_REGION", ""),
        key_secret=os.environ.get("OBSERVE_KEY_SECRET", ""),
    )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Handle one event with the settings of the environment. See `make_handler`."""
    return _from_environment()(event, context)
