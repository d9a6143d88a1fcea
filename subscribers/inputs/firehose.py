"""Firehose's transformation, both directions: records to batches, and the reply, whole and within 6 MB.

Every record ID is in the reply once. What is `Ok` ends in a line feed. Where the reply would grow too large
the records behind are put to the stream again, as they came, and are `Dropped` here; one that would not fit
without the others either is put again as two halves. What cannot be put again is `ProcessingFailed`, which
Firehose keeps in its error bucket.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Container, Iterator, Mapping
from typing import Any, Literal

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, LogBatch, MalformedEnvelope, base64_bytes
from subscribers.inputs.documents import batches_in
from subscribers.inputs.halves import halves
from subscribers.inputs.kinesis import Part, part

Result = Literal["Ok", "Dropped", "ProcessingFailed"]

#: Lambda's limit of a reply is 6 MiB and some; AWS's own transformation stays below this.
REPLY_MAX_BYTES = 6_000_000
#: {"records":[]}
_FRAME_BYTES = 14


class Outcome(msgspec.Struct, frozen=True):
    """What became of one record. data: what Firehose shall deliver for it, where it is Ok."""

    result: Result
    data: bytes = b""


class Again(msgspec.Struct, frozen=True):
    """Bytes to put to the stream again. record_id: of the record that is Dropped for it."""

    record_id: str
    data: bytes
    partition_key: str = ""


class Limits(msgspec.Struct, frozen=True):
    """Of one call that puts records. Kinesis counts partition keys, too."""

    records: int
    call_bytes: int
    record_bytes: int


FIREHOSE = Limits(500, 4 * 1024 * 1024, 1_024_000)
KINESIS = Limits(500, 5 * 1024 * 1024, 1024 * 1024)


class Reply(msgspec.Struct, frozen=True):
    """What to answer, after `again` was put to `stream_arn`, call by call. Pass what was refused to
    `settled`."""

    records: tuple[dict[str, str], ...]
    again: tuple[tuple[Again, ...], ...] = ()
    #: A Kinesis stream's where Firehose reads from one, else the delivery stream's own.
    stream_arn: str = ""
    is_kinesis: bool = False

    @property
    def put_again(self) -> set[str]:
        """The IDs of the records that are in `again`."""
        return {again.record_id for call in self.again for again in call}


def is_event(event: object) -> bool:
    """Whether an event is one of Firehose."""
    return isinstance(event, dict) and "deliveryStreamArn" in event and isinstance(event.get("records"), list)


def parts(event: dict[str, Any], limit: int = INFLATED_MAX_BYTES) -> Iterator[Part]:
    """Yield each record with its batches, in order, one at a time in memory.

    event: {"deliveryStreamArn", "records": [{"recordId", "data": base64}]}; limit: what one may inflate to.
    """
    for record in event["records"]:
        told = record if isinstance(record, dict) else {}
        yield part(_id(told), told.get("data"), limit)


def events_in(data: bytes, limit: int = INFLATED_MAX_BYTES) -> int:
    """Return how many events a record's data are in the ledger: its lines, and each part that is broken."""
    return sum(len(found.events) if isinstance(found, LogBatch) else 1 for found in batches_in(data, limit))


def record_ids(event: dict[str, Any]) -> list[str]:
    """Return the ID of each record, as often as the event has it."""
    return [_id(record) for record in event["records"] if isinstance(record, dict)]


def outcome_of(found: Part, data: bytes = b"") -> Outcome:
    """Return the usual outcome: ProcessingFailed where nothing could be read, Dropped where all was and
    nothing is to be delivered (CloudWatch's control messages among it), else Ok with `data`."""
    batches = [batch for batch in found.found if isinstance(batch, LogBatch)]
    if not batches:
        return Outcome("ProcessingFailed")
    all_read = len(batches) == len(found.found)
    if all_read and (not data or all(batch.is_control for batch in batches)):
        return Outcome("Dropped")
    return Outcome("Ok", data)


def reply(
    event: dict[str, Any],
    outcomes: Mapping[str, Outcome],
    unread: Collection[str] = (),
    limit: int = REPLY_MAX_BYTES,
) -> Reply:
    """Return the reply to an event.

    outcomes: by record ID; a record without one is ProcessingFailed; unread: IDs of records that are put
    again in any case.
    """
    arn = event.get("sourceKinesisStreamArn")
    is_kinesis = isinstance(arn, str) and bool(arn)
    stream = arn if is_kinesis and isinstance(arn, str) else str(event["deliveryStreamArn"])
    limits = KINESIS if is_kinesis else FIREHOSE
    records, again = [], []
    told = list(_once(event["records"]))
    # Room for every ID is taken first, so that the last record has a place, whatever came before.
    whole = limit - _FRAME_BYTES - sum(_size(_answer(_id(record), "ProcessingFailed")) + 1 for record in told)
    room = whole
    is_full = False
    for record in told:
        record_id = _id(record)
        outcome = outcomes.get(record_id, Outcome("ProcessingFailed"))
        answer = _answer(record_id, outcome.result, outcome.data)
        more = _size(answer) - _size(_answer(record_id, "ProcessingFailed"))
        if record_id in unread or (outcome.result == "Ok" and (is_full or more > room)):
            # One that fits in no reply with these IDs is no reason to put the others again. As it came it
            # would be put for ever: the same records may come back together.
            is_lone = more > whole
            is_full = is_full or not is_lone
            puts = _again(record, limits, halve=is_lone)
            again += puts
            answer = _answer(record_id, "Dropped" if puts else "ProcessingFailed")
        elif outcome.result == "Ok":
            room -= max(more, 0)
        records.append(answer)
    return Reply(tuple(records), tuple(_calls(again, limits)), stream, is_kinesis)


def settled(made: Reply, refused: Container[str] = ()) -> dict[str, Any]:
    """Return what to answer. refused: IDs of records that could not be put again: they are
    ProcessingFailed.
    """
    put = made.put_again
    return {
        "records": [
            _answer(record["recordId"], "ProcessingFailed")
            if record["recordId"] in put and record["recordId"] in refused
            else record
            for record in made.records
        ]
    }


def _answer(record_id: str, result: Result, data: bytes = b"") -> dict[str, str]:
    answer = {"recordId": record_id, "result": result}
    if result == "Ok":
        answer["data"] = base64.b64encode(data if data.endswith(b"\n") or not data else data + b"\n").decode()
    return answer


def _again(record: Mapping[str, Any], limits: Limits, *, halve: bool) -> list[Again]:
    """What to put for a record, [] where it cannot be."""
    try:
        data = base64_bytes(record.get("data"))
    except MalformedEnvelope:
        return []
    metadata = record.get("kinesisRecordMetadata")
    key = metadata.get("partitionKey") if isinstance(metadata, dict) else None
    name = key if isinstance(key, str) and key else _id(record)
    puts = [Again(_id(record), piece, name) for piece in ((halves(data) or ()) if halve else (data,))]
    return puts if all(_put_size(put) <= limits.record_bytes for put in puts) else []


def _calls(puts: list[Again], limits: Limits) -> Iterator[tuple[Again, ...]]:
    """The records in calls that the service takes."""
    call: list[Again] = []
    size = 0
    for put in puts:
        if call and (len(call) >= limits.records or size + _put_size(put) > limits.call_bytes):
            yield tuple(call)
            call, size = [], 0
        call.append(put)
        size += _put_size(put)
    if call:
        yield tuple(call)


def _put_size(put: Again) -> int:
    return len(put.data) + len(put.partition_key.encode("utf-8", "replace"))


def _once(records: list[Any]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for record in records:
        told = record if isinstance(record, dict) else {}
        if _id(told) and _id(told) not in seen:
            seen.add(_id(told))
            yield told


def _id(record: Mapping[str, Any]) -> str:
    record_id = record.get("recordId")
    return record_id if isinstance(record_id, str) else ""


def _size(answer: Mapping[str, str]) -> int:
    try:
        return len(msgspec.json.encode(answer))
    except UnicodeEncodeError:  # half a surrogate in an ID: Lambda's runtime escapes it, too
        return len(json.dumps(answer, separators=(",", ":")))
