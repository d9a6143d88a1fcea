"""`observe parse`: what it reads from: events, pipes that never end, several files, character sets."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.parse import Parsing, Shown, Wish
from console.parse_input import Pause, Source, chunks_of
from subscribers.envelope import encode
from subscribers.inputs.inflate import Piece
from subscribers.signals import Log
from tests.console.test_parse import ACCESS, read, run, signals, write
from tests.subscribers.inputs.documents_of import raw, text, zipped
from tests.subscribers.inputs.test_kinesis import aggregated
from tests.subscribers.inputs.test_kinesis import event as of_kinesis
from tests.subscribers.lambda_stream import NOW, batch

OBSERVE = [sys.executable, "-m", "console", "parse"]


def of_firehose(*data: str) -> dict[str, Any]:
    """An event of Firehose, with its keys in AWS's order."""
    records = [
        {"recordId": str(n), "approximateArrivalTimestamp": 0, "data": one} for n, one in enumerate(data)
    ]
    arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"
    return {"invocationId": "i", "deliveryStreamArn": arn, "region": "eu-west-1", "records": records}


def messages(page: Shown) -> list[str]:
    """Of the logs of a page."""
    return [signal.message for signal in page.signals if isinstance(signal, Log)]


EVENTS: dict[str, dict[str, Any]] = {
    "awslogs": encode(batch("a", "b")),
    "kinesis": of_kinesis(text(zipped("a")), text(zipped("b"))),
    "aggregate": of_kinesis(text(aggregated(zipped("a"), zipped("b")))),
    "firehose": of_firehose(text(zipped("a")), text(zipped("b"))),
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_was_saved_is_read(tmp_path: Path, name: str, indent: int | None) -> None:
    """As it came, printed for people, compressed: its lines are those of the log groups that it names."""
    data = json.dumps(EVENTS[name], indent=indent).encode()
    for packed in (data, gzip.compress(data), b"\xef\xbb\xbf" + data):
        told = signals(run(write(tmp_path, "event.json", packed), "--json"))
        assert [(one["message"], one["log_group"]) for one in told] == [
            ("a", "/aws/lambda/claims"),
            ("b", "/aws/lambda/claims"),
        ]


def test_events_one_a_line(tmp_path: Path) -> None:
    """Each is read; one that is broken, and what is no event, cost only themselves."""
    lines = [
        json.dumps(EVENTS["awslogs"]),
        '{"awslogs":{"data":"!"}}',
        "{}",
        json.dumps(EVENTS["kinesis"]),
        "x",
    ]
    result = run(write(tmp_path, "events.jsonl", "\n".join(lines)), "--json")
    assert [one["message"] for one in signals(result)] == ["a", "b", "a", "b"]
    assert "could not be read: bad_base64 1, not_awslogs 2" in result.stderr


def test_an_event_of_s3_says_what_to_give(tmp_path: Path) -> None:
    """The objects are elsewhere; a notification read as lines would say nothing."""
    named = {
        "Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
        ]
    }
    by_queue = {"Records": [{"messageId": "m", "body": json.dumps(named), "eventSource": "aws:sqs"}]}
    detail = {"version": "0", "bucket": {"name": "b"}, "object": {"key": "k", "size": 5}}
    by_bus = {
        "version": "0",
        "id": "1",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": detail,
    }
    others = (dict(sorted(by_bus.items())), dict(reversed(by_bus.items())))
    for event in (named, by_queue, by_bus, *others):
        for indent in (None, 2):
            result = run(write(tmp_path, "event.json", json.dumps(event, indent=indent)), "--json")
            assert (result.exit_code, result.stdout) == (0, "")
            assert "names objects of S3: give the objects themselves" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        '{"region":"eu-west-1","level":"INFO","message":"hello"}',
        '{"Records":[],"level":"INFO","message":"hello"}',
        '{"Records":[{"body":"hello"}]}',
        '{"records":7}',
        '{"awslog":"hello"}',
        '{"version":"1.1","source":"aws.s3","message":"hello"}',
        '{"source":"aws.s3","bucket":"b","key":"k","message":"hello"}',
        '{"version":"0","source":"aws.ec2","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}',
    ],
)
def test_a_log_that_begins_like_an_event_is_a_log(line: str) -> None:
    """It is known by its first line, and no more of it is waited for."""
    taken = 0

    def chunks() -> Any:
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield f"{line}\n".encode() * 1000

    parsing = Parsing(Source("a.log", 0, chunks()), Wish(), NOW)
    page = next(parsing.pages())
    assert len(page.signals) == 8_192
    assert taken < 15


def test_documents_and_a_document_in_pieces() -> None:
    """A pause in the middle of a document is none of its ends."""
    data = raw("a") + raw("b")
    assert [messages(page) for page in read(data, step=100).pages()] == [["a"], ["b"]]


# --- Pipes ----------------------------------------------------------------------------------


def piped(*chunks: bytes, is_told: bool = False) -> list[list[str]]:
    """The messages of each page of chunks that come through a pipe.

    is_told: each chunk is sent when the page of the one before is there; else a while after it.
    """
    reading, writing = os.pipe()
    seen = threading.Semaphore(0)

    def send() -> None:
        for chunk in chunks:
            os.write(writing, chunk)
            if is_told:
                seen.acquire(timeout=30)
            else:
                time.sleep(0.2)
        os.close(writing)

    sender = threading.Thread(target=send)
    sender.start()
    told = []
    with os.fdopen(reading, "rb") as pipe:
        parsing = Parsing(Source("-", 0, chunks_of(pipe, 0.05)), Wish(), NOW)
        for page in parsing.pages():
            told.append(messages(page))
            seen.release()
    sender.join()
    assert parsing.summary.unread == {}
    return told


def test_a_pipe_that_never_ends_is_told_as_it_comes() -> None:
    """Where nothing more comes for a while, what is complete is a page; a line in two pieces is one line."""
    assert piped(b"one\ntw", b"o\nthree\n", b"four\n", is_told=True) == [["one"], ["two", "three"], ["four"]]


def test_an_event_may_come_in_pieces() -> None:
    """A pause is no end of it."""
    data = json.dumps(EVENTS["awslogs"]).encode()
    assert piped(data[:40], data[40:]) == [["a", "b"]]


def test_compressed_bytes_may_come_in_pieces() -> None:
    """Nothing is lost where they pause."""
    data = gzip.compress(b"one\ntwo\n")
    assert [message for told in piped(data[:15], data[15:]) for message in told] == ["one", "two"]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=9), max_size=9
    ),
    st.lists(st.integers(0, 99), max_size=9),
    st.sampled_from([bytes, gzip.compress]),
)
def test_no_pause_changes_a_line(lines: list[str], cuts: list[int], pack: Callable[[bytes], bytes]) -> None:
    """Wherever the bytes pause: the lines are those of the file without one."""
    data = pack(b"begin\n" + "\n".join(lines).encode())
    at = [0, *sorted(6 + cut for cut in cuts), len(data)]
    pieces = [data[one:other] for one, other in pairwise(at)]

    def told(chunks: Iterator[Piece]) -> list[str]:
        parsing = Parsing(Source("a.log", 0, chunks), Wish(format="text"), NOW)
        found = [message for page in parsing.pages() for message in messages(page)]
        assert parsing.summary.unread == {}
        return found

    assert told(part for piece in pieces for part in (piece, Pause())) == told(iter([data]))


def test_a_fifo_is_read_to_its_end(tmp_path: Path) -> None:
    """A file need not be one."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with subprocess.Popen(
        [*OBSERVE, path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parsing:
        with path.open("wb") as fifo:
            fifo.write(b"one\ntwo\n")
        out, said = parsing.communicate(timeout=60)
    assert [json.loads(line)["message"] for line in out.splitlines()] == ["one", "two"]
    assert b"2 lines" in said


@pytest.mark.parametrize("mode", [["--json"], []])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, mode: list[str]) -> None:
    """`| head -1`: exit code 0, and nothing on standard error."""
    path = write(tmp_path, "a.log", ACCESS * 12_000)
    command = " ".join([*OBSERVE, str(path), *mode, "| head -1; echo ${PIPESTATUS[0]}"])
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


def test_an_interrupt_sums_up_what_has_come() -> None:
    """The way to end `tail -f x | observe parse`."""
    with subprocess.Popen(
        [*OBSERVE, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parsing:
        assert parsing.stdin is not None
        assert parsing.stdout is not None
        assert parsing.stderr is not None
        parsing.stdin.write(ACCESS.encode())
        parsing.stdin.flush()
        assert json.loads(parsing.stdout.readline())["kind"] == "log"
        parsing.send_signal(2)
        said = parsing.stderr.read().decode()
    assert "-: 1 line: 1 log, 0 metrics, 1 span" in said
    assert said.endswith("Error: interrupted\n")
    assert parsing.returncode == 1


# --- Files ----------------------------------------------------------------------------------


def test_several_files_have_a_summary_each(tmp_path: Path) -> None:
    """In order, each with a service and a format of its own."""
    web, app = write(tmp_path, "web.log", ACCESS), write(tmp_path, "app.log", "hello\n")
    result = run(web, app, "--json")
    assert [(one["service"], one["dataset"]) for one in signals(result) if one["kind"] == "log"] == [
        ("web", "apache.access"),
        ("app", "text"),
    ]
    assert [line for line in result.stderr.splitlines() if "logs," in line or "log," in line] == [
        f"{web}: 1 line: 1 log, 0 metrics, 1 span",
        f"{app}: 1 line: 1 log, 0 metrics, 0 spans",
    ]


def test_a_file_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    """A sentence, the others all the same, and exit code 1."""
    lost = Path("/proc/self/mem")
    if not lost.exists():
        pytest.skip("this system has no file that exists and cannot be read")
    app = write(tmp_path, "app.log", "hello\n")
    for bad in (lost, tmp_path / "none.log", tmp_path):
        result = run(app, bad, app, "--json")
        assert result.exit_code == 1
        assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == ["hello", "hello"]
        assert f"Error: {bad}: " in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
@pytest.mark.parametrize("mode", [["--json"], []])
def test_what_cannot_be_written_is_a_sentence(tmp_path: Path, mode: list[str]) -> None:
    """And no fault of the file that is read."""
    path = write(tmp_path, "a.log", ACCESS * 3)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*OBSERVE, path, *mode], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"Error: standard output: No space left on device\n"


UTF_16 = "2026-11-21 03:30:10,123 INFO [main] claims.Service: geschätzt 😀\r\n"


@pytest.mark.parametrize(
    "made",
    [
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode(),
    ],
    ids=["utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8"],
)
def test_a_byte_order_mark_tells_the_character_set(tmp_path: Path, made: Callable[[str], bytes]) -> None:
    """Windows writes UTF-16; the lines are the same."""
    told = signals(run(write(tmp_path, "app.log", made(UTF_16 * 3)), "--json"))
    assert [(one["message"], one["dataset"], one["level"]) for one in told] == [
        ("geschätzt 😀", "java", "INFO")
    ] * 3


def test_a_character_set_without_its_mark(tmp_path: Path) -> None:
    """Where the configuration says UTF-16, the first character tells the order of bytes."""
    config = """
version: 1
services: {app: {side: legacy, format: {log4j: "%d %p [%t] %c: %m%n", encoding: utf-16}}}
"""
    write(tmp_path, "observe.yaml", config)
    for order in ("utf-16-le", "utf-16-be", "utf-16"):
        path = write(tmp_path, "app.log", UTF_16.encode(order))
        (log,) = signals(run(path, "--json", "--service", "app", "--config", tmp_path / "observe.yaml"))
        assert log["message"] == "geschätzt 😀"


def test_an_empty_file_is_no_line(tmp_path: Path) -> None:
    """Nothing comes in, and nothing is said of a format."""
    result = run(write(tmp_path, "empty", b""), "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{tmp_path / 'empty'}: 0 lines: 0 logs, 0 metrics, 0 spans\n"


def test_metrics_of_statsd_are_known(tmp_path: Path) -> None:
    """A file of datagrams says by most of its lines what it is; one of them among prose says nothing."""
    found = signals(run(write(tmp_path, "m.log", "a.b:1|c\na.c:2|g|#k:v\n_sc|db.up|0\n"), "--json"))
    assert [one["kind"] for one in found] == ["metric", "metric", "log"]
    found = signals(run(write(tmp_path, "p.log", "hello\na.b:1|c\nit is done\nand over\n"), "--json"))
    assert {one["kind"] for one in found} == {"log"}
