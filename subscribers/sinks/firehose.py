"""The lake: rows of the tables as lines of JSON, put to one Firehose stream a table.

Firehose bills each record as a multiple of 5 KB, and a row has some 600 bytes: so rows of the same day are
packed into one record, a line each. A stream with dynamic partitioning needs multi-record deaggregation.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.signals import Signal
from subscribers.sinks import aws_codes, otlp
from subscribers.sinks.channel import AwsCall, Item, Limits, Refusal, Response, Verdict
from subscribers.tables import LEDGER, LOGS, METRICS, SPANS, Row, Table, date_of, json_text, row, table_of

#: Of a call: 4 MiB, 500 records. Of a record: 1,000 KiB "before base64-encoding".
LIMITS = Limits(4 * 1024 * 1024, 500, 1000 * 1024)
#: Bytes of rows packed into one record: 5 KB hardly count then, and a record that is refused is small.
RECORD_BYTES = 128 * 1024
#: Half a number's names, as Java reads them, and with it Firehose's and Athena's readers of JSON.
_DOUBLES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class FirehoseTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table into its stream. A Channel."""

    table: Table
    stream: str
    region: str = ""
    limits: Limits = LIMITS

    @property
    def name(self) -> str:
        """The table's."""
        return self.table.name

    @property
    def is_repeatable(self) -> bool:
        """A row that comes twice is twice in the bucket; the lake's views keep one row an ID."""
        return True

    @property
    def cuts_items(self) -> bool:
        """A row that is too large is rejected whole."""
        return False

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield a row a signal of this table."""
        return (_item(self.table, row(signal)) for signal in signals if table_of(signal) is self.table)

    def ledger_items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """Yield the items of rows of the ledger; only the ledger's channel has some."""
        return (_item(self.table, values) for values in rows if self.table is LEDGER)

    def request(self, items: Sequence[Item]) -> AwsCall:
        """Return the call that puts the rows, packed into records."""
        records = [{"Data": b"".join(items[i].body + b"\n" for i in packed)} for packed in _records(items)]
        return AwsCall(
            service="firehose",
            operation="put_record_batch",
            parameters={"DeliveryStreamName": self.stream, "Records": records},
            region=self.region,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the rows: what became of their records, by position."""
        if response.fault or response.status != 200:
            return aws_codes.whole(items, response, is_repeatable=True)
        records, told = _records(items), response.result.get("RequestResponses")
        if not isinstance(told, list) or len(told) != len(records):
            refusal = Refusal("bad_response", response.status, "not one response a record")
            return Verdict(retry=dict.fromkeys(range(len(items)), refusal), is_down=True)
        retry: dict[int, Refusal] = {}
        rejected: dict[int, Refusal] = {}
        for packed, said in zip(records, told, strict=True):
            if refused := _refused(said):
                refusal, is_transient = refused
                (retry if is_transient else rejected).update(dict.fromkeys(packed, refusal))
        return Verdict(retry=retry, rejected=rejected)


def make_firehose(name: str, settings: Mapping[str, Any]) -> tuple[FirehoseTable, ...]:  # noqa: ARG001
    """Return the channels of a sink of type `firehose`: a table each that has a stream and is wanted."""
    streams: Mapping[str, str] = settings["streams"]
    wanted = settings.get("signals", streams)
    return tuple(
        FirehoseTable(
            table=table,
            stream=streams[table.name],
            region=settings.get("region", ""),
            limits=otlp.limits(settings, LIMITS),
        )
        for table in (LOGS, SPANS, METRICS, LEDGER)
        if table.name in streams and table.name in wanted
    )


def _item(table: Table, values: Row) -> Item:
    """A row with its partition; `group` is that, so that a record has rows of one day."""
    date = date_of(table, values)
    if isinstance(values.get("value"), str):
        values["value"] = _DOUBLES[values["value"]]
    return Item(values["event_id"], json_text({**values, "date": date}).encode(), f'"{date}"'.encode())


def _records(items: Sequence[Item]) -> list[list[int]]:
    """Return which items each record holds, by position: at most as many records as items."""
    records: list[list[int]] = []
    #: Day -> (its last record, bytes in it).
    last: dict[bytes, tuple[list[int], int]] = {}
    for i, item in enumerate(items):
        size = len(item.body) + 1
        packed, before = last.get(item.group, ([], 0))
        if not packed or before + size > RECORD_BYTES:
            packed, before = [], 0
            records.append(packed)
        packed.append(i)
        last[item.group] = packed, before + size
    return records


def _refused(said: object) -> tuple[Refusal, bool] | None:
    """Why a record was not taken; None where it has an ID, and with it was."""
    if not isinstance(said, dict):
        return Refusal("bad_response", 200, "no response to the record"), True
    if code := said.get("ErrorCode"):
        return aws_codes.of_item(str(code), str(said.get("ErrorMessage") or ""))
    return None if said.get("RecordId") else (Refusal("bad_response", 200, "neither ID nor error"), True)
