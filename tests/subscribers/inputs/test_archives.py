"""Objects of S3: exported logs, Firehose's objects, rotated files."""

from __future__ import annotations

import bz2
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import FileBatch, LogBatch, LogEvent, MalformedEnvelope
from subscribers.formats.custom import custom, files_of
from subscribers.inputs import archives, files
from subscribers.inputs.archives import Archive, archive_of, batches, stream_of
from subscribers.inputs.files import BYTES_MAX, EVENTS_MAX
from subscribers.inputs.lines import LINE_MAX_BYTES
from subscribers.inputs.objects import S3Object
from subscribers.parse import page_of
from subscribers.parsers.identity import event_ids
from subscribers.parsers.java_layout import BadLayout
from subscribers.parsers.page import Page
from subscribers.signals import Log, Origin
from tests.subscribers.inputs.documents_of import document, raw, told, zipped

AT_MS = 1_795_231_810_000
STREAM = "2026/11/21/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TASK = "exportedlogs/2e5f7a0c-1111-4222-8333-444455556666"
EXPORTED = S3Object(bucket="b", key=f"{TASK}/{STREAM.replace('/', '-')}/000000.gz", time_ms=AT_MS + 9)
LOG = Archive(account="123456789012", log_group="/aws/lambda/claims")
FILE = S3Object(bucket="b", key="legacy/host-1/access.log.gz", time_ms=AT_MS)
LEGACY = Archive(account="1", log_group="/legacy/access", log_stream="host-1", service="claims-legacy")


def exported(events: list[LogEvent]) -> bytes:
    """What CreateExportTask writes."""
    from datetime import UTC, datetime

    lines = []
    for event in events:
        moment = datetime.fromtimestamp(event.timestamp_ms / 1000, UTC)
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%S}.{event.timestamp_ms % 1000:03}Z {event.message}\n")
    return gzip.compress("".join(lines).encode(), mtime=0)


def read(
    data: bytes, found: S3Object = FILE, archive: Archive = LEGACY, step: int = 1000, **more: Any
) -> list[Any]:
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return list(batches(chunks, found, archive, **more))


messages = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(
    lambda text: "Z " not in text
)


@given(st.lists(st.tuples(st.integers(0, 3), messages), max_size=12), st.integers(1, 99))
def test_an_export_has_the_ids_of_its_stream(lines: list[tuple[int, str]], step: int) -> None:
    """Messages of several lines, with line ends behind them and the same ones twice."""
    events = [LogEvent(timestamp_ms=AT_MS + ms, message=message) for ms, message in lines]
    found = read(exported(events), EXPORTED, LOG, step)
    if not events:
        assert found == []
        return
    (batch,) = found
    assert [(event.timestamp_ms, event.message) for event in batch.events] == [
        (e.timestamp_ms, e.message) for e in events
    ]
    assert (batch.owner, batch.log_group, batch.log_stream) == ("123456789012", "/aws/lambda/claims", STREAM)
    one = event_ids("123456789012", "/aws/lambda/claims", STREAM, events)
    assert event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events) == one


def ids_of(found: list[Any]) -> list[str]:
    """The event IDs of batches, as pages have them."""
    origin = Origin("1", "r", "g", "s", "svc", "legacy")
    return [event_id for batch in found for event_id in page_of(batch, origin, 0).event_ids]


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("ab")), max_size=40), st.integers(1, 9))
def test_a_long_export_has_the_ids_of_one_payload(lines: list[tuple[int, str]], most: int) -> None:
    """Wherever its batches end, equal lines are counted through."""
    events = [LogEvent(timestamp_ms=AT_MS + ms, message=message) for ms, message in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "EVENTS_MAX", most)
        found = read(exported(events), EXPORTED, LOG)
    assert [len(batch.events) for batch in found[:-1]] == [most] * (-(-len(events) // most) - 1)
    assert ids_of(found) == event_ids("123456789012", "/aws/lambda/claims", STREAM, events)


def test_more_equal_lines_than_a_batch_holds_are_all_kept() -> None:
    """And what is counted of them is bounded: a flood costs no more than its lines."""
    flood = b"2026-11-21T03:30:10.123Z tick\n" * (EVENTS_MAX * 2 + 3)
    found = read(flood, EXPORTED, LOG, step=1 << 20)
    assert [len(batch.events) for batch in found] == [EVENTS_MAX, EVENTS_MAX, 3]
    assert len(set(ids_of(found))) == EVENTS_MAX * 2 + 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "_EQUAL_MAX", EVENTS_MAX)
        assert ids_of(read(flood, EXPORTED, LOG, step=1 << 20))[-3:] == ids_of(found)[:3]


def test_motos_exports_are_read() -> None:
    """Without a line end behind the last event, and with milliseconds that it drops."""
    (batch,) = read(
        gzip.compress(b"2026-11-21T03:30:10.000Z a\n\n2026-11-21T03:30:11.000Z b\nmore"), EXPORTED, LOG
    )
    assert [event.message for event in batch.events] == ["a\n", "b\nmore"]


def test_lines_before_the_first_time_are_at_the_objects() -> None:
    """Nothing is lost, whatever an export begins with, where the configuration says that it is one."""
    export = Archive(account="1", log_group="g", kind="export")
    (batch,) = read(b"lost\n2026-11-21T03:30:10.123Z a\n9999-99-99T99:99:99.999Z b\n", EXPORTED, export)
    assert [(e.timestamp_ms, e.message) for e in batch.events] == [
        (AT_MS + 9, "lost"),
        (AT_MS + 123, "a\n9999-99-99T99:99:99.999Z b"),
    ]


@pytest.mark.parametrize(
    ("key", "stream"),
    [
        (EXPORTED.key, STREAM),
        (f"a/b/{TASK}/eni-04-all/000001.gz", "eni-04-all"),
        (
            f"{TASK}/2026-11-21-fn[7]0a1b2c3d4e5f60718293a4b5c6d7e8f9/000000.gz",
            "2026/11/21/fn[7]0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        ),
        ("legacy/access.log.gz", ""),
        (f"{TASK}/aws-logs-write-test", ""),
    ],
)
def test_the_key_names_the_stream(key: str, stream: str) -> None:
    """Lambda's streams get their slashes back; of others nobody knows where they were."""
    assert stream_of(key) == stream


@pytest.mark.parametrize(
    "data",
    [
        zipped("a") + zipped("b", "c"),
        gzip.compress(zipped("a") + zipped("b", "c")),
        raw("a") + raw("b", "c"),
        gzip.compress(raw("a") + b"\n" + raw("b", "c") + b"\n"),
        json.dumps(document("a"), indent=1).encode() + raw("b", "c"),
    ],
)
def test_what_firehose_delivered_is_documents(data: bytes) -> None:
    """Compressed once, twice or not, with line ends or without: each names its own group."""
    found = read(data)
    assert told(found) == [["a"], ["b", "c"]]
    assert found[0].log_group == "/aws/lambda/claims"


def test_a_broken_document_in_an_object_costs_only_itself() -> None:
    """A member that is damaged, between two that are not."""
    broken = bytearray(zipped("x" * 500))
    broken[15:40] = bytes(25)
    assert told(read(zipped("a") + bytes(broken) + zipped("b"))) in (
        [["a"], "bad_gzip", ["b"]],
        [["a"], "bad_json", "bad_gzip", ["b"]],
    )


OWN_LINES = [
    b'{"owner":"team-a","level":"INFO","message":"paid"}',
    b'{"logGroup":"/aws/lambda/claims","logStream":"s","message":"subscribed"}',
    b'{"owner":"1","logGroup":"g","logStream":"s","id":"1","timestamp":1,"message":"a line of its own"}',
    b'{"messageType":"payment","owner":"team-a"}',
    b'{"owner":"a","note":"\\"messageType\\":\\"DATA_MESSAGE\\""}',
]


@pytest.mark.parametrize("line", OWN_LINES)
def test_json_lines_of_applications_are_no_documents(line: bytes) -> None:
    """Whatever keys they share with a document, and whatever the lines behind the first one are."""
    (batch,) = read(line + b"\n" + raw("a") + b"\n")
    assert isinstance(batch, FileBatch)
    assert [event.message for event in batch.events] == [line.decode(), raw("a").decode()]


def test_documents_are_known_with_their_keys_in_any_order() -> None:
    """The names before the one that tells may be of 512 characters each."""
    made = document("a", group="/g" * 256)
    names = (
        "owner",
        "logGroup",
        "logStream",
        "subscriptionFilters",
        "policyLevel",
        "messageType",
        "logEvents",
    )
    for order in (names, names[::-1], sorted(names)):
        assert told(read(json.dumps({name: made[name] for name in order}).encode())) == [["a"]]


def test_a_document_has_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one payload may be, however large the object may be; the next one is read."""
    monkeypatch.setattr(archives, "INFLATED_MAX_BYTES", 2000)
    found = read(raw("a") + raw("b" * 3000) + raw("c"), limit=1 << 30)
    assert told(found) == [["a"], "too_large", ["c"]]


def test_logs_with_times_are_exports_by_their_keys_only() -> None:
    """A rotated log has the IDs of a file, in which its time of writing is not."""
    data = b"2026-11-21T03:30:10.123Z paid\n2026-11-21T03:30:10.124Z paid\n"
    (one,) = read(data)
    (two,) = read(
        gzip.compress(data), S3Object(bucket="b", key="access.log.1.gz", time_ms=AT_MS + 86_400_000)
    )
    assert isinstance(one, FileBatch)
    assert isinstance(two, FileBatch)
    assert one.line_ids == two.line_ids
    assert [event.message for event in one.events] == data.decode().splitlines()
    (batch,) = read(data, EXPORTED)
    assert told([batch]) == [["paid", "paid"]]
    (batch,) = read(data, archive=Archive(kind="export"))
    assert told([batch]) == [["paid", "paid"]]


def test_a_file_is_lines_with_their_places() -> None:
    """Where, from configuration; when, by the object; which line, by the file and its offset."""
    (batch,) = read(gzip.compress(b"first\r\nsecond\n\nthird"))
    assert isinstance(batch, FileBatch)
    assert (batch.owner, batch.log_group, batch.log_stream) == ("1", "/legacy/access", "host-1")
    assert [event.message for event in batch.events] == ["first\r", "second", "", "third"]
    assert {event.timestamp_ms for event in batch.events} == {AT_MS}
    assert len(set(batch.line_ids)) == 4


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1),
    st.integers(1, 40),
)
def test_a_rotated_file_has_the_same_ids(lines: list[bytes], step: int) -> None:
    """Plain, compressed, in any pieces, and as far as it had grown before; under another key."""
    data = b"2026 first\n" + b"\n".join(lines)
    whole = [line for batch in read(data, step=step) for line in batch.line_ids]
    moved = S3Object(bucket="c", key="access.log.1.bz2", time_ms=AT_MS + 5)
    assert [line for batch in read(bz2.compress(data), moved) for line in batch.line_ids] == whole
    before = [line for batch in read(b"2026 first\n") for line in batch.line_ids]
    assert whole[:1] == before
    assert len(set(whole)) == len(whole)


def test_files_that_begin_alike_are_not_one() -> None:
    """Every file of IIS begins with the same comment, every CSV file with its header."""
    one, two = (read(b"#Software: IIS\n" + line)[0].line_ids for line in (b"a\n", b"b\n"))
    assert one[0] == two[0]
    assert one[1] != two[1]
    other = read(b"#Software: IIS\na\n", archive=Archive(service="other"))[0].line_ids
    assert not set(other) & set(one)


def test_batches_are_bounded_and_keep_records_whole() -> None:
    """A batch ends between two records, as far as lines tell; a line without end is cut."""
    lines = [b"x"] * (EVENTS_MAX - 1) + [b"failed", b"\tat a.B.c(B.java:1)", b"Caused by: d", b"next"]
    first, second = read(b"\n".join(lines), step=1 << 20)
    assert [event.message for event in second.events][-4:] == [line.decode() for line in lines[-4:]]
    assert len(first.events) + len(second.events) == len(lines)
    assert EVENTS_MAX - 5 < len(first.events) < EVENTS_MAX
    endless = read(b"y" * (LINE_MAX_BYTES * 5 + 3), step=1 << 16)
    sizes = [len(event.message) for batch in endless for event in batch.events]
    assert sizes == [LINE_MAX_BYTES] * 5 + [3]
    assert all(sum(len(e.message) for e in batch.events) <= BYTES_MAX + LINE_MAX_BYTES for batch in endless)
    indented = read(b" z\n" * (EVENTS_MAX * 2), step=1 << 16)
    assert max(len(batch.events) for batch in indented) < EVENTS_MAX + 600


def test_what_is_too_large_is_told_behind_what_was_read() -> None:
    """The limit is of the plain bytes."""
    assert told(read(gzip.compress(b"a\nb\nc\nd\n"), limit=5)) == [["a", "b"], "too_large", ["c"]]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp037", "cp273", "cp500", "utf-32"]
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_files_have_character_sets(encoding: str, step: int) -> None:
    """Of two bytes a character and EBCDIC, too, whose line ends are others."""
    data = "größer\nkleiner\nä".encode(encoding)
    (batch,) = read(data, archive=Archive(kind="file", encoding=encoding), step=step)
    assert [event.message.lstrip("\ufeff") for event in batch.events] == ["größer", "kleiner", "ä"]
    assert batch.events[0].message == "größer"


def test_ebcdic_has_two_line_ends() -> None:
    """Line feed and new line; bytes that are no text become U+FFFD elsewhere."""
    data = b"\xc1\x15\xc2\x25\xc3"
    (batch,) = read(data, archive=Archive(kind="file", encoding="cp1047"))
    assert [event.message for event in batch.events] == ["A", "B", "C"]
    (batch,) = read(b"\xff\xfe\n", archive=Archive(kind="file"))
    assert [event.message for event in batch.events] == ["\ufffd\ufffd"]
    with pytest.raises(BadLayout):
        read(b"a", archive=Archive(kind="file", encoding="klingon"))


OPTIONS = {
    "fixed_width": [
        {"name": "claim", "start": 1, "length": 5},
        {"name": "paid", "start": 6, "length": 3, "type": "packed", "scale": 2},
    ],
    "encoding": "cp037",
}
RECORDS = [
    "CLM-1".encode("cp037") + bytes.fromhex("12345C"),
    "CLM-2".encode("cp037") + bytes.fromhex("00015D"),
]


@pytest.mark.parametrize("end", [b"", b"\x25", b"\x15", b"\r\n"])
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_records_of_a_mainframe_are_read_from_the_file(end: bytes, count: int, step: int) -> None:
    """Of one length, back to back or with line ends: from the bytes of the object to the values."""
    data = b"".join(RECORDS[n % 2] + end for n in range(count))
    encoding, record_bytes = files_of(OPTIONS)
    (batch,) = read(
        data, archive=Archive(kind="file", encoding=encoding, record_bytes=record_bytes), step=step
    )
    origin = Origin("1", "r", "g", "s", "svc", "legacy")
    page = Page(origin=origin, events=batch.events, event_ids=list(batch.line_ids), now_unix_nano=0)
    logs = [signal for signal in custom(OPTIONS)(page).signals if isinstance(signal, Log)]
    assert [log.attributes for log in logs] == [
        {"fixed_width.claim": f"CLM-{1 + n % 2}", "fixed_width.paid": (123.45, -0.15)[n % 2]}
        for n in range(count)
    ]


def test_a_record_that_is_cut_off_is_told() -> None:
    """The last one is as long as it is, and of no format."""
    (batch,) = read(
        RECORDS[0] + RECORDS[1][:5], archive=Archive(kind="file", encoding="cp037", record_bytes=8)
    )
    assert [len(event.message) for event in batch.events] == [16, 10]


def test_the_longest_prefix_has_an_object() -> None:
    """In its bucket, or in any."""
    everything, bucket, prefix = Archive(), Archive(bucket="b"), Archive(bucket="b", prefix="legacy/")
    other = Archive(bucket="x", prefix="legacy/host-1/")
    assert archive_of(FILE, [everything, prefix, bucket, other]) is prefix
    assert archive_of(S3Object(bucket="b", key="k"), [everything, bucket]) is bucket
    assert archive_of(FILE, [other]) is None


@given(st.binary(max_size=400), st.sampled_from(["auto", "export", "documents", "file"]), st.integers(0, 9))
def test_any_object_is_read(data: bytes, kind: Any, record_bytes: int) -> None:
    """Whatever its bytes are, and whatever configuration says of them."""
    archive = Archive(kind=kind, record_bytes=record_bytes)
    for found in read(data, archive=archive, step=17, limit=300):
        assert isinstance(found, LogBatch | MalformedEnvelope)
    assert archives.stream_of(FILE.key) == ""
