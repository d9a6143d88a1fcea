"""Lines of one record over several events of a stream, of every runtime."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import LogBatch, LogEvent
from subscribers.formats.records import BYTES_MAX, LINES_MAX
from subscribers.parse import parse
from subscribers.signals import Log
from tests.subscribers.lambda_stream import (
    END,
    NOW,
    ORIGIN,
    OTHER,
    REPORT,
    REQUEST,
    START,
    T0_MS,
    batch,
    logs,
    metrics,
    told,
)

PYTHON = """Traceback (most recent call last):
  File "/var/task/app.py", line 3, in handler
    claims[0]
IndexError: list index out of range

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/var/task/app.py", line 5, in handler
    raise ValueError("boom") from error
ValueError: boom"""
JAVA = """java.lang.IllegalStateException: boom
\tat com.acme.Handler.handleRequest(Handler.java:14)
\tat java.base/java.lang.Thread.run(Unknown Source)
Caused by: java.io.IOException: gone
\t... 7 more"""
NODE = """TypeError: boom
    at Runtime.handler (/var/task/index.js:4:3)
    at async /var/task/index.js:9:1"""
NET = """System.InvalidOperationException: boom
 ---> System.IO.IOException: gone
   at Claims.Handler.Read() in /src/Handler.cs:line 12
   --- End of inner exception stack trace ---
   at Claims.Handler.Run(String claim)"""
RUBY = """/var/task/app.rb:5:in 'handler': boom (RuntimeError)
\tfrom /var/task/app.rb:2:in 'block in <main>'"""
GO = """panic: boom [recovered]
\tpanic: boom

goroutine 1 [running]:
main.handler({0x1, 0x2})
\t/var/task/main.go:8 +0x27
created by main.main
exit status 2"""
TRACES = [
    pytest.param(PYTHON, "ValueError", "boom", "", id="python"),
    pytest.param(JAVA, "java.lang.IllegalStateException", "boom", "", id="java"),
    pytest.param(NODE, "TypeError", "boom", "", id="node"),
    pytest.param(NET, "System.InvalidOperationException", None, "", id="net"),
    pytest.param(RUBY, "RuntimeError", "boom", "", id="ruby"),
    pytest.param(GO, "panic", "boom", "FATAL", id="go"),
]


def spread(*messages: str, every_ms: int = 0) -> LogBatch:
    """A batch of events so many milliseconds apart."""
    events = tuple(
        LogEvent(timestamp_ms=T0_MS + n * every_ms, message=text) for n, text in enumerate(messages)
    )
    return LogBatch(
        owner=ORIGIN.account,
        log_group=ORIGIN.log_group,
        log_stream=ORIGIN.log_stream,
        filters=(),
        message_type="DATA_MESSAGE",
        events=events,
    )


@pytest.mark.parametrize("whole", [False, True], ids=["by line", "whole"])
@pytest.mark.parametrize(("trace", "error_type", "error_message", "level"), TRACES)
def test_a_stack_trace_is_one_log(
    trace: str, error_type: str, error_message: str | None, level: str, whole: bool
) -> None:
    """Whether each of its lines is an event or all are one: its type, message and stack; prints stay."""
    lines = [trace] if whole else trace.split("\n")
    parsed = told(START, "before", *(f"{line}\n" for line in lines), "after", END)
    _, before, log, after, _ = logs(parsed)
    assert (before.message, after.message, log.request_id) == ("before", "after", REQUEST)
    assert (log.error_type, log.error_stack, log.level) == (error_type, trace, level)
    if error_message is not None:
        assert (log.error_message, log.message) == (error_message, f"{error_type}: {error_message}")
    assert set(parsed.joined.values()) == ({log.event_id} if not whole else set())
    assert len(parsed.joined) == len(lines) - 1
    assert parsed.silent == 0


@pytest.mark.parametrize("whole", [False, True], ids=["by line", "whole"])
@pytest.mark.parametrize(
    ("record", "level"),
    [
        (f"2026-11-21T03:30:10.123Z\t{REQUEST}\tERROR\tfailed: ", "ERROR"),
        (f"2026-11-21 03:30:10 {REQUEST} ERROR Handler - failed\n", "ERROR"),
        ("", ""),
    ],
)
def test_a_record_keeps_what_it_said(record: str, level: str, whole: bool) -> None:
    """The stack is the exception's, the message the record's."""
    text = record + JAVA
    parsed = told(START, *([text] if whole else text.split("\n")), END)
    log = logs(parsed)[1]
    said = {"failed: ": "failed: java.lang.IllegalStateException: boom", "failed\n": "failed"}
    expected = next(
        (said[end] for end in said if record.endswith(end)), "java.lang.IllegalStateException: boom"
    )
    if record.endswith("failed\n") and not whole:
        # The head of the stack is a line of its own, and might be a print.
        assert [log.message for log in logs(parsed)[1:-1]] == [
            "failed",
            "java.lang.IllegalStateException: boom",
        ]
        log = logs(parsed)[2]
    else:
        assert (log.message, log.level) == (expected, level)
    assert (log.error_type, log.error_message) == ("java.lang.IllegalStateException", "boom")
    assert log.error_stack.startswith("java.lang.IllegalStateException: boom\n\tat ")
    assert log.error_stack.endswith("... 7 more")


def test_what_left_a_handler_in_java_is_an_error_of_its_invocation() -> None:
    """Java's runtime says message and type first; the text report has no status for it."""
    parsed = told(START, f"boom: java.lang.IllegalStateException\n{JAVA}\n", END, REPORT)
    log = logs(parsed)[1]
    assert (log.message, log.level) == ("boom: java.lang.IllegalStateException", "ERROR")
    assert (log.error_type, log.error_message, log.error_stack) == (
        "java.lang.IllegalStateException",
        "boom",
        JAVA,
    )
    assert [m.value for m in metrics(parsed) if m.name == "aws.lambda.errors"] == [1]


def test_node_writes_carriage_returns() -> None:
    """Where its output is no framed one, line ends are `\\r`."""
    line = f"2026-11-21T03:30:10.123Z\t{REQUEST}\tERROR\t{NODE}".replace("\n", "\r")
    log = logs(told(line))[0]
    assert (log.message, log.error_stack) == ("TypeError: boom", NODE)


FRAMES = JAVA.split("\n")


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["a print", "  an indented print"], 0),
        (["a print", "Error: of another print"], 0),
        ([FRAMES[0], "2026-11-21T03:30:10.123Z\t{r}\tINFO\tother", FRAMES[1]], 1),
        ([FRAMES[0], "claims.opened:1|c", FRAMES[1]], 1),
        ([FRAMES[0], '{"level":"INFO","message":"m"}', FRAMES[1]], 0),
        ([FRAMES[0], END, REPORT, FRAMES[1]], 0),
        ([FRAMES[1], FRAMES[2]], 1),
        ([*PYTHON.split("\n")[:4], "a print: after it"], 3),
        ([PYTHON.split("\n")[0], "a print"], 0),
        (["panic: boom", "goroutine 1 [running]:", "a print"], 1),
    ],
)
def test_only_what_can_be_nothing_else_is_joined(lines: list[str], joined: int) -> None:
    """By shape, with metric lines between at most, and of one invocation."""
    parsed = told(START, *(line.replace("{r}", REQUEST) for line in lines))
    assert len(parsed.joined) == joined


LONG = [
    "java.lang.IllegalStateException: no policy",
    "of claim 7",
    "",
    "claims.opened:1|c",
    "was found",
    *FRAMES[1:3],
]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (LONG, 5),
        (["TypeError: no policy", "of claim 7", "    at Runtime.handler (/var/task/index.js:4:3)"], 2),
        (["TypeError: no policy", "of claim 7\n    at Runtime.handler (/var/task/index.js:4:3)"], 1),
        (["Error: no policy", "of claim 7", "a print"], 0),
        (["Error: no policy", "retried", "java.lang.Error: no", FRAMES[1]], 1),
        (["Error: no policy", "retried", "com.acme.Refusal: no", FRAMES[1]], 1),
        (["Error: no policy", "retried", f"com.acme.Refusal: no\n{FRAMES[1]}"], 0),
        (["loaded config.yaml", "and more", FRAMES[1]], 1),
        (["Error: no policy", '{"level":"INFO","message":"m"}', "of claim 7", FRAMES[1]], 1),
        (["Error: no policy", END, REPORT, "of claim 7", FRAMES[1]], 1),
        (["Error: no policy", *["more"] * 25, FRAMES[1]], 1),
    ],
)
def test_the_message_of_an_exception_may_have_lines(lines: list[str], joined: int) -> None:
    """Those between its name and its first frame, if nothing else can be meant by them."""
    parsed = told(START, *lines)
    assert len(parsed.joined) == joined


def test_a_message_of_several_lines_is_the_errors() -> None:
    """As it is where the runtime writes the stack trace at once."""
    _, log = logs(told(START, *LONG))
    assert log.error_type == "java.lang.IllegalStateException"
    assert log.error_message == "no policy\nof claim 7\n\nwas found"
    assert log.error_stack.split("\n")[0] == LONG[0]
    assert log.error_stack.endswith(FRAMES[2])


def test_nothing_is_guessed_between_two_open_invocations() -> None:
    """Their lines are mixed, and those without a request may be of either."""
    parsed = told(START, START.replace(REQUEST, OTHER), *FRAMES)
    assert not parsed.joined
    assert len(logs(parsed)) == 2 + len(FRAMES)


@pytest.mark.parametrize(("every_ms", "joined"), [(0, 4), (1000, 4), (1001, 0)])
def test_lines_of_a_trace_come_within_a_second(every_ms: int, joined: int) -> None:
    """A frame that comes later is of another trace."""
    parsed = parse(spread(*FRAMES, every_ms=every_ms), ORIGIN, "lambda", now_unix_nano=NOW)
    assert len(parsed.joined) == joined


def test_a_record_grows_to_its_limit() -> None:
    """What comes then is a log of its own, with the same time, counted."""
    frames = [f"\tat com.acme.Handler.call{n}(Handler.java:{n})" for n in range(LINES_MAX + 5)]
    parsed = parse(spread(FRAMES[0], *frames, every_ms=1), ORIGIN, "lambda", now_unix_nano=NOW)
    first, rest = logs(parsed)
    assert len(first.error_stack.split("\n")) == LINES_MAX
    assert parsed.notes == {"cut_continuation": 1}
    assert rest.time_unix_nano == first.time_unix_nano
    assert rest.error_stack.split("\n") == frames[LINES_MAX - 1 :]
    assert rest.message == frames[LINES_MAX - 1].strip()
    code = [PYTHON.split("\n")[0], *['  File "a.py", line 1, in f'] * (2 * LINES_MAX), "ValueError: boom"]
    parsed = told(*code)
    assert [len(log.error_stack or log.message) > 9 for log in logs(parsed)] == [True] * 3
    assert (len(parsed.joined), parsed.notes) == (len(code) - 3, {"cut_continuation": 2})
    wide = [f"\tat com.acme.Handler.call({'x' * 20_000})"] * 5
    assert told(FRAMES[0], *wide).notes == {"cut_continuation": 1}
    assert all(len(log.error_stack) <= BYTES_MAX for log in logs(told(FRAMES[0], *wide)))


LINES = [
    *(START, END, REPORT, "", "a print\n", "ValueError: boom", "claims.opened:1|c", "Runtime.ExitError"),
    f"RequestId: {REQUEST} Error: Runtime exited with error: exit status 1",
    f"2026-11-21T03:30:10.123Z\t{REQUEST}\tERROR\tfailed",
    '{"level":"INFO","message":"m"}',
    *LONG,
    *(line for trace in (PYTHON, JAVA, NODE, NET, RUBY, GO) for line in trace.split("\n")),
]


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=8), max_size=25))
def test_every_event_is_a_signal_or_part_of_one_or_silent(lines: list[str]) -> None:
    """A law: events = those with signals + joined + silent, and what is joined is part of a log."""
    parsed = told(*lines)
    with_signals = {signal.event_id.partition(":")[0] for signal in parsed.signals}
    owners = {signal.event_id for signal in parsed.signals if isinstance(signal, Log)}
    assert set(parsed.joined.values()) <= owners
    assert not with_signals & parsed.joined.keys()
    assert len(with_signals) + len(parsed.joined) + parsed.silent == len(lines)


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=8), max_size=25))
def test_no_word_is_lost(lines: list[str]) -> None:
    """A law: each joined line is in the message or the stack of the log it is part of."""
    given_batch = batch(*lines)
    parsed = parse(given_batch, ORIGIN, "lambda", now_unix_nano=NOW)
    text = {log.event_id: f"{log.message}\n{log.error_stack}\n{log.error_type}" for log in logs(parsed)}
    ids = [log.event_id for log in logs(parsed)]
    assert len(set(ids)) == len(ids)
    everything = "\n".join(text.values())
    for event in given_batch.events:
        message = event.message.rstrip("\r\n")
        if message.startswith(("\t", "  ", "Caused by", "goroutine")) and message.strip():
            assert message.strip() in everything
