"""The tables of the store and of the lake, once: columns, types, partition; what a signal is as a row.

DuckDB's and Glue's definitions are generated from here, and published in docs/spec/ by `console.spec`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from subscribers.ledger import Ledger
from subscribers.signals import Link, Log, Metric, Origin, Signal, Span

ColumnType = Literal["string", "bigint", "double", "boolean", "timestamp_ns", "json", "strings"]
Row = dict[str, Any]

_INT64_MAX = (1 << 63) - 1
_NS_PER_S = 1_000_000_000

#: timestamp_ns is a bigint of nanoseconds since the epoch: no engine keeps nanoseconds everywhere.
DUCKDB_TYPES: dict[ColumnType, str] = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp_ns": "BIGINT",
    "json": "JSON",
    "strings": "VARCHAR[]",
}
#: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
GLUE_TYPES: dict[ColumnType, str] = {
    "string": "string",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "timestamp_ns": "bigint",
    "json": "string",
    "strings": "array<string>",
}


class Column(msgspec.Struct, frozen=True):
    """One column; the description ends up in the published documents."""

    name: str
    type: ColumnType
    description: str


class Table(msgspec.Struct, frozen=True):
    """One table. `event_id` is its key; `time` names the column that decides the partition `date`."""

    name: str
    description: str
    time: str
    columns: tuple[Column, ...]
    partition: Column = Column("date", "string", "UTC date of the event, YYYY-MM-DD; the partition.")


_EVENT_ID = Column("event_id", "string", "The same event always has the same ID: views keep one row an ID.")
_ORIGIN = (
    Column("account", "string", "AWS account the line came from, or empty."),
    Column("region", "string", "AWS Region, or empty."),
    Column("log_group", "string", "CloudWatch log group, or the file's folder."),
    Column("log_stream", "string", "CloudWatch log stream, or the file's name."),
    Column("service", "string", "service.name: name of the service in observe.yaml."),
    Column("side", "string", "legacy or serverless."),
)
_IDENTITY = (
    Column("trace_id", "string", "32 hex digits, or empty."),
    Column("span_id", "string", "16 hex digits, or empty."),
    Column("correlation_id", "string", "Correlation ID as it was received, or empty."),
    Column("request_id", "string", "faas.invocation_id: Lambda's request ID, or empty."),
)
_TIME = Column("time_unix_nano", "timestamp_ns", "Time of the event itself, never of its arrival.")

LOGS = Table(
    "logs",
    "One row a log record.",
    "time_unix_nano",
    (
        _EVENT_ID,
        _TIME,
        Column("observed_time_unix_nano", "timestamp_ns", "Time of arrival."),
        Column("sequence", "bigint", "Position in its payload: the order of lines of the same millisecond."),
        *_ORIGIN,
        Column("level", "string", "TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or empty."),
        Column("message", "string", "The text of the record."),
        Column("dataset", "string", "Format the line had, e.g. observe, lambda.platform, apache.access."),
        Column("time_from", "string", "Whether the time is the line's own or the CloudWatch event's."),
        *_IDENTITY,
        Column("error_type", "string", "Type of the exception, or empty."),
        Column("error_message", "string", "Message of the exception, or empty."),
        Column("error_stack", "string", "Stack trace, or empty."),
        Column(
            "keys", "strings", "Marks of business keys, name=<32 hex>; an empty list where there are none."
        ),
        Column("attributes", "json", "All other fields."),
    ),
)
SPANS = Table(
    "spans",
    "One row a span, whoever told it.",
    "start_unix_nano",
    (
        _EVENT_ID,
        Column("start_unix_nano", "timestamp_ns", "Start."),
        Column("end_unix_nano", "timestamp_ns", "End."),
        *_ORIGIN,
        Column("name", "string", "Name of the operation."),
        Column("kind", "string", "internal, server, client, producer or consumer."),
        Column("told_by", "string", "layer, platform or access_log."),
        *_IDENTITY,
        Column("parent_span_id", "string", "Span ID of the parent, or empty."),
        Column("status", "string", "unset, ok or error."),
        Column("status_message", "string", "What went wrong, or empty."),
        Column("attributes", "json", "OpenTelemetry attributes."),
        Column("links", "json", "List of {trace_id, span_id, attributes}."),
        Column("events", "json", "List of {name, time_unix_nano, attributes}."),
    ),
)
METRICS = Table(
    "metrics",
    "One row a data point.",
    "time_unix_nano",
    (
        _EVENT_ID,
        _TIME,
        *_ORIGIN,
        Column("name", "string", "Name of the metric."),
        Column("kind", "string", "count, gauge, histogram, distribution, timing or set."),
        Column("value", "double", "The value."),
        Column("unit", "string", "UCUM unit, or empty."),
        Column("set_member", "string", "What a set counts, or empty."),
        Column("tags", "json", "Tag to value."),
        Column("request_id", "string", "faas.invocation_id: Lambda's request ID, or empty."),
    ),
)
LEDGER = Table(
    "ledger",
    "One row a payload and sink: received = delivered + stored + dropped.",
    "time_unix_nano",
    (
        _EVENT_ID,
        Column("time_unix_nano", "timestamp_ns", "When the payload was settled."),
        Column("payload_id", "string", "The payload: the event that the subscriber was invoked with."),
        Column("sink", "string", "Name of the sink."),
        Column("received", "bigint", "Events that came in."),
        Column("delivered", "bigint", "Events the sink accepted."),
        Column("stored", "bigint", "Events kept for another attempt or as dead letters."),
        Column("dropped", "bigint", "Events dropped, for all reasons."),
        Column("dropped_reasons", "json", "Reason to number of events."),
    ),
)

#: Every table, by name.
TABLES: dict[str, Table] = {table.name: table for table in (LOGS, SPANS, METRICS, LEDGER)}


def table_of(signal: Signal) -> Table:
    """Return the table that a signal is a row of."""
    return _PROJECTIONS[type(signal)][0]


def row(signal: Signal) -> Row:
    """Return a signal as a row of its table: column -> value; JSON columns as text, times as exact integers.

    Times outside 64 bits (the years 1677 to 2262) are moved to their edge, and half surrogate pairs
    become `?`, because no table can hold either.
    """
    return _PROJECTIONS[type(signal)][1](signal)


def ledger_row(ledger: Ledger, payload_id: str, time_unix_nano: int) -> Row:
    """Return one payload's ledger of one sink as a row; the same payload and sink have the same event ID."""
    key = f"{payload_id}\0{ledger.sink}".encode("utf-8", "replace")
    return {
        "event_id": blake2b(key, digest_size=16).hexdigest(),
        "time_unix_nano": _int64(time_unix_nano),
        "payload_id": _clean(payload_id),
        "sink": _clean(ledger.sink),
        "received": ledger.received,
        "delivered": ledger.delivered,
        "stored": ledger.stored,
        "dropped": sum(ledger.dropped.values()),
        "dropped_reasons": json_text(ledger.dropped),
    }


def date_of(table: Table, values: Row) -> str:
    """Return the partition of a row: the UTC date of its time, YYYY-MM-DD."""
    seconds = int(values[table.time]) // _NS_PER_S
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def log_of(values: Row) -> Log:
    """Return the Log that a row of `logs` holds: the inverse of `row`."""
    return msgspec.convert(_signal(values, LOGS, "attributes"), Log)


def span_of(values: Row) -> Span:
    """Return the Span that a row of `spans` holds: the inverse of `row`."""
    return msgspec.convert(_signal(values, SPANS, "attributes", "links", "events", lists=_as_links), Span)


def duckdb_ddl(table: Table) -> str:
    """Return DuckDB's CREATE TABLE statement, the partition as last column."""
    columns = (*table.columns, table.partition)
    lines = [f'    "{c.name}" {DUCKDB_TYPES[c.type]}{"," if c is not columns[-1] else ""}' for c in columns]
    width = max(map(len, lines)) + 2
    body = "\n".join(
        f"{line:<{width}}-- {column.description}" for line, column in zip(lines, columns, strict=True)
    )
    return f"-- {table.description}\nCREATE TABLE {table.name} (\n{body}\n);\n"


def glue_definition(table: Table) -> dict[str, Any]:
    """Return the TableInput of Glue's CreateTable; `${location}` stands for the S3 folder of the lake.

    https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html
    """
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [_glue_column(table.partition)],
        "StorageDescriptor": {
            "Columns": [_glue_column(column) for column in table.columns],
            "Location": f"${{location}}/{table.name}/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def markdown(tables: Iterable[Table]) -> str:
    """Return the tables as a Markdown document."""
    parts = [
        "# Tables of the store and of the lake\n\n"
        "Generated by `python -m console.spec` from `subscribers/tables.py`. `timestamp_ns` is a bigint of "
        "nanoseconds since the epoch, UTC; `json` is JSON text (in Glue a string), `strings` a list of "
        "texts. Every table is partitioned by `date`, and a reader keeps one row an `event_id`: the one "
        "written last.\n"
    ]
    for table in tables:
        rows = "\n".join(
            f"| `{c.name}` | {c.type} | {c.description} |" for c in (*table.columns, table.partition)
        )
        head = "| column | type | meaning |\n|---|---|---|"
        parts.append(f"\n## {table.name}\n\n{table.description}\n\n{head}\n{rows}\n")
    return "".join(parts)


def json_text(tree: object) -> str:
    """Return a JSON tree as text. What JSON cannot carry (NaN, half surrogates, objects) is replaced."""
    try:
        return msgspec.json.encode(tree).decode()
    except (TypeError, ValueError):  # a UnicodeEncodeError is a ValueError
        return _clean(json.dumps(tree, ensure_ascii=False, default=str, skipkeys=True))
    except RecursionError:
        return '{"observe.cut":"nested too deep"}'


def _glue_column(column: Column) -> dict[str, str]:
    return {"Name": column.name, "Type": GLUE_TYPES[column.type], "Comment": column.description}


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _int64(value: int) -> int:
    return min(max(value, -_INT64_MAX - 1), _INT64_MAX)


def _double(value: float) -> float | str:
    """JSON has no NaN and no infinity; DuckDB reads them from text."""
    return value if math.isfinite(value) else str(value)


def _origin(origin: Origin) -> Row:
    return {name: _clean(getattr(origin, name)) for name in Origin.__struct_fields__}


def _flat(signal: Signal, *columns: str) -> Row:
    return {name: _clean(getattr(signal, name)) for name in columns}


def _log_row(log: Log) -> Row:
    return {
        "time_unix_nano": _int64(log.time_unix_nano),
        "observed_time_unix_nano": _int64(log.observed_time_unix_nano),
        "sequence": log.sequence,
        **_origin(log.origin),
        **_flat(log, "event_id", "level", "message", "dataset", "time_from", "trace_id", "span_id"),
        **_flat(log, "correlation_id", "request_id", "error_type", "error_message", "error_stack"),
        "keys": [_clean(key) for key in log.keys],
        "attributes": json_text(log.attributes),
    }


def _span_row(span: Span) -> Row:
    return {
        "start_unix_nano": _int64(span.start_unix_nano),
        "end_unix_nano": _int64(span.end_unix_nano),
        **_origin(span.origin),
        **_flat(span, "event_id", "name", "kind", "told_by", "trace_id", "span_id", "correlation_id"),
        **_flat(span, "request_id", "parent_span_id", "status", "status_message"),
        "attributes": json_text(span.attributes),
        "links": json_text([_link(link) for link in span.links]),
        "events": json_text(span.events),
    }


def _metric_row(metric: Metric) -> Row:
    return {
        "time_unix_nano": _int64(metric.time_unix_nano),
        **_origin(metric.origin),
        **_flat(metric, "event_id", "name", "kind", "unit", "request_id", "set_member"),
        "value": _double(metric.value),
        "tags": json_text(metric.tags),
    }


def _link(link: Link) -> Row:
    return {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": link.attributes}


def _as_links(values: Any) -> list[Link]:
    return [Link(item["trace_id"], item["span_id"], item["attributes"]) for item in values]


def _signal(values: Row, table: Table, *trees: str, lists: Callable[[Any], Any] | None = None) -> Row:
    origin = Origin(**{name: values[name] for name in Origin.__struct_fields__})
    out = {c.name: values[c.name] for c in table.columns if c.name not in Origin.__struct_fields__}
    out |= {name: json.loads(values[name]) for name in trees}
    if lists:
        out["links"] = lists(out["links"])
    return {**out, "origin": origin}


_PROJECTIONS: dict[type, tuple[Table, Callable[[Any], Row]]] = {
    Log: (LOGS, _log_row),
    Span: (SPANS, _span_row),
    Metric: (METRICS, _metric_row),
}
