"""The registry of formats, and the laws that each of them keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import tables
from subscribers.envelope import LogBatch, LogEvent
from subscribers.parse import AUTO, FORMATS, custom, parse
from subscribers.signals import Log, Origin
from tests.subscribers.lambda_stream import COLD, END, NOW, REQUEST, START, batch, logs

ACCESS = '127.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "GET / HTTP/1.1" 200 57 12345 "CLM-1" "-"'
PIECES = [
    START,
    END,
    COLD,
    ACCESS,
    "MONITORING|1795231810|1|count|a|#b:c",
    '{"resourceSpans":[{"scopeSpans":[{"spans":[',
    '{"timestamp":"2026-11-21T03:30:10.123Z","level":"INFO","message":"m"}',
    '{"time":"2026-11-21T03:30:10.123Z","type":"platform.report","record":{"requestId":"r","metrics":{',
    f"[ERROR]\t2026-11-21T03:30:10.123Z\t{REQUEST}\tm",
    "[ERROR] X: y\rTraceback (most recent call last):\r",
    f"2026-11-21T03:30:10.123Z {REQUEST} Task timed out after 3.00 seconds",
    "a:1|c|#b:c",
    "\ud800",
]
#: Whole lines, cut ones, glued ones and noise, lone surrogates among it.
messages = st.one_of(
    st.text(st.characters()),
    st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=3).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(0, 80)).map(lambda cut: cut[0][: cut[1]]),
    st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


def origin_of(group: str = "/aws/lambda/f") -> Origin:
    return Origin("1", "eu-west-1", group, "s", "f", "serverless")


@pytest.mark.parametrize("format", [*FORMATS, AUTO])
@given(st.lists(messages, max_size=8))
def test_every_format_takes_every_line(format: str, lines: list[str]) -> None:
    """Never raises; each event is told, joined or silent, IDs are unique, and a table holds every signal."""
    events = tuple(LogEvent(timestamp_ms=n // 2, message=line) for n, line in enumerate(lines))
    one = LogBatch(owner="1", log_group="g", log_stream="s", message_type="DATA_MESSAGE", events=events)
    parsed = parse(one, origin_of("g"), format, now_unix_nano=NOW)
    told = {signal.event_id.partition(":")[0] for signal in parsed.signals}
    assert told.isdisjoint(parsed.joined)
    assert set(parsed.joined.values()) <= told
    assert len(told) + len(parsed.joined) + parsed.silent == len(events)
    assert len({signal.event_id for signal in parsed.signals}) == len(parsed.signals)
    for signal in parsed.signals:
        tables.json_text(tables.row(signal)).encode()


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_keeps_the_order_and_the_bare_id(format: str) -> None:
    """Logs come in the order of the lines, each with its event's ID and arrival."""
    found = logs(parse(batch(ACCESS, "second", "third"), origin_of(), format, now_unix_nano=NOW))
    assert [log.message for log in found] == [ACCESS, "second", "third"]
    assert all(len(log.event_id) == 32 and log.observed_time_unix_nano == NOW for log in found)


def test_an_unknown_format_is_a_key_error() -> None:
    """The caller chose it; the edge knows what to do instead."""
    with pytest.raises(KeyError):
        parse(batch("x"), origin_of(), "cobol", now_unix_nano=NOW)


@pytest.mark.parametrize(
    ("group", "lines", "dataset"),
    [
        ("/aws/lambda/f", [ACCESS], "lambda.text"),
        ("/custom", [START, "x"], "lambda.platform"),
        ("/custom", ["\n", "x", '{"level":"INFO","message":"m"}'], "lambda.text"),
        ("/legacy", ["", ACCESS, ACCESS], "apache.access"),
        ("/legacy", [ACCESS, "no access"], "text"),
        ("/legacy", ["ERROR: it broke", '{"a":1}'], "text"),
        ("/legacy", [], ""),
    ],
)
def test_auto_looks_at_the_group_and_the_first_lines(group: str, lines: list[str], dataset: str) -> None:
    """Functions by their group or their lines, Apache where the lines are its, else text."""
    parsed = parse(batch(*lines, group=group), origin_of(group), AUTO, now_unix_nano=NOW)
    assert [log.dataset for log in logs(parsed)][:1] == ([dataset] if dataset else [])


def test_a_custom_format_is_the_same_each_time() -> None:
    """It remembers the headers of streams; options that describe none have no format."""
    assert custom({"csv": {}}, "Europe/Paris") is custom({"csv": {}}, "Europe/Paris")
    assert custom({"csv": {}}) is not custom({"csv": {"delimiter": ";"}})
    assert custom({"encoding": "cp037"}) is None


def test_text_that_no_sink_could_encode_is_mended() -> None:
    """A lone surrogate is not UTF-8; CloudWatch never sends one, files may."""
    (log,) = parse(batch("a\ud800b"), origin_of(), "text", now_unix_nano=NOW).signals
    assert isinstance(log, Log)
    assert log.message == "a?b"
