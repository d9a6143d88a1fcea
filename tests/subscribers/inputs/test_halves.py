"""Records that are too large for one reply, as two: nothing is lost, and event IDs stay what they were."""

from __future__ import annotations

import gzip
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import LogBatch, LogEvent, MalformedEnvelope, decode_document
from subscribers.inputs.aggregates import user_records
from subscribers.inputs.documents import batches_in
from subscribers.inputs.halves import halves
from subscribers.parsers.identity import event_ids
from tests.subscribers.inputs.documents_of import raw, told, zipped
from tests.subscribers.inputs.test_kinesis import aggregated


def ids_in(data: bytes) -> Counter[str]:
    """The event IDs of a record, each as often as it is there."""
    return Counter(
        event_id
        for batch in batches_in(data)
        if isinstance(batch, LogBatch)
        for event_id in event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
    )


def all_parts(data: bytes) -> list[bytes]:
    """What comes of halving until nothing can be halved."""
    two = halves(data)
    return [part for half in two for part in all_parts(half)] if two else [data]


def stamped(*lines: tuple[int, str]) -> bytes:
    """A document of lines with their times."""
    made = decode_document(raw())
    events = tuple(LogEvent(timestamp_ms=ms, message=message) for ms, message in lines)
    return gzip.compress(msgspec.json.encode(msgspec.structs.replace(made, events=events)))


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "größer"])), max_size=40))
def test_halving_keeps_every_event_id(lines: list[tuple[int, str]]) -> None:
    """Of equal lines as well, which are told apart only by how many came before."""
    data = stamped(*lines)
    parts = all_parts(data)
    assert sum((ids_in(part) for part in parts), Counter()) == ids_in(data)
    assert max(ids_in(data).values(), default=1) == 1
    assert len(parts) == max(1, len(set(lines)))


def test_halves_are_about_equal() -> None:
    """In the order of the lines; of two kinds of lines each half has one."""
    assert [told(batches_in(half)) for half in halves(zipped("a", "b", "c", "d")) or ()] == [
        [["a", "b"]],
        [["c", "d"]],
    ]
    two = halves(stamped((1, "x"), (2, "y"), (1, "x"), (2, "y")))
    assert [told(batches_in(half)) for half in two or ()] == [[["x", "x"]], [["y", "y"]]]


def test_equal_lines_cannot_be_halved() -> None:
    """They would get the same IDs: better that Firehose keeps the record."""
    assert halves(stamped(*[(1, "tick")] * 5000)) is None
    assert halves(zipped("one")) is None
    assert halves(zipped()) is None


def test_documents_are_halved_first_and_byte_for_byte() -> None:
    """Broken ones among them; in one gzip, in several, and plain."""
    broken = b'{"messageType": 5}'
    whole = raw("a", "b") + broken + raw("c") + b"\n" + raw("d", "e")
    for data in (whole, gzip.compress(whole), gzip.compress(whole[:40]) + gzip.compress(whole[40:])):
        one, two = halves(data) or (b"", b"")
        assert gzip.decompress(one) + gzip.decompress(two) == whole
        assert [told(batches_in(half)) for half in (one, two)] == [
            [["a", "b"], "bad_shape"],
            [["c"], ["d", "e"]],
        ]


def test_user_records_are_halved_first_and_byte_for_byte() -> None:
    """An aggregate is two aggregates, until there is one user record in each."""
    records = [zipped("a"), b"?", raw("b"), zipped("c", "d")]
    one, two = halves(aggregated(*records)) or (b"", b"")
    assert (user_records(one), user_records(two)) == (records[:2], records[2:])
    assert one == aggregated(*records[:2])
    parts = [told(batches_in(part)) for part in all_parts(aggregated(*records))]
    assert parts == [[["a"]], ["bad_gzip"], [["b"]], [["c"]], [["d"]]]


@given(st.binary(max_size=80), st.booleans())
def test_anything_is_halved_or_not(data: bytes, is_aggregated: bool) -> None:
    """Never an error; what is in the halves was in the whole."""
    whole = aggregated(data, data[:7]) if is_aggregated else data
    before = [str(part) for part in batches_in(whole) if isinstance(part, MalformedEnvelope)]
    after = [
        str(part)
        for half in halves(whole) or (whole,)
        for part in batches_in(half)
        if isinstance(part, MalformedEnvelope)
    ]
    assert after == before
