# ruff: noqa: E501 - tables of cases, one a line
"""`format: auto`: the format of a stream by its first lines, and how sure that is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import formats
from subscribers.detect import CONFIDENCE_LEAST, detect
from subscribers.parse import AUTO, FORMATS, named
from tests.subscribers.formats.test_records import logs, page

ACCESS = '127.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "GET / HTTP/1.1" 200 57 12345 "CLM-1" "-"'
PYTHON = "2026-11-21 03:30:10,123 - claims.service - INFO - claim accepted"
JSON = '{"level":"info","message":"m","timestamp":"2026-11-21T03:30:10.123Z"}'
OURS = {"timestamp": "2026-11-21T03:30:10.123Z", "level": "INFO", "message": "m", "service": "claims"}


@pytest.mark.parametrize(
    ("lines", "name", "confidence"),
    [
        ([], "text", 0.0),
        (["", " "], "text", 0.0),
        (["what", "ever"], "text", 1.0),
        ([ACCESS], "apache", 1.0),
        ([ACCESS, "", ACCESS, ACCESS, "no access"], "apache", 0.75),
        ([ACCESS, "no access", "none"], "text", pytest.approx(2 / 3)),
        ([PYTHON, "Traceback (most recent call last):", '  File "a.py"', "ValueError: no", PYTHON], "python", 1.0),
        ([JSON, JSON], "json", 1.0),
        (["time,level,claim", "03:30:10,INFO,CLM-1", "03:30:11,INFO,CLM-2"], "csv", 1.0),
        (["Hello, world", "Dear Sir, yes"], "text", 1.0),
        (["Hello, world"], "text", 1.0),
        (["time,level,claim"], "text", 1.0),
        (["2026-11-21 03:30:10,INFO,CLM-1", "2026-11-21 03:30:11,INFO,CLM-2"], "text", 1.0),
        (["x", "START RequestId: r Version: $LATEST"], "lambda", 1.0),
        (["MONITORING|1795231810|1|count|a|#b:c"], "lambda", 1.0),
        ([json.dumps({**OURS, "correlation_id": "CLM-1"})], "lambda", 1.0),
        (['{"time":"2026-11-21T03:30:10.123Z","type":"platform.start","record":{"requestId":"r"}}'], "lambda", 1.0),
    ],
)  # fmt: skip
def test_the_first_lines_decide(lines: list[str], name: str, confidence: float) -> None:
    """The share of lines that a format reads; below three quarters they are text."""
    assert detect(page(*lines)) == (name, confidence)


@pytest.mark.parametrize("first", formats.FORMATS)
def test_two_formats_in_one_stream_are_text(first: str) -> None:
    """Half and half is neither."""
    example = formats.FORMATS[first].example.split("\n")[:2]
    assert detect(page(*example, *["-- what is this --"] * len(example))).name in ("text", first)


def test_what_was_detected_is_told() -> None:
    """With the signals, for whoever wants to know."""
    parsed = named(AUTO)(page(PYTHON, stream="detect-1"))
    assert parsed.detected == ("python", 1.0)
    assert logs(parsed)[0].dataset == "python"
    assert FORMATS["python"](page(PYTHON)).detected is None


def test_a_stream_is_remembered_once_it_is_sure() -> None:
    """Five good lines; then a page of nothing but continuations is still of it."""
    parse = named(AUTO, "Europe/Paris")
    assert parse(page(*[PYTHON] * 5, stream="detect-2")).detected == ("python", 1.0)
    assert parse(page("{", stream="detect-2")).detected == ("python", 1.0)
    # That page was none of it, so the next one is looked at anew.
    assert parse(page(JSON, stream="detect-2")).detected == ("json", 1.0)
    assert parse(page("{", stream="detect-3")).detected == ("text", 1.0)


def test_the_zone_is_the_services() -> None:
    """`auto` reads times as the service's configuration says."""
    parse = named(AUTO, "Europe/Paris", "policy")
    (log,) = logs(parse(page(f"{PYTHON.replace('03:30', '04:30')} policy", stream="detect-4")))
    assert log.time_unix_nano == 1_795_231_810_123_000_000
    (log,) = logs(parse(page('{"level":"info","msg":"m","policy":"CLM-1"}', stream="detect-5")))
    assert log.correlation_id == "CLM-1"


def test_a_format_is_the_same_each_time() -> None:
    """It remembers the headers of streams."""
    assert named("syslog", "Europe/Paris") is named("syslog", "Europe/Paris")
    assert named("syslog") is FORMATS["syslog"]
    with pytest.raises(KeyError):
        named("cobol", "Europe/Paris")


@given(st.lists(st.text() | st.sampled_from([ACCESS, PYTHON, JSON]), max_size=30))
def test_any_lines_have_a_format(lines: list[str]) -> None:
    """It is one of them, with a confidence between nothing and certainty."""
    name, confidence = detect(page(*lines))
    assert name in FORMATS
    assert 0 <= confidence <= 1
    assert name == "text" or confidence >= CONFIDENCE_LEAST
