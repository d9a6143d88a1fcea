# ruff: noqa: E501 - tables of cases, one a line
"""log4j's and logback's lines: layouts, continuations, times, and the identity in the log context."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from observe.ids import derive_trace_id
from subscribers.parse import Parsed, custom, parse
from subscribers.parsers import log4j
from subscribers.signals import Log, Origin
from tests.subscribers.lambda_stream import NOW, SPAN, T0_MS, TRACE, batch, logs

ORIGIN = Origin("123456789012", "eu-west-1", "/legacy/claims/app", "app-1", "claims-legacy", "legacy")
LAYOUT = "%d{ISO8601} %-5p [%t] %c{1} [%X{correlationId}] - %m%n"
LINE = "2026-11-21 03:30:10,123 INFO  [http-8080-1] ClaimService [CLM-1] - claim accepted"
T0 = T0_MS * 1_000_000 + 123_000_000


def told(
    pattern: str, *lines: str, kind: str = "log4j", timezone: str = "UTC", correlation_field: str = ""
) -> Parsed:
    """What lines of one layout become."""
    format = custom({kind: pattern}, timezone, correlation_field)
    assert format is not None
    return parse(batch(*lines), ORIGIN, format, now_unix_nano=NOW)


def one(pattern: str, *lines: str, **options: str) -> Log:
    """The only log of the lines."""
    parsed = told(pattern, *lines, **options)
    assert not parsed.notes
    (log,) = logs(parsed)
    return log


def test_a_line_is_a_log() -> None:
    """Time, level, message, logger, thread and correlation are where they belong."""
    log = one(LAYOUT, LINE)
    assert (log.message, log.level, log.dataset) == ("claim accepted", "INFO", "log4j")
    assert (log.time_unix_nano, log.time_from) == (T0, "line")
    assert (log.correlation_id, log.trace_id, log.span_id) == ("CLM-1", derive_trace_id("CLM-1"), "")
    assert log.attributes == {"log.logger": "ClaimService", "thread.name": "http-8080-1"}


# (pattern, line, message, level, attributes): log4j's manual and configurations as they are found.
SAMPLES = [
    ("%r [%t] %-5p %c %x - %m%n", "176 [main] INFO  org.foo.Bar  - Located.", "Located.", "INFO", {"log4j.relative_ms": "176", "thread.name": "main", "log.logger": "org.foo.Bar"}),
    ("%-6r [%15.15t] %-5p %30.30c %x - %m%n", "225    [       MyThread] INFO             examples.BubbleSort in loop - Entered", "Entered", "INFO", {"log4j.relative_ms": "225", "thread.name": "MyThread", "log.logger": "examples.BubbleSort", "log4j.ndc": "in loop"}),
    ("%d [%t] %-5level %logger{36} - %msg%n%throwable", "2026-11-21 03:30:10,123 [main] WARN  a.b.C - a - b", "a - b", "WARN", {"thread.name": "main", "log.logger": "a.b.C"}),
    ("%d{DATE} %5p %C.%M(%F:%L) %m", "21 Nov 2026 03:30:10,123  WARN a.B.run(B.java:42) x", "x", "WARN", {"code.namespace": "a.B", "code.function.name": "run", "code.file.path": "B.java", "code.line.number": 42}),
    ("%d{ISO8601_BASIC}|%p|%X{user}|%m [%t]%n", "20261121T033010,123|ERROR|ann|it [broke] [main-1]", "it [broke]", "ERROR", {"log4j.mdc.user": "ann", "thread.name": "main-1"}),
    ("%d %p %X %m%n", "2026-11-21 03:30:10,123 DEBUG {a=1, b=2, 3} {x} y", "{x} y", "DEBUG", {"log4j.mdc.a": "1", "log4j.mdc.b": "2, 3"}),
    ("%d %p %X %m%n", "2026-11-21 03:30:10,123 DEBUG {{a,1}{b,2}} y", "y", "DEBUG", {"log4j.mdc.a": "1", "log4j.mdc.b": "2"}),
    ("%d %p %m %X%n", "2026-11-21 03:30:10,123 DEBUG y {a=1, b=2}", "y", "DEBUG", {"log4j.mdc.a": "1", "log4j.mdc.b": "2"}),
    ("100%% %d %p{length=1} %m", "100% 2026-11-21 03:30:10,123 W a", "a", "WARN", {}),
    ("%d %level{WARN=Warning, lowerCase=true}: %m", "2026-11-21 03:30:10,123 Warning: a", "a", "WARN", {}),
    ("(%d) [%p].* %m", "(2026-11-21 03:30:10,123) [TRACE].* a", "a", "TRACE", {}),
    ("%d %p %m (%L)%n", "2026-11-21 03:30:10,123 SEVERE a (?)", "a", "", {}),
    ("%d%t%m%n", "2026-11-21 03:30:10,123main a", " a", "", {"thread.name": "main"}),
    ("%d %p - %m %X{a} %n", "2026-11-21 03:30:10,123 INFO - a b  ", "a b", "INFO", {}),
    ("%d %p - %m %n", "2026-11-21 03:30:10,123 INFO - a b ", "a b", "INFO", {}),
    ("%d %p - %m %n", "2026-11-21 03:30:10,123 INFO - a b", "a b", "INFO", {}),
    ("%d{UNIX_MILLIS} %p %msgx", f"{T0_MS + 123} INFO hix", "hi", "INFO", {}),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "line", "message", "level", "attributes"), SAMPLES)
def test_layouts_as_they_are_found(
    pattern: str, line: str, message: str, level: str, attributes: dict[str, object]
) -> None:
    """Widths, order, maps, percent signs and what stands behind the message."""
    log = one(pattern, line)
    assert (log.message, log.level, log.attributes) == (message, level, attributes)


def test_logback_shares_the_reader() -> None:
    """Its names and its options are nearly the same; the dataset says whose lines these are."""
    pattern = '%d{"yyyy-MM-dd HH:mm:ss,SSS", Europe/Paris} [%thread] %-5level %logger{36} %X{user:-nobody} - %msg%n%ex'
    log = one(pattern, "2026-11-21 04:30:10,123 [main] ERROR a.B ann - boom", kind="logback")
    assert (log.time_unix_nano, log.level, log.dataset) == (T0, "ERROR", "logback")
    assert log.attributes["logback.mdc.user"] == "ann"


# --- Times ----------------------------------------------------------------------------------

TIMES = [
    ("%d", "2026-11-21 03:30:10,123"),
    ("%date{ISO8601}", "2026-11-21T03:30:10,123"),
    ("%d{ABSOLUTE}", "03:30:10,123"),
    ("%d{DATE}", "21 Nov 2026 03:30:10,123"),
    ("%d{COMPACT}", "20261121033010123"),
    ("%d{UNIX_MILLIS}", f"{T0_MS + 123}"),
    ("%d{dd/MM/yy hh:mm:ss.SSS a}", "21/11/26 03:30:10.123 AM"),
    ("%d{EEE, d MMMM yyyy k:mm:ss.SSS}", "Sat, 21 November 2026 3:30:10.123"),
    ("%d{MM-dd HH:mm:ss.SSS}", "11-21 03:30:10.123"),
    ("%d{yyyy-DDD HH:mm:ss.SSS}", "2026-325 03:30:10.123"),
    ("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}", "2026-11-21T04:30:10.123+01:00"),
    ("%d{yyyy-MM-dd HH:mm:ss.SSS Z}", "2026-11-20 22:30:10.123 -0500"),
    ("%d{yyyy-MM-dd HH:mm:ss.SSSSSS z}", "2026-11-21 03:30:10.123000 GMT"),
    ("%d{ISO8601}{Asia/Tokyo}", "2026-11-21 12:30:10,123"),
    ("%d{HH 'o''clock' mm:ss,SSS}{GMT+1}", "04 o'clock 30:10,123"),
    ("%d{yyyy-MM-dd}T%d{HH:mm:ss.SSS}", "2026-11-21T03:30:10.123"),
]


@pytest.mark.parametrize(("pattern", "text"), TIMES)
@pytest.mark.parametrize("where", ["{} %m", "%m {}"])
def test_times(pattern: str, text: str, where: str) -> None:
    """Every notation is the same moment, before and behind the message."""
    log = one(where.replace("{}", pattern), where.replace("{}", text).replace("%m", "hi"))
    assert (log.time_unix_nano, log.time_from, log.message) == (T0, "line", "hi")


@pytest.mark.parametrize("pattern", ["%d{UNIX} %m", "%d{yyyy-MM-dd HH:mm:ss} %m"])
def test_whole_seconds(pattern: str) -> None:
    """A line that knows no fraction says so."""
    text = str(T0_MS // 1000) if "UNIX" in pattern else "2026-11-21 03:30:10"
    assert one(pattern, f"{text} x").time_unix_nano == T0_MS * 1_000_000


@pytest.mark.parametrize("text", ["2026-13-41 03:30:10", "2026-02-30 03:30:10", "0000-00-00 99:99:99"])
def test_a_date_that_is_none_leaves_the_events_time(text: str) -> None:
    """The line is a record all the same."""
    log = one("%d{yyyy-MM-dd HH:mm:ss} %m", f"{text} x")
    assert (log.time_unix_nano, log.time_from, log.message) == (T0_MS * 1_000_000, "event", "x")


def paris(text: str, at: datetime) -> float:
    """Epoch seconds of a wall clock in Paris on a line that CloudWatch saw at `at`."""
    format = log4j.reader("log4j", "%d{yyyy-MM-dd HH:mm:ss} %m", "Europe/Paris")
    one_line = batch(f"{text} x")
    (event,) = one_line.events
    moved = type(event)(timestamp_ms=int(at.timestamp() * 1000), message=event.message)
    page = type(one_line)(
        owner="1", log_group="g", log_stream="s", message_type="DATA_MESSAGE", events=(moved,)
    )
    (log,) = logs(parse(page, ORIGIN, format, now_unix_nano=NOW))
    return log.time_unix_nano / 1e9


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_that_comes_twice(hour: int) -> None:
    """When summer ends, CloudWatch's time tells which of the two it was."""
    at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    assert paris("2026-10-25 02:30:00", at) == at.timestamp()


def test_the_hour_that_does_not_exist() -> None:
    """When summer begins, a clock that was not put forward is an hour off at most."""
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert abs(paris("2026-03-29 02:30:00", at) - at.timestamp()) <= 3600


def test_a_day_that_the_line_leaves_out_is_the_nearest() -> None:
    """Midnight lies between the line and CloudWatch."""
    (log,) = logs(told("%d{ABSOLUTE} %m", "23:59:59,000 x", timezone="Asia/Tokyo"))
    local = datetime.fromtimestamp(log.time_unix_nano / 1e9, ZoneInfo("Asia/Tokyo"))
    assert (local.day, local.hour, local.minute) == (21, 23, 59)
    assert abs(log.time_unix_nano - T0) < 12 * 3600 * 10**9


# --- Continuations --------------------------------------------------------------------------

STACK = [
    "java.lang.IllegalStateException: no policy",
    "  for CLM-1",
    "\tat com.example.Claims.check(Claims.java:42)",
    "\tat java.base/java.lang.Thread.run(Thread.java:833) ~[?:?]",
    "Caused by: java.io.IOException: disk",
    "\tat com.example.Disk.read(Disk.java:7)",
    "\t... 12 more",
]


def test_a_stack_trace_belongs_to_its_line() -> None:
    """Its head says which exception; the lines count as delivered with their log."""
    parsed = told(LAYOUT, LINE, LINE.replace("INFO ", "ERROR"), *STACK, LINE)
    first, second, third = logs(parsed)
    assert (second.message, second.error_stack) == ("claim accepted", "\n".join(STACK))
    assert second.error_type == "java.lang.IllegalStateException"
    assert second.error_message == "no policy\n  for CLM-1"
    assert not first.error_stack + third.error_stack
    assert (len(parsed.joined), set(parsed.joined.values())) == (7, {second.event_id})


def test_one_event_of_several_lines() -> None:
    """Agents that join lines themselves send one event; the pattern is its first line's."""
    log = one(LAYOUT.replace("%n", " [%F]%n"), f"{LINE} [A.java]\r\n" + "\r\n".join(STACK))
    assert (log.error_type, log.error_stack) == ("java.lang.IllegalStateException", "\n".join(STACK))
    assert log.attributes["code.file.path"] == "A.java"


def test_a_stack_trace_whose_head_is_on_the_line() -> None:
    """`%m %ex` writes the exception behind the message."""
    log = one("%d %p %m %ex%n", "2026-11-21 03:30:10,123 ERROR oh java.io.IOException: disk", STACK[2])
    assert (log.error_type, log.error_message) == ("java.io.IOException", "disk")


def test_without_a_head_the_cause_is_named() -> None:
    """A page may begin within a stack trace."""
    log = one("%d %p %m%n", "2026-11-21 03:30:10,123 ERROR oh", *STACK[4:])
    assert (log.error_type, log.error_message) == ("java.io.IOException", "disk")


def test_a_python_traceback() -> None:
    """The type is in its last line."""
    stack = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    g()", "ValueError: no"]
    log = one("%d %p %m%n", "2026-11-21 03:30:10,123 ERROR oh", *stack)
    assert (log.message, log.error_type, log.error_message) == ("oh", "ValueError", "no")
    assert log.error_stack == "\n".join(stack)


def test_other_lines_are_more_of_the_message() -> None:
    """A message of several lines, a blank one within, and what follows a stack trace."""
    parsed = told(LAYOUT, LINE, "<xml>", "", "com.example.Name: x", "</xml>", *STACK, "done", "")
    (log,) = logs(parsed)
    assert log.message == "claim accepted\n<xml>\n\ncom.example.Name: x\n</xml>\ndone"
    assert (log.error_stack, parsed.silent) == ("\n".join(STACK), 2)


def test_what_nothing_comes_before_stays_a_line() -> None:
    """The page began in the middle of a record."""
    parsed = told(LAYOUT, "\tat a.B.c(B.java:1)", "more", LINE)
    assert [log.dataset for log in logs(parsed)] == ["text", "text", "log4j"]
    assert (parsed.notes, parsed.joined) == ({"unparsed": 2}, {})


@pytest.mark.parametrize(("line", "pieces"), [("x", 2), ("é" * 20_000, 25), ("y" * 100_000, 26)])
def test_a_log_is_bounded_and_nothing_lost(line: str, pieces: int) -> None:
    """What is too much for one log goes on in the next, of the same identity, and is counted."""
    count = log4j.LINES_MAX + 10 if line == "x" else 25
    parsed = told(LAYOUT, LINE, *[line] * count)
    found = logs(parsed)
    assert (len(found), parsed.notes) == (pieces, {"cut_continuation": pieces - 1})
    assert {log.correlation_id for log in found} == {"CLM-1"}
    assert sum(log.message.count(line) for log in found) == count
    assert len(found) + len(parsed.joined) == count + 1


def test_a_layout_that_any_text_fits_still_knows_frames() -> None:
    """`%m%n` says nothing about the line."""
    parsed = told("%m%n", "oh", *STACK[2:], "next")
    assert [log.message for log in logs(parsed)] == ["oh", "next"]


# --- Identity -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["correlationId", "X-Correlation-ID", "correlation_id", "CORRELATION", "correlation-id"]
)
def test_every_spelling_of_the_correlation_id(key: str) -> None:
    """Without case, - and _."""
    log = one(f"%d %X{{{key}}} %m", "2026-11-21 03:30:10,123 CLM-1 hi")
    assert (log.correlation_id, log.trace_id, log.attributes) == ("CLM-1", derive_trace_id("CLM-1"), {})


def mdc(text: str, **options: str) -> Log:
    """The log of a line with this MDC."""
    return one("%d %X %m", f"2026-11-21 03:30:10,123 {{{text}}} hi", **options)


def test_a_request_id_is_no_correlation_id() -> None:
    """A proxy's ID is of one hop."""
    log = mdc("x-request-id=r-1, requestId=r-2")
    assert (log.correlation_id, log.trace_id) == ("", "")
    assert log.attributes == {"log4j.mdc.x-request-id": "r-1", "log4j.mdc.requestId": "r-2"}


def test_the_services_own_field() -> None:
    """`correlation_field` names it, and wins."""
    log = mdc("correlationId=a, vorgangsId=V-1", correlation_field="Vorgangs-ID")
    assert (log.correlation_id, log.attributes) == ("V-1", {})


@pytest.mark.parametrize(
    "text",
    [f"traceparent=00-{TRACE}-{SPAN}-01", f"trace_id={TRACE}, span_id={SPAN}", f"traceId={TRACE.upper()}, spanId={SPAN}"],
)  # fmt: skip
def test_a_trace_of_its_own(text: str) -> None:
    """W3C's header, or what OpenTelemetry's agent puts there; the correlation ID stays."""
    log = mdc(f"{text}, correlation_id=CLM-1")
    assert (log.trace_id, log.span_id, log.correlation_id) == (TRACE, SPAN, "CLM-1")


@pytest.mark.parametrize("value", ["-", "null", "", " "])
def test_absent_values(value: str) -> None:
    """What frameworks write for nothing."""
    log = one("%d [%X{correlationId}] [%X{a}] %m", f"2026-11-21 03:30:10,123 [{value}] [{value}] hi")
    assert (log.correlation_id, log.trace_id, log.attributes) == ("", "", {})


def test_what_may_not_pass_the_trust_edge() -> None:
    """It is known by its derived ID, as the layer does."""
    log = one("%d [%X{correlationId}] %m", "2026-11-21 03:30:10,123 [rm -rf *] hi")
    assert log.correlation_id == log.trace_id == derive_trace_id("rm -rf *")


@pytest.mark.parametrize(
    "ids", [f"trace_id={'0' * 32}", "trace_id=nonsense", "traceparent=x", f"span_id={SPAN}"]
)
def test_ids_that_are_none(ids: str) -> None:
    """A span ID without a trace is nothing."""
    log = mdc(ids)
    assert (log.trace_id, log.span_id) == ("", "")
