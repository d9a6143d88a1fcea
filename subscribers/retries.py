"""The retry queues: messages that point to what a sink did not take, delivered again by themselves.

    delivered                       the object is removed
    transient, nothing delivered    the same object, a new message that waits longer
    transient, some delivered       a new object and a message for the rest, then the old object is removed
    permanent                       dead letters, then the object is removed
    transient for the 32nd time     dead letters with its reason
    no such sink or channel         dead letters, no_such_sink or no_such_channel
    cannot be read                  kept byte for byte, unreadable_retry
    the object is not there         done already, or redriven
    what could not be stored, or no time is left        the message comes again

New before old, and the message is settled last: whatever stops in between repeats, and loses nothing.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from subscribers.dead_letter import S3Keeper
from subscribers.dead_letter_storage import Read, StorageError
from subscribers.inputs import objects
from subscribers.kept import FOLDERS, Kept, KeptError, Pointer, decode, documents
from subscribers.sinks.channel import Deliverer, Leftover, Outcome, Refusal

#: Deliveries of one item by its queue, some 7 hours; then it is for a redrive.
ATTEMPTS_MAX = 32
#: Time that is left to write down what became of a delivery.
MARGIN_S = 5.0
#: No message is begun with less.
_BEGIN_S = 8.0

_pointer = msgspec.json.Decoder(Pointer)


class Retried(msgspec.Struct, kw_only=True):
    """What became of the messages of one event; items: redelivered + stored_again + buried + failed."""

    messages: int = 0
    items: int = 0
    redelivered: int = 0
    stored_again: int = 0
    #: Reason -> items that are dead letters now.
    buried: dict[str, int] = {}
    #: Messages whose object was not there any more.
    missing: int = 0
    #: Items whose message comes again.
    failed: int = 0
    #: Why, of the first.
    error: str = ""


class LostItemsError(AssertionError):
    """A deliverer's outcome does not hold every item; a fault of ours. `reason` is items_unaccounted."""

    reason = "items_unaccounted"


def is_event(event: object) -> bool:
    """Whether an event has messages of a retry queue."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and any(_pointer_of(record) is not None for record in records)


def handle_retries(
    event: Mapping[str, Any],
    deliverers: Mapping[str, Deliverer],
    keeper: S3Keeper,
    left_ms: Callable[[], float] | None = None,
) -> tuple[dict[str, Any], Retried]:
    """Deliver what the messages of an event point to; return the reply for SQS, and what became of it.

    event: one for which `is_event`; left_ms: the invocation's remaining time in milliseconds.
    Raises nothing that a message could cause: what cannot be settled comes again.
    """
    told = Retried()
    failed = []
    for record in event["Records"]:
        told.messages += 1
        try:
            _handle(record, deliverers, keeper, _seconds(left_ms), told)
        except (StorageError, LostItemsError, _OutOfTimeError) as error:
            failed.append(str(record.get("messageId", "")) if isinstance(record, dict) else "")
            pointer = _pointer_of(record)
            told.failed += pointer.items if pointer else 0
            told.items += pointer.items if pointer else 0
            told.error = told.error or f"{error.reason}: {error}"
    return objects.failures(failed), told


class _OutOfTimeError(Exception):
    reason = "out_of_time"


def _seconds(left_ms: Callable[[], float] | None) -> float | None:
    return None if left_ms is None else left_ms() / 1_000


def _handle(
    record: object,
    deliverers: Mapping[str, Deliverer],
    keeper: S3Keeper,
    left_s: float | None,
    told: Retried,
) -> None:
    """Settle one message, or raise; what is counted is counted last."""
    if left_s is not None and left_s < _BEGIN_S:
        raise _OutOfTimeError("no time is left in this invocation")
    pointer = _pointer_of(record)
    key = _key(pointer, keeper)
    if pointer is None or not key:
        body = str(record.get("body", "")) if isinstance(record, dict) else repr(record)
        keeper.dead_letter("bad_retry_message", body.encode("utf-8", "replace"), {"bucket": keeper.bucket})
        return
    read = keeper.storage.read(key)
    if read is None:
        told.missing += 1
        return
    try:
        kept = decode(read.data)
    except KeptError as error:
        if error.reason == "newer_version":
            raise StorageError(error.reason, f"{key}: {error}") from error
        keeper.dead_letter("unreadable_retry", read.data, {"key": pointer.key, "error": str(error)})
        keeper.storage.delete(key, read.etag)
        _count(told, Retried(items=pointer.items, buried={"unreadable_retry": pointer.items}))
        return
    _count(told, _redeliver(kept, pointer, key, read, deliverers, keeper, left_s))


def _redeliver(
    kept: Kept,
    pointer: Pointer,
    key: str,
    read: Read,
    deliverers: Mapping[str, Deliverer],
    keeper: S3Keeper,
    left_s: float | None,
) -> Retried:
    outcome = _delivered(kept, deliverers, left_s)
    retry, rejected = outcome.retry.get(kept.channel, []), outcome.rejected.get(kept.channel, [])
    if pointer.attempts >= ATTEMPTS_MAX:
        retry, rejected = [], [*rejected, *retry]
    counts = Retried(
        items=len(kept.leftovers),
        redelivered=outcome.delivered,
        stored_again=len(retry),
        buried=dict(Counter(leftover.refusal.reason for leftover in rejected)),
    )
    keeper.bury(kept.sink, kept.channel, rejected)
    keeper.bury(kept.sink, kept.channel, outcome.cut.get(kept.channel, ()))
    again = pointer.attempts + 1
    if len(retry) == len(kept.leftovers) and keeper.has_queue(kept.sink):
        keeper.send(msgspec.structs.replace(pointer, attempts=again))
        return counts
    keeper.queue(
        documents(
            kept.sink, kept.channel, retry, kind="retry", at_unix_nano=kept.at_unix_nano, attempts=again
        )
    )
    keeper.storage.delete(key, read.etag)
    return counts


def _delivered(kept: Kept, deliverers: Mapping[str, Deliverer], left_s: float | None) -> Outcome:
    """Deliver a document. What its sink or channel is not there for any more is rejected."""
    deliverer = deliverers.get(kept.sink)
    if deliverer is None:
        return _refused(kept, "no_such_sink")
    items = [leftover.item for leftover in kept.leftovers]
    deadline_s = None if left_s is None else max(0.0, left_s - MARGIN_S)
    try:
        outcome = deliverer.deliver({kept.channel: items}, deadline_s)
    except KeyError:
        return _refused(kept, "no_such_channel")
    check(len(items), kept.channel, outcome)
    return outcome


def check(items: int, channel: str, outcome: Outcome) -> None:
    """Raise LostItemsError unless an outcome holds as many items of a channel as were delivered to it."""
    told = outcome.delivered + len(outcome.retry.get(channel, ())) + len(outcome.rejected.get(channel, ()))
    if told != items:
        raise LostItemsError(f"{items} items of {channel} were to be delivered, {told} are accounted for")


def _refused(kept: Kept, reason: str) -> Outcome:
    """Every item as rejected; why it was not taken at first stays in the detail."""
    leftovers = [
        Leftover(one.item, Refusal(reason, one.refusal.status, _before(one.refusal)))
        for one in kept.leftovers
    ]
    return Outcome(rejected={kept.channel: leftovers})


def _before(refusal: Refusal) -> str:
    return f"{refusal.reason}: {refusal.detail}" if refusal.detail else refusal.reason


def _count(told: Retried, more: Retried) -> None:
    told.items += more.items
    told.redelivered += more.redelivered
    told.stored_again += more.stored_again
    for reason, items in more.buried.items():
        told.buried[reason] = told.buried.get(reason, 0) + items


def _pointer_of(record: object) -> Pointer | None:
    body = record.get("body") if isinstance(record, dict) else None
    if not isinstance(body, str) or '"observe_retry"' not in body:
        return None
    try:
        return _pointer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _key(pointer: Pointer | None, keeper: S3Keeper) -> str:
    """The key below the prefix; "" for what is not of this keeper, and is nobody's to have us read."""
    if pointer is None or pointer.bucket != keeper.bucket or not pointer.key.startswith(keeper.prefix):
        return ""
    key = pointer.key.removeprefix(keeper.prefix)
    return key if key.startswith(FOLDERS["retry"] + "/") else ""
