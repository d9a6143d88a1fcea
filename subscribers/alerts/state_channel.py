"""What subscribers count, written to the table by the same delivery as what sinks get.

    signals -> entries (the tally) -> items -> BatchWriteItem -> verdict

So it is batched, repeated and kept like everything else: an entry that cannot be written now is in the retry
queue, one that is refused a dead letter. Writing an entry again changes nothing, hence a redrive is harmless,
however late; what has expired by then is removed by DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.alerts.state import Entry
from subscribers.alerts.state_dynamodb import WRITES_MAX, key_of, put_request
from subscribers.alerts.state_entries import checked
from subscribers.signals import Signal
from subscribers.sinks import aws_codes
from subscribers.sinks.channel import DETAIL_MAX, AwsCall, Item, Limits, Refusal, Response, Verdict

#: Of a call: 16 MB, 25 items. Of an item: 400 KB, of which base64 makes 533 KB.
LIMITS = Limits(16 * 1024 * 1024, WRITES_MAX, 540_000)
_LEFT = Refusal("throttled", 200, "UnprocessedItems: the table took a part only")

#: Signals -> entries, each with the IDs of the events in it, at least one.
Counting = Callable[[Sequence[Signal]], Iterable[tuple[Entry, tuple[str, ...]]]]


class _Body(msgspec.Struct, frozen=True):
    """An entry as a dead letter shows it. body: base64."""

    partition: str
    sort: str
    body: str
    expires_s: int = 0


_decoder = msgspec.json.Decoder(_Body)


def _counts_nothing(_: Sequence[Signal]) -> Iterable[tuple[Entry, tuple[str, ...]]]:
    return ()


class StateChannel(msgspec.Struct, frozen=True):
    """Entries into a table of the state. A Channel.

    name: kept with what could not be written; region: "" for the environment's; entries_of: the tally;
    without it only items that were made before can be delivered, which is what a redrive does.
    """

    name: str
    table: str
    region: str = ""
    entries_of: Counting = _counts_nothing
    limits: Limits = LIMITS

    @property
    def is_repeatable(self) -> bool:
        """An entry that is written twice is there once."""
        return True

    @property
    def cuts_items(self) -> bool:
        """An entry that is too large is rejected whole."""
        return False

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield an item an entry that the tally makes of the signals, all of them together."""
        for entry, events in self.entries_of(list(signals)):
            yield Item(events[0] if events else "", body_of(entry), more=events[1:])

    def request(self, items: Sequence[Item]) -> AwsCall:
        """Return the call that puts the entries; of several of a key the last, for duplicates are refused."""
        found = [entry for entry in map(_entry_of, items) if isinstance(entry, Entry)]
        unique = {(entry.partition, entry.sort): entry for entry in found}
        return AwsCall(
            service="dynamodb",
            operation="batch_write_item",
            parameters={"RequestItems": {self.table: [put_request(entry) for entry in unique.values()]}},
            region=self.region,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the entries, by position; those that are none were not even asked for."""
        found = list(map(_entry_of, items))
        bad = {i: entry for i, entry in enumerate(found) if isinstance(entry, Refusal)}
        if len(bad) == len(items):
            return Verdict(rejected=bad)
        if response.fault or response.status != 200:
            said = aws_codes.whole(items, response, is_repeatable=True)
            return _with(said, bad)
        left = _unprocessed(response.result)
        if left is None:
            refusal = Refusal("bad_response", response.status, "an answer without UnprocessedItems")
            every = dict.fromkeys(range(len(items)), refusal)
            return _with(Verdict(retry=every, is_down=True), bad)
        retry = {
            i: _LEFT
            for i, entry in enumerate(found)
            if isinstance(entry, Entry) and (entry.partition, entry.sort) in left
        }
        return Verdict(retry=retry, rejected=bad)


def body_of(entry: Entry) -> bytes:
    """Return an entry as the body of an item: JSON."""
    body = _Body(
        _text(entry.partition), _text(entry.sort), base64.b64encode(entry.body).decode(), entry.expires_s
    )
    return msgspec.json.encode(body)


def _entry_of(item: Item) -> Entry | Refusal:
    """The entry of an item, or why it is none: somebody may have edited a dead letter."""
    try:
        told = _decoder.decode(item.body)
        body = base64.b64decode(told.body, validate=True)
        return checked(Entry(told.partition, told.sort, body, told.expires_s))
    except (msgspec.MsgspecError, UnicodeError, binascii.Error, ValueError, RecursionError) as error:
        return Refusal("bad_entry", 0, str(error)[:DETAIL_MAX])


def _unprocessed(result: Mapping[str, Any]) -> set[tuple[str, str]] | None:
    """The keys that DynamoDB gave back; None where the answer is no answer."""
    told = result.get("UnprocessedItems")
    if not isinstance(told, dict):
        return None
    keys = [key_of(write) for writes in told.values() if isinstance(writes, list) for write in writes]
    return None if None in keys else {key for key in keys if key}


def _with(verdict: Verdict, bad: Mapping[int, Refusal]) -> Verdict:
    """A verdict on all items, but for those that were not sent."""
    retry = {i: refusal for i, refusal in verdict.retry.items() if i not in bad}
    return msgspec.structs.replace(verdict, retry=retry, rejected={**verdict.rejected, **bad})


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
