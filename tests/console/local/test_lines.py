"""The pure parts of logging: platform lines, levels, frames, batches."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.cloudwatch import (
    EVENT_OVERHEAD_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    LogEvent,
    batches,
)
from console.local.invocation import FunctionConfig, new_trace_header, trace_fields
from console.local.log_stream import level_of
from console.local.output import OutputEvent, OutputParser, OutputPipe
from console.local.platform_lines import JsonLines, Report, TextLines, billed_ms, timestamp

CONFIG = FunctionConfig(
    "claims", "a.b", Path("/t"), None, {}, 3.0, 128, "123456789012", "eu-west-1", "python", (), "awslambdaric"
)
REPORT = Report("U", "Root=1-2-3;Sampled=0", "span", "success", None, 9.14, 10, 128, 36, 190.62, fatal=False)
NOW_MS = 1_591_712_546_150


def test_text_report_has_tabs_and_init_duration() -> None:
    """END and REPORT are what CloudWatch shows, trailing tab and newline included."""
    assert TextLines(CONFIG).finished(REPORT, NOW_MS) == [
        "END RequestId: U\n",
        "REPORT RequestId: U\tDuration: 9.14 ms\tBilled Duration: 10 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 190.62 ms\t\n",
    ]


def test_text_report_of_a_sampled_failure() -> None:
    """A crash adds Status and Error Type, a sampled trace the XRAY line."""
    report = replace(
        REPORT,
        trace_header="Root=1-2-3;Sampled=1",
        status="error",
        error_type="Runtime.ExitError",
        init_ms=None,
        fatal=True,
    )
    assert (
        TextLines(CONFIG)
        .finished(report, NOW_MS)[1]
        .endswith(
            "Max Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError\t\n"
            "XRAY TraceId: 1-2-3\tSegmentId: span\tSampled: true\t\n"
        )
    )


def test_other_text_lines() -> None:
    """START, the timeout with its empty line, the exit and INIT_REPORT have Lambda's words."""
    lines = TextLines(CONFIG)
    assert lines.start("U", "", "", NOW_MS) == ["START RequestId: U Version: $LATEST\n"]
    assert lines.timed_out("U", 3.0, NOW_MS) == [
        "2020-06-09T14:22:26.150Z U Task timed out after 3.00 seconds\n\n"
    ]
    assert lines.exited("U", "why") == ["RequestId: U Error: why\nRuntime.ExitError\n"]
    assert lines.init_failed("init", "timeout", None, 9999.79, NOW_MS) == [
        "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout\n"
    ]


def test_json_lines_follow_the_telemetry_schema() -> None:
    """At INFO a success has a report only; a failure its runtimeDone too."""
    lines = JsonLines(CONFIG)
    success = [json.loads(line) for line in lines.finished(REPORT, NOW_MS)]
    failure = [json.loads(line) for line in lines.finished(replace(REPORT, status="timeout"), NOW_MS)]
    assert [event["type"] for event in success] == ["platform.report"]
    assert success[0]["time"] == "2020-06-09T14:22:26.150Z"
    assert success[0]["record"]["metrics"] == {
        "durationMs": 9.14,
        "billedDurationMs": 10,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 36,
        "initDurationMs": 190.62,
    }
    assert [event["type"] for event in failure] == ["platform.runtimeDone", "platform.report"]
    assert {event["record"]["status"] for event in failure} == {"timeout"}


def test_small_values() -> None:
    """Billing rounds up with initialisation; timestamps keep milliseconds; headers have four parts."""
    assert billed_ms(1233.96, 463.512) == 1698
    assert timestamp(5) == "1970-01-01T00:00:00.005Z"
    fields = trace_fields(new_trace_header(1.0))
    assert list(fields) == ["Root", "Parent", "Sampled", "Lineage"]
    assert fields["Root"].startswith("1-00000001-")


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("plain", "INFO"),
        ("[1]", "INFO"),
        ('{"level": "debug", "timestamp": "2024-11-02T16:51:31.587199Z"}', "DEBUG"),
        ('{"level": "WARNING", "time": "2024-11-02T16:51:31+01:00"}', "WARNING"),
        ('{"level": "debug"}', "INFO"),
        ('{"level": "debug", "timestamp": "yesterday, or a little later"}', "INFO"),
        ('{"level": "loud", "timestamp": "2024-11-02T16:51:31Z"}', "INFO"),
        ('{"level": 3, "timestamp": "2024-11-02T16:51:31Z"}', "INFO"),
    ],
)
def test_levels(line: str, level: str) -> None:
    """A level counts only in a JSON object with a valid level and timestamp."""
    assert level_of(line) == level


def _frame(message: bytes, kind: int = 0xA55A0003, microseconds: int = 1_700_000_000_123_456) -> bytes:
    return struct.pack(">IIQ", kind, len(message), microseconds) + message


def _parse(chunks: list[bytes]) -> list[OutputEvent]:
    parser = OutputParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + list(parser.flush())


def test_frames_and_lines_keep_their_order() -> None:
    """A frame between lines is one event with its level and time, whatever it contains."""
    data = b"one\n" + _frame(b"two\nlines", 0xA55A000B) + b"three\n" + _frame(b"x\xa5\x5a\x00y\n", 0xA55A0017)
    assert _parse([data]) == [
        OutputEvent("one\n"),
        OutputEvent("two\nlines", "DEBUG", 1_700_000_000_123),
        OutputEvent("three\n"),
        OutputEvent("x�Z\x00y\n", "ERROR", 1_700_000_000_123),
    ]


def test_a_frame_in_an_unfinished_line_comes_first() -> None:
    """A record logged in the middle of a line does not cut the line."""
    assert [event.message for event in _parse([b"ab", _frame(b"record"), b"cd\n"])] == ["record", "abcd\n"]


@given(st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=1, max_size=40).map(_frame))), st.data())
def test_parsing_never_raises_nor_loses(parts: list[bytes], data: st.DataObject) -> None:
    """Any bytes, cut anywhere, give the same messages as in one piece, and no byte of text is lost."""
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    assert _parse([whole[:cut], whole[cut:]]) == _parse([whole])


def test_a_drained_pipe_has_been_read() -> None:
    """drain() returns after the last byte was emitted; close() emits half a frame."""
    seen: list[str] = []
    pipe = OutputPipe(lambda event: seen.append(event.message))
    for n in range(200):
        os.write(pipe.write_fd, b"line %d\npart" % n)
        pipe.drain()
        assert seen[-2:] == [f"line {n}\n", "part"]
    os.write(pipe.write_fd, _frame(b"cut off")[:-3])
    pipe.close()
    assert seen[-1] == "cut "


@given(st.lists(st.tuples(st.integers(0, 3 * 86_400_000), st.integers(0, 3)), max_size=50))
def test_batches_are_chronological_and_complete(items: list[tuple[int, int]]) -> None:
    """No event with text is lost, time never goes back, no batch spans more than a day."""
    events = [LogEvent(at, "m" * size) for at, size in items]
    made = list(batches(events))
    flat = [event for batch in made for event in batch]
    assert sorted(event.timestamp_ms for event in events if event.message) == [e.timestamp_ms for e in flat]
    assert all(batch[-1].timestamp_ms - batch[0].timestamp_ms <= 86_400_000 for batch in made)


def test_batches_keep_the_limits() -> None:
    """At most 10,000 events and 1,048,576 bytes with 26 more for each event; larger ones are cut."""
    many = [len(batch) for batch in batches([LogEvent(0, "x")] * 10_001)]
    large = list(batches([LogEvent(0, "é" * 400_000)] * 3 + [LogEvent(0, "é" * 600_000)]))
    assert many == [MAX_BATCH_EVENTS, 1]
    assert [len(batch) for batch in large] == [1, 1, 1, 1]
    assert len(large[-1][0].message.encode()) <= MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES
