"""The subscription event: decoded, bounded, and refused with a reason."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import envelope
from subscribers.envelope import LogBatch, LogEvent, MalformedEnvelope, decode, encode

DOCUMENT: dict[str, Any] = {
    "messageType": "DATA_MESSAGE",
    "owner": "123456789012",
    "logGroup": "/aws/lambda/claims",
    "logStream": "2026/11/21/[$LATEST]0a",
    "subscriptionFilters": ["all"],
    "logEvents": [{"id": "1", "timestamp": 1795231810123, "message": "hello"}],
}
CONTROL = {
    "messageType": "CONTROL_MESSAGE",
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "logEvents": [
        {
            "id": "",
            "timestamp": 1795231810123,
            "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose.",
        }
    ],
}


def event_of(raw: bytes) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(raw).decode()}}


def zipped(document: object) -> dict[str, Any]:
    return event_of(gzip.compress(json.dumps(document).encode()))


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in DOCUMENT.items() if name != key}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
events = st.builds(
    LogEvent,
    id=texts,
    timestamp_ms=st.integers(0, 4_000_000_000_000),
    message=texts,
    extracted_fields=st.none() | st.dictionaries(texts, texts, max_size=2),
)
batches = st.builds(
    LogBatch,
    owner=texts,
    log_group=texts,
    log_stream=texts,
    filters=st.lists(texts, max_size=2).map(tuple),
    message_type=st.sampled_from(["DATA_MESSAGE", "CONTROL_MESSAGE"]),
    events=st.lists(events, max_size=5).map(tuple),
)


@given(batches)
def test_decode_is_the_inverse_of_encode(batch: LogBatch) -> None:
    """What is encoded comes back equal."""
    assert decode(encode(batch)) == batch


def test_a_document_of_cloudwatch_becomes_a_batch() -> None:
    """Names and values are where the documentation has them."""
    batch = decode(zipped(DOCUMENT))
    assert (batch.owner, batch.log_group, batch.filters) == ("123456789012", "/aws/lambda/claims", ("all",))
    assert batch.events == (LogEvent(timestamp_ms=1795231810123, message="hello", id="1"),)
    assert not batch.is_control


def test_an_event_that_is_none_costs_only_itself() -> None:
    """A time that no clock can have, a message that is missing; the others are what they would be alone."""
    good = {"id": "1", "timestamp": 1795231810123, "message": "a"}
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": "1",
        "logGroup": "g",
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "policyLevel": "x",
        "logEvents": [good, {**good, "timestamp": -1}, {"id": "2", "timestamp": 1}, 7, {**good, "id": "3"}],
    }
    batch, *broken = envelope.decode_events(json.dumps(document).encode())
    assert isinstance(batch, LogBatch)
    assert [event.id for event in batch.events] == ["1", "3"]
    assert (batch.filters, batch.policy_level) == (("f",), "x")
    assert [error.reason for error in broken if isinstance(error, MalformedEnvelope)] == ["bad_shape"] * 3
    (whole,) = envelope.decode_events(b'{"logEvents": []}')
    assert isinstance(whole, MalformedEnvelope)


def test_a_control_message_is_recognised() -> None:
    """CloudWatch's check of the destination is no data."""
    assert decode(zipped(CONTROL)).is_control


def test_an_empty_batch_is_fine() -> None:
    """No events are no mistake."""
    assert decode(zipped({**DOCUMENT, "logEvents": []})).events == ()


def test_unknown_keys_are_tolerated() -> None:
    """`policyLevel` and whatever comes next; extracted fields are kept."""
    line = {**DOCUMENT["logEvents"][0], "extractedFields": {"@aws.account": "1"}, "new": [1]}
    batch = decode(zipped({**DOCUMENT, "policyLevel": "ACCOUNT_LEVEL_POLICY", "logEvents": [line]}))
    assert batch.events[0].extracted_fields == {"@aws.account": "1"}
    assert batch.policy_level == "ACCOUNT_LEVEL_POLICY"
    assert decode(zipped(DOCUMENT)).policy_level == ""


def test_integer_ids_of_emulators_are_tolerated() -> None:
    """An emulator numbers its events with integers."""
    assert (
        decode(zipped({**DOCUMENT, "logEvents": [{"id": 3, "timestamp": 1, "message": ""}]})).events[0].id
        == 3
    )


def test_several_gzip_members_are_one_document() -> None:
    """RFC 1952: members simply appear one after another."""
    raw = json.dumps(DOCUMENT).encode()
    assert decode(event_of(gzip.compress(raw[:50]) + gzip.compress(raw[50:]))) == decode(zipped(DOCUMENT))


def test_bytes_after_the_gzip_stream_are_ignored() -> None:
    """As gzip(1) does: padding is not a reason to lose the lines."""
    assert decode(event_of(gzip.compress(json.dumps(DOCUMENT).encode()) + b"\0\0garbage"))


GZIP = gzip.compress(json.dumps(DOCUMENT).encode())
MALFORMED: list[tuple[str, object, str]] = [
    ("no dict", [], "not_awslogs"),
    ("nothing", None, "not_awslogs"),
    ("another source", {"Records": []}, "not_awslogs"),
    ("awslogs no dict", {"awslogs": "x"}, "not_awslogs"),
    ("data no string", {"awslogs": {"data": 5}}, "not_awslogs"),
    ("truncated base64", {"awslogs": {"data": base64.b64encode(GZIP).decode()[:-3]}}, "bad_base64"),
    ("no base64", {"awslogs": {"data": "***"}}, "bad_base64"),
    ("base64 beyond ASCII", {"awslogs": {"data": "ééé="}}, "bad_base64"),
    ("no gzip", event_of(b"plain"), "bad_gzip"),
    ("empty", event_of(b""), "bad_gzip"),
    ("truncated gzip", event_of(GZIP[:-9]), "bad_gzip"),
    ("gzip cut in its trailer", event_of(GZIP[:-1]), "bad_gzip"),
    ("wrong checksum", event_of(GZIP[:-8] + b"\0" * 8), "bad_gzip"),
    ("broken deflate", event_of(GZIP[:20] + b"\xff\xff\xff" + GZIP[23:]), "bad_gzip"),
    ("endless members", event_of(gzip.compress(b"") * 2000), "bad_gzip"),
    ("no JSON", event_of(gzip.compress(b"no json")), "bad_json"),
    ("empty document", event_of(gzip.compress(b"")), "bad_json"),
    ("no UTF-8", event_of(gzip.compress(b'{"owner":"\xff"}')), "bad_json"),
    ("nested without end", event_of(gzip.compress(b"[" * 100_000)), "bad_shape"),
    ("a list", zipped([]), "bad_shape"),
    ("no events", zipped(without("logEvents")), "bad_shape"),
    ("no group", zipped(without("logGroup")), "bad_shape"),
    ("another type", zipped({**DOCUMENT, "messageType": "OTHER"}), "bad_shape"),
    ("owner a number", zipped({**DOCUMENT, "owner": 5}), "bad_shape"),
    ("events a string", zipped({**DOCUMENT, "logEvents": "x"}), "bad_shape"),
    ("message a number", zipped({**DOCUMENT, "logEvents": [{"timestamp": 1, "message": 5}]}), "bad_shape"),
    ("time a string", zipped({**DOCUMENT, "logEvents": [{"timestamp": "1", "message": ""}]}), "bad_shape"),
    (
        "time in nanoseconds",
        zipped({**DOCUMENT, "logEvents": [{"timestamp": 10**18, "message": ""}]}),
        "bad_shape",
    ),
]


@pytest.mark.parametrize(("event", "reason"), [case[1:] for case in MALFORMED], ids=[c[0] for c in MALFORMED])
def test_what_cannot_be_decoded_has_a_reason(event: object, reason: str) -> None:
    """Each kind of broken payload is refused for its own low-cardinality reason."""
    with pytest.raises(MalformedEnvelope) as caught:
        decode(event)
    assert caught.value.reason == reason


def test_a_bomb_is_refused_without_being_inflated() -> None:
    """A gigabyte of zeros costs no more memory than the limit."""
    block = gzip.compress(b"\0" * (1 << 26), compresslevel=9)
    limit = 1 << 20
    tracemalloc.start()
    with pytest.raises(MalformedEnvelope) as caught:
        decode(event_of(block * 16), limit=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.reason == "too_large"
    # base64 text, its bytes, and what zlib doubles its buffer to: nowhere near the bomb.
    assert peak < 4 * limit + 4 * len(block) * 16


def test_the_limit_is_64_mib() -> None:
    """One byte below the default limit inflates, one above is refused."""
    most = envelope.INFLATED_MAX_BYTES
    assert most == 64 * 1024 * 1024
    assert len(envelope.gunzip(gzip.compress(b" " * most, compresslevel=1))) == most
    with pytest.raises(MalformedEnvelope, match="too_large"):
        envelope.gunzip(gzip.compress(b" " * (most + 1), compresslevel=1))


def test_the_limit_holds_over_all_members() -> None:
    """Many small members are no way around it."""
    with pytest.raises(MalformedEnvelope, match="too_large"):
        envelope.gunzip(gzip.compress(b"x" * 600) * 2, 1000)


@pytest.mark.parametrize("limit", [0, -1, -5])
def test_no_room_is_no_limit(limit: int) -> None:
    """zlib takes 0 for "without limit", and refuses less than that with an error of its own."""
    bomb = gzip.compress(bytes(1 << 26))
    tracemalloc.start()
    with pytest.raises(MalformedEnvelope, match="too_large"):
        envelope.gunzip(bomb, limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@given(st.binary(max_size=200))
def test_decoding_raises_nothing_else(raw: bytes) -> None:
    """Whatever the bytes are, the error is ours."""
    with pytest.raises(MalformedEnvelope):
        decode(event_of(raw))
