"""Laws of parsing: nothing that comes in raises, and every event is in a signal, joined to one, or silent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import fuzz, fuzz_inputs
from subscribers.config import load
from subscribers.envelope import LogBatch, MalformedEnvelope, Reason, decode, decode_document
from subscribers.formats.custom import custom
from subscribers.handler import make_handler
from subscribers.inputs import aggregates, archives, documents, firehose, kinesis, objects
from subscribers.inputs.inflate import unpacked
from subscribers.inputs.objects import S3Object
from subscribers.parse import AUTO, FORMATS, named
from subscribers.parsers.page import Format
from tests.subscribers.formats.test_every_format import NOISE
from tests.subscribers.inputs.documents_of import raw, text, zipped
from tests.subscribers.inputs.test_kinesis import aggregated
from tests.subscribers.lambda_stream import NOW
from tests.subscribers.sink import Memory

SEEDS = fuzz_inputs.seeds()
CUSTOM = {path.stem: path for path in sorted(fuzz_inputs.GOLDEN.glob("*.yaml"))}
#: What is around the formats: the real lines of each, and those of others.
EVERY = [line for lines in SEEDS.values() for line in lines]


@cache
def format_of(name: str) -> Format:
    """A named format, or the one that a golden configuration describes."""
    if name in CUSTOM:
        (service,) = load(CUSTOM[name]).services.values()
        made = custom(service.format_options, service.timezone, service.correlation_field)
        assert made is not None
        return made
    return named(name)


@st.composite
def lines(draw: st.DrawFn, name: str) -> list[str]:
    """Lines of a format, of others, cut ones, and any text: half surrogates too."""
    own = st.sampled_from(SEEDS.get(name) or EVERY)
    cut = st.builds(
        lambda line, at, put: line[:at] + put + line[at:],
        own,
        st.integers(0, 300),
        st.text(NOISE, max_size=4),
    )
    return draw(
        st.lists(
            own | cut | st.sampled_from(EVERY) | st.text(max_size=20) | st.text(NOISE, max_size=20),
            max_size=8,
        )
    )


@pytest.mark.parametrize("name", [*FORMATS, AUTO, *(name for name in CUSTOM if name not in FORMATS)])
@given(data=st.data(), seed=st.integers(0, 99))
def test_every_event_of_any_lines_is_accounted_for(name: str, data: st.DataObject, seed: int) -> None:
    """By each format and each kind of a team's own; what it tells can be stored and sent."""
    page = fuzz._page(Random(seed), data.draw(lines(name)))
    parsed = format_of(name)(page)
    fuzz.check_parsed(page, parsed)
    fuzz.check_signals(parsed.signals)


# --- Bytes ----------------------------------------------------------------------------------

BYTES: list[bytes] = [
    raw("a", "b"),
    zipped("a", "b"),
    raw("a") + raw("b"),
    aggregated(zipped("a"), raw("b")),
    b"2026-11-21T03:30:10.123Z a\nb\n",
    "a\nb\n".encode("utf-16"),
    *(b"BZh9", b"\xfd7zXZ\0", b"(\xb5/\xfd", b"PK\x03\x04", b"\xf3\x89\x9a\xc2", b"\x1f\x8b\x08", b""),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Real bytes with some changed, gone or put in; or any."""
    data = bytearray(draw(st.sampled_from(BYTES) | st.binary(max_size=60)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 9))] = draw(st.binary(max_size=5))
    return bytes(data)


READERS: dict[str, Callable[[bytes], object]] = {
    "document": decode_document,
    "aggregate": aggregates.user_records,
    "records": documents.batches_in,
    "unpacked": lambda data: list(unpacked(iter([data]), 10_000)),
    "kinesis": lambda data: kinesis.part("1", text(data), 10_000),
    "envelope": lambda data: decode({"awslogs": {"data": text(data)}}, limit=10_000),
}


@pytest.mark.parametrize("name", READERS)
@given(data=damaged())
def test_any_bytes_are_read_or_refused_with_a_reason(name: str, data: bytes) -> None:
    """Nothing but a MalformedEnvelope is raised, by each reader of bytes."""
    try:
        READERS[name](data)
    except MalformedEnvelope as error:
        said = str(error)
    else:
        said = ""
    assert not said or said.partition(": ")[0] in get_args(Reason)


@given(
    damaged(),
    st.sampled_from(["auto", "export", "documents", "file"]),
    st.sampled_from(["utf-8", "utf-16", "utf-32-be", "cp037", "latin-1", "shift_jis"]),
    st.sampled_from([0, 0, 3, 80]),
    st.sampled_from([1, 5, 4096]),
)
def test_any_object_is_read(data: bytes, kind: Any, encoding: str, record_bytes: int, step: int) -> None:
    """Of whatever kind the configuration says it is; its lines have IDs of their own."""
    archive = archives.Archive(kind=kind, encoding=encoding, record_bytes=record_bytes)
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    for batch in archives.batches(chunks, S3Object(bucket="b", key="k", time_ms=1), archive, 10_000):
        if isinstance(batch, LogBatch) and hasattr(batch, "line_ids"):
            assert len(set(batch.line_ids)) == len(batch.events)


# --- Events ---------------------------------------------------------------------------------

NAMES = (
    *("awslogs", "data", "Records", "records", "kinesis", "sequenceNumber", "deliveryStreamArn", "recordId"),
    *("s3", "bucket", "object", "name", "key", "size", "eventTime", "eventName", "body", "messageId"),
    *("Sns", "Message", "Type", "detail", "detail-type", "Items", "BatchInput", "Bucket", "Key", "Event"),
)
VALUES = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    st.sampled_from(["Notification", "ObjectCreated:Put", "s3:TestEvent", "2026-11-21T03:30:10Z", "\ud800"]),
    damaged().map(text),
    st.sampled_from(["{}", '{"Records":[]}', '{"Message":"{}"}', '{"Records":[{"s3":{}}]}']),
)
EVENTS = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(EVENTS)
def test_any_event_names_objects_or_says_why_not(event: Any) -> None:
    """It is told apart, and each of its parts is a part."""
    found = list(objects.objects(event, now_ms=1))
    # An empty batch of a map's items names nothing, and nothing is lost.
    assert found or (isinstance(event, dict) and event.get("Items") == [])
    assert all(0 <= one.time_ms < 2**63 // 1_000_000 for one in found if isinstance(one, S3Object))
    if kinesis.is_event(event):
        told = [part.record_id for part in kinesis.parts(event)]
        assert kinesis.failures(event, set(told))["batchItemFailures"] == (
            [{"itemIdentifier": told[0]}] if told else []
        )
    if firehose.is_event(event):
        ids = [part.record_id for part in firehose.parts(event) if part.record_id]
        made = firehose.settled(firehose.reply(event, {}))
        assert [one["recordId"] for one in made["records"]] == list(dict.fromkeys(ids))


HANDLE_CONFIG = fuzz._config([])


@given(EVENTS, damaged())
def test_any_event_is_settled_by_the_handler(event: Any, data: bytes) -> None:
    """A reply that Lambda can send, and ledgers that balance; no parser faults."""
    sink = Memory()
    handle = make_handler(HANDLE_CONFIG, sink, lambda: NOW, source=fuzz._Aws(Random(1), data))
    reply = handle(event, None)
    json.dumps(reply)
    fuzz.check_reply(event, reply)
    for row in sink.ledgers:
        assert row["received"] == row["delivered"] + row["stored"] + row["dropped"]
    assert not [reason for reason, _, _ in sink.dead if reason == "parser_fault"]
    assert sum(row["stored"] for row in sink.ledgers) == sum(detail["events"] for _, _, detail in sink.dead)


@given(
    st.lists(st.sampled_from(EVERY) | st.text(max_size=10), min_size=1, max_size=6),
    st.sampled_from([*FORMATS, AUTO]),
)
def test_lines_of_any_group_are_settled_by_the_handler(messages: list[str], name: str) -> None:
    """Delivered, stored or dropped: as many as came in, through each kind of event."""
    valid = [message.encode("utf-8", "replace").decode() for message in messages]
    data = base64.b64encode(zipped(*valid, group=f"/fuzz/{name}")).decode()
    for event in (
        {"awslogs": {"data": data}},
        {"Records": [{"kinesis": {"sequenceNumber": "1", "data": data}}]},
        {"deliveryStreamArn": "arn", "records": [{"recordId": "1", "data": data}]},
    ):
        sink = Memory()
        make_handler(HANDLE_CONFIG, sink, lambda: NOW, source=fuzz._Aws(Random(1), b""))(event, None)
        (row,) = sink.ledgers
        assert row["received"] == len(valid) == row["delivered"] + row["dropped"]
        assert len({event_id.partition(":")[0] for event_id in sink.signals}) <= row["delivered"]
