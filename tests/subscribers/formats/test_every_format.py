"""The laws of every format: its example is read, nothing raises, its time is linear, auto knows it."""

from __future__ import annotations

import json
import time
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.detect import detect
from subscribers.formats import FORMATS
from subscribers.formats.levels import WORDS
from subscribers.formats.told import Clock, LineFormat, Told
from subscribers.parse import FORMATS as NAMES
from tests.subscribers.formats.test_records import page

NEAR = 1_795_231_810_000_000_000
CLOCKS = (Clock(UTC, NEAR), Clock(ZoneInfo("Europe/Paris"), NEAR), Clock(ZoneInfo("Asia/Tokyo"), 0))
LEVELS = {"", *WORDS.values()}
#: What formats are made of: separators, quotes, escapes, brackets, digits that are not ASCII's. No lone
#: surrogates: a page has none.
NOISE = "ab0 =\"'\\[]{}<>|:;,-\t\n\x00\ufeff\u0663é/%@#&"


def every_example() -> list[tuple[str, str]]:
    """(format, line) of all examples."""
    return [(name, line) for name, format in FORMATS.items() for line in format.example.split("\n")]


def valid(told: Told | None) -> bool:
    """Whether what was told is what the contract says, and can be encoded."""
    if told is None:
        return True
    json.dumps(told.attributes)
    times = [told.time_unix_nano] if told.time_unix_nano is not None else []
    if told.exchange is not None:
        times.append(told.exchange.start_unix_nano)
        assert told.exchange.duration_ns is None or told.exchange.duration_ns >= 0
    assert all(0 <= moment < 1 << 63 for moment in times)
    assert len(told.trace_id) in (0, 32)
    assert len(told.span_id) in (0, 16)
    return told.level in LEVELS


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_is_read_completely(name: str) -> None:
    """Each of its lines is of the format, and tells something."""
    format = FORMATS[name]
    assert format.dataset
    assert format.example
    read = format.reader()
    for line in format.example.split("\n"):
        told = read(line, CLOCKS[0])
        assert told is not None, line
        assert valid(told)
        assert told.is_header or told.attributes or told.message


#: What Elastic's integrations call the same lines: <package>.<data stream> of its repository `integrations`.
DATASETS = {
    "apache": "apache.access",
    "apache_error": "apache.error",
    "nginx": "nginx.access",
    "nginx_error": "nginx.error",
    "iis": "iis.access",
    "alb": "aws.elb_logs",
    "api_gateway": "aws.apigateway_logs",
    "haproxy": "haproxy.log",
    "tomcat": "apache_tomcat.catalina",
    "cef": "cef.log",
    "syslog": "system.syslog",
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_dataset_is_elastics_or_the_name(name: str) -> None:
    """So that dashboards and pipelines for these lines find them."""
    assert FORMATS[name].dataset == DATASETS.get(name, name)


@pytest.mark.parametrize("name", FORMATS)
def test_auto_knows_the_example(name: str) -> None:
    """It is detected as what it is, with full confidence."""
    found = detect(page(*FORMATS[name].example.split("\n")))
    assert found == (name, 1.0)
    assert found.name in NAMES


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_no_text_raises(name: str, data: st.DataObject) -> None:
    """Whatever a line holds, what it tells is valid."""
    line = data.draw(st.text() | st.text(NOISE, max_size=40))
    for clock in CLOCKS:
        assert valid(FORMATS[name].reader()(line, clock))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_no_mutation_of_an_example_raises(name: str, data: st.DataObject) -> None:
    """Cut, doubled, and with characters put in and out; also after the other lines of the example."""
    lines = FORMATS[name].example.split("\n")
    read = FORMATS[name].reader()
    for line in data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=3)):
        at = data.draw(st.integers(0, len(line)))
        out = data.draw(st.integers(0, 6))
        put = data.draw(st.text(NOISE + "0123456789", max_size=6))
        end = data.draw(st.integers(0, len(line)) | st.just(len(line)))
        assert valid(read((line[:at] + put + line[at + out :])[: end + len(put)], CLOCKS[0]))


@pytest.mark.parametrize("name", FORMATS)
def test_the_time_is_linear(name: str) -> None:
    """100 KB of one character, alone and within each example, are read in a fraction of a second."""
    format = FORMATS[name]
    heads = [
        "",
        *(cut for line in format.example.split("\n") for cut in (line, line[: len(line) // 2], line[:20])),
    ]
    slowest = 0.0
    for head in heads:
        for piece in (*'a1 "=[{<|:,\\\t-', "a=", '="', "a b ", ": ", "[[", "\\\\", "<a ", '"a":', "{}"):
            text = head + piece * (100_000 // len(piece))
            slowest = max(slowest, _seconds(format, text))
    assert slowest < 1.0


def _seconds(format: LineFormat, text: str) -> float:
    """The CPU time of one line: what others do on the machine is not counted."""
    read, begun = format.reader(), time.process_time()
    read(text, CLOCKS[0])
    return time.process_time() - begun
