# ruff: noqa: E501 - tables of cases, one a line
"""`format: auto`: the format of a stream by its first lines, and how sure that is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import formats
from subscribers.detect import CONFIDENCE_LEAST, LINES_LOOKED_AT, SAMPLES_MORE, detect, nearest
from subscribers.parse import AUTO, FORMATS, named
from tests.subscribers.formats.test_records import logs, page

ACCESS = '127.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "GET / HTTP/1.1" 200 57 12345 "CLM-1" "-"'
PYTHON = "2026-11-21 03:30:10,123 - claims.service - INFO - claim accepted"
JSON = '{"level":"info","message":"m","timestamp":"2026-11-21T03:30:10.123Z"}'
OURS = {"timestamp": "2026-11-21T03:30:10.123Z", "level": "INFO", "message": "m", "service": "claims"}
SAME_ID = {"correlation_id": "CLM-1", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
SPRING = "2026-11-21T03:30:10.123Z  INFO 4711 --- [           main] c.e.Claims : claim accepted"
BANNER = [
    "",
    "  .   ____          _            __ _ _",
    " /\\\\ / ___'_ __ _ _(_)_ __  __ _ \\ \\ \\ \\",
    "( ( )\\___ | '_ | '_| | '_ \\/ _` | \\ \\ \\ \\",
    " \\\\/  ___)| |_)| | | | | || (_| |  ) ) ) )",
    "  '  |____| .__|_| |_|_| |_\\__, | / / / /",
    " =========|_|==============|___/=/_/_/_/",
    " :: Spring Boot ::                (v3.2.0)",
    "",
]


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
        ([json.dumps({**OURS, "requestId": "r", **SAME_ID})], "lambda", 1.0),
        # Any logger may write these: a legacy service's are its own.
        ([json.dumps({**OURS, **SAME_ID})], "json", 1.0),
        (['{"level":"INFO","message":"m","correlation_id":"CLM-1"}'], "json", 1.0),
        ([json.dumps({**OURS, "requestId": "r", **SAME_ID, "logger_name": "a.B", "@timestamp": 1})], "json", 1.0),
        (['{"time":"2026-11-21T03:30:10.123Z","type":"platform.start","record":{"requestId":"r"}}'], "lambda", 1.0),
    ],
)  # fmt: skip
def test_the_first_lines_decide(lines: list[str], name: str, confidence: float) -> None:
    """The share of lines that a format reads; below three quarters they are text."""
    assert detect(page(*lines)) == (name, confidence)


@pytest.mark.parametrize(
    "end",
    ["SystemExit: 1", "StopIteration", "requests.exceptions.ReadTimeout:", "claims.models.Claim.DoesNotExist: 7",
     "subprocess.TimeoutExpired: Command 'x' timed out", "claims.X: y", "KeyError: 'z'"],
)  # fmt: skip
def test_a_trace_may_end_with_any_exception(end: str) -> None:
    """It is not counted, in whatever part of it the lines begin."""
    trace = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    raise X", end]
    assert detect(page(*[PYTHON, *trace] * 9)) == ("python", 1.0)
    for begin in range(3):
        assert detect(page(*trace[begin:], PYTHON)) == ("python", 1.0)


def test_a_name_is_of_a_trace_only_where_there_is_one() -> None:
    """Names with a colon begin many lines: two in three of these are none of the format."""
    assert detect(page(*[PYTHON, "claims.X: y", "StopIteration"] * 3)).name == "text"
    assert detect(page(*[SPRING, "a.b.Timeout: no", "\tat a.B.c(B.java:1)"] * 3)) == ("java", 1.0)
    assert detect(page(*[SPRING, "a.b.Timeout: no"] * 3)).name == "text"


def test_a_log_that_begins_within_a_trace() -> None:
    """More frames than are looked at, as rotation leaves them; and nothing but frames is text."""
    frames = [f"\tat a.b.C.d{n}(C.java:{n})" for n in range(25)]
    assert detect(page(*frames, *[SPRING] * 25)) == ("java", 1.0)
    assert detect(page(*frames)) == ("text", 1.0)


def test_a_banner_is_no_log() -> None:
    """Spring Boot's own, before few lines; a longer one where enough lines follow it."""
    found = detect(page(*BANNER, *[SPRING] * 12))
    assert (found.name, found.confidence > 0.9) == ("java", True)
    longer = ["Welcome to claims"] * 20
    assert detect(page(*longer, *[SPRING] * 200)) == ("java", 0.8)
    assert detect(page(*longer * 2, *[SPRING] * 400)) == ("java", 0.8)
    assert detect(page(*longer, *[SPRING] * 20)).name == "text"
    assert nearest(page(*longer, *[SPRING] * 20)) == ("java", 0.5)


@given(st.integers(0, LINES_LOOKED_AT), st.integers(LINES_LOOKED_AT * SAMPLES_MORE, 400))
def test_what_comes_before_a_log_of_some_length_does_not_hide_it(before: int, lines: int) -> None:
    """Up to as many lines as are looked at first: the confidence tells that they were there."""
    name, confidence = detect(page(*["x"] * before, *[SPRING] * lines))
    assert name == "java"
    assert (CONFIDENCE_LEAST if before else 1.0) <= confidence <= 1


@given(st.lists(st.tuples(st.sampled_from(["", "x", SPRING]), st.integers(0, 90)), max_size=5))
def test_what_text_is_nearest_to_is_what_its_confidence_lacks(runs: list[tuple[str, int]]) -> None:
    """Whatever runs of blank and other lines there are; what few read is never taken."""
    given = page(*(line for line, times in runs for _ in range(times)))
    found, near = detect(given), nearest(given)
    if found.name == "text" and found.confidence:
        assert near.confidence == pytest.approx(1 - found.confidence)
        assert near.confidence < CONFIDENCE_LEAST
    else:
        assert near == found


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T03:30:10.123+02:00 INFO  [main] a.B - x",
        "2026-11-21T03:30:10,123 INFO [main] a.b.C (C.java:12) - x",
        "2026-11-21T03:30:10.123Z [main] INFO  a.B - x",
    ],
)
def test_lines_of_java_are_not_pythons(line: str) -> None:
    """A thread in brackets before the logger's name is Java's, with a zone or a place, too."""
    assert detect(page(line)) == ("java", 1.0)


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
