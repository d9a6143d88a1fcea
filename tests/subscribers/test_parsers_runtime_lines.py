"""The text lines of Node.js, .NET, Java, Ruby and Go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.parsers import serverless
from subscribers.parsers.page import Line, Page
from tests.subscribers.lambda_stream import (
    END,
    NOW,
    ORIGIN,
    REPORT,
    REQUEST,
    START,
    T0_MS,
    log_of,
    logs,
    metrics,
    spans,
    told,
)

T0 = T0_MS * 1_000_000
AT = "2026-11-21T03:30:10.123Z"


@pytest.mark.parametrize(
    ("line", "level", "message", "request_id", "below_ns", "attributes"),
    [
        # Node.js; before 10 without a level, while a module is loaded without a request.
        (f"{AT}\t{REQUEST}\tINFO\ta\tb\n", "INFO", "a\tb", REQUEST, 123_000_000, {}),
        (f"{AT}\t{REQUEST}\tWARN\t", "WARN", "", REQUEST, 123_000_000, {}),
        (f"{AT}\tundefined\tERROR\tat import", "ERROR", "at import", "", 123_000_000, {}),
        (f"{AT}\t{REQUEST}\tof Node.js 8\tb", "", "of Node.js 8\tb", REQUEST, 123_000_000, {}),
        # .NET
        (f"{AT}\t{REQUEST}\tinfo\ttold", "INFO", "told", REQUEST, 123_000_000, {}),
        (f"{AT}\t{REQUEST}\tfail\ttold", "ERROR", "told", REQUEST, 123_000_000, {}),
        (f"{AT}\t\tinfo\tbefore a request", "INFO", "before a request", "", 123_000_000, {}),
        (f"{AT}\t{REQUEST}\tcrit\ttold", "FATAL", "told", REQUEST, 123_000_000, {}),
        (f"{AT}\t{REQUEST}\ttrce\ttold", "TRACE", "told", REQUEST, 123_000_000, {}),
        # Ruby
        (
            f"W, [2026-11-21T03:30:10.123456 #8]  WARN {REQUEST} -- claims: late: 3",
            "WARN",
            "late: 3",
            REQUEST,
            123_456_000,
            {"process.pid": 8, "log.logger": "claims"},
        ),
        (
            "I, [2026-11-21T03:30:10.123456 #8]  INFO -- : told",
            "INFO",
            "told",
            "",
            123_456_000,
            {"process.pid": 8},
        ),
        # Java
        (
            f"2026-11-21 03:30:10 {REQUEST} INFO  Handler - told - twice",
            "INFO",
            "told - twice",
            REQUEST,
            0,
            {"log.logger": "Handler"},
        ),
        (
            f"2026-11-21 03:30:10,500 {REQUEST} ERROR com.acme.Handler:12 - told",
            "ERROR",
            "told",
            REQUEST,
            500_000_000,
            {"log.logger": "com.acme.Handler:12"},
        ),
        ("[WARN] told by LambdaLogger", "WARN", "[WARN] told by LambdaLogger", "", 0, {}),
        # Go
        ("2026/11/21 03:30:10 of seconds", "", "2026/11/21 03:30:10 of seconds", "", 0, {}),
        ("2026/11/21 03:30:10.123456 x", "", "2026/11/21 03:30:10.123456 x", "", 123_456_000, {}),
        # bash, with `set -x`
        ("+ aws s3 cp a b", "", "+ aws s3 cp a b", "", 0, {}),
    ],
)
def test_a_line_of_a_runtime_is_read(
    line: str, level: str, message: str, request_id: str, below_ns: int, attributes: dict[str, Any]
) -> None:
    """Level, message, request, and the time where the line knows more than CloudWatch."""
    log = log_of(line)
    assert (log.dataset, log.level, log.message, log.request_id) == (
        "lambda.text",
        level,
        message,
        request_id,
    )
    assert (log.time_unix_nano, log.time_from) == (T0 + below_ns, "line" if below_ns else "event")
    assert log.attributes == attributes


@pytest.mark.parametrize(
    "line",
    [
        f"{AT}\tnobody\tINFO\tm",
        f"2026-11-21T03:30:10Z\t{REQUEST}\tINFO\tm",
        f"2026-99-21T03:30:10.123Z\t{REQUEST}\tINFO\tm",
        f"{AT}\tundefined\tof nobody",
        f"I, [2026-99-21T03:30:10.123456 #8]  INFO {REQUEST} -- : m",
        "I, too",
        "2026-99-21 03:30:10,500 INFO  Handler - told",
        "2026-11-21 03:30:10 INFO",
        "2026/99/21 03:30:10.123456 x",
        "[LOUD] m",
        "[INFO]m",
    ],
)
def test_what_is_no_line_of_a_runtime_is_a_print(line: str) -> None:
    """Every byte, at CloudWatch's time."""
    log = log_of(line)
    assert (log.message, log.level, log.request_id, log.time_unix_nano) == (line, "", "", T0)


@pytest.mark.parametrize("said", ["Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection"])
def test_an_error_that_nobody_caught_in_node(said: str) -> None:
    """JSON behind the words: what is not type, message or stack is data; the invocation failed once."""
    stack = ["TypeError: boom", "    at handler (/var/task/index.js:4:3)"]
    document = {"errorType": "TypeError", "errorMessage": "boom", "code": 7, "stack": stack}
    line = f"{AT}\t{REQUEST}\tERROR\t{said} \t{json.dumps(document)}\n"
    parsed = told(START, line, END, REPORT)
    log = logs(parsed)[1]
    assert (log.message, log.error_type, log.error_message) == ("TypeError: boom", "TypeError", "boom")
    assert (log.error_stack, log.attributes) == ("\n".join(stack), {"code": 7})
    assert [m.value for m in metrics(parsed) if m.name == "aws.lambda.errors"] == [1]
    assert (spans(parsed)[0].status, spans(parsed)[0].status_message) == ("error", "TypeError")


@pytest.mark.parametrize("text", ["[1]", "{broken", '"x"', ""])
def test_words_without_their_json_are_a_message(text: str) -> None:
    """Somebody logged them."""
    log = log_of(f"{AT}\t{REQUEST}\tERROR\tInvoke Error\t{text}")
    assert (log.message, log.error_type) == (f"Invoke Error\t{text}", "")


def test_json_that_node_logged_is_read() -> None:
    """A record says its own level and message, data becomes attributes."""
    record = json.dumps({"level": "error", "message": "late", "claim": 7})
    log = log_of(f"{AT}\t{REQUEST}\tINFO\t{record}")
    assert (log.level, log.message, log.attributes, log.request_id) == (
        "ERROR",
        "late",
        {"claim": 7},
        REQUEST,
    )
    data = log_of(f"{AT}\t{REQUEST}\tINFO\t" + '{"claim":7}')
    assert (data.level, data.message, data.attributes) == ("INFO", '{"claim":7}', {"claim": 7})


def test_an_error_of_the_handler_in_go_and_ruby() -> None:
    """Their runtimes write the reply as JSON and nothing else."""
    go = {
        "errorMessage": "boom",
        "errorType": "errorString",
        "stackTrace": [{"path": "main.go", "line": 8, "label": "handler"}],
    }
    ruby = {
        "errorMessage": "boom",
        "errorType": "Function<RuntimeError>",
        "stackTrace": ["/var/task/a.rb:5:in `f'"],
    }
    for document, stack in ((go, "handler (main.go:8)"), (ruby, "/var/task/a.rb:5:in `f'")):
        parsed = told(START, json.dumps(document, indent=2), END, REPORT)
        log = logs(parsed)[1]
        assert (log.error_type, log.error_message) == (document["errorType"], "boom")
        assert log.error_stack == stack
        assert [m.value for m in metrics(parsed) if m.name == "aws.lambda.errors"] == [1]


@pytest.mark.parametrize(
    ("line", "proves"),
    [
        (f"{AT}\t{REQUEST}\tINFO\tm", True),
        (f"I, [2026-11-21T03:30:10.123456 #8]  INFO {REQUEST} -- : m", True),
        ("EXTENSION\tName: a\tState: Ready\tEvents: []", True),
        ("I, [2026-11-21T03:30:10.123456 #8]  INFO -- : m", False),
        (f"{AT}\t\tinfo\tm", False),
        (f"{AT}\t{REQUEST}\tm", False),
        ("[INFO] m", False),
        ("2026-11-21 03:30:10,500 INFO  Handler - told", False),
        ("2026/11/21 03:30:10.123456 x", False),
    ],
)
def test_what_any_program_writes_proves_nothing(line: str, proves: bool) -> None:
    """`format: auto` takes a stream for a function's by such a line."""
    page = Page(origin=ORIGIN, events=(), event_ids=[], now_unix_nano=NOW)
    assert serverless.recognises(Line("id", 0, T0, line), page) is proves


PIECES = [
    AT,
    "\t",
    REQUEST,
    "undefined",
    "INFO",
    "fail",
    "Invoke Error ",
    '{"errorType":1}',
    "I, [",
    " #8]  ",
    " -- ",
]


@given(
    st.lists(st.sampled_from([*PIECES, "[INFO] ", "2026/11/21 ", ": "]) | st.text(max_size=4)).map("".join)
)
def test_any_text_is_read_without_raising(line: str) -> None:
    """One log, or none where the line is blank."""
    parsed = told(line)
    assert len(logs(parsed)) == bool(line.strip(" \t\r\n"))


HEAP = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
CORE = [" 1: 0xb7b3e0 node::Abort() [/var/lang/bin/node]", "10: 0x7f3a2b1c4d5e  [/lib64/libc.so.6]"]
ABORTED = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: aborted\nRuntime.ExitError"


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("error_type", ["Runtime.ExitError", "Runtime.OutOfMemory"])
def test_a_full_heap_is_out_of_memory_once(whole: bool, error_type: str) -> None:
    """Node.js says so itself, though the function's memory is not used up; whatever the report calls it."""
    lines = ["\n".join((HEAP, *CORE))] if whole else [HEAP, *CORE]
    parsed = told(START, *lines, ABORTED, END, f"{REPORT}Status: error\tError Type: {error_type}")
    counted = {m.name: m.value for m in metrics(parsed) if m.kind == "count"}
    assert counted["aws.lambda.out_of_memory"] == counted["aws.lambda.errors"] == 1
    (oom,) = [m for m in metrics(parsed) if m.name == "aws.lambda.out_of_memory"]
    assert (oom.tags["faas.name"], oom.request_id) == ("claims", REQUEST)
    log = logs(parsed)[1]
    assert (log.level, log.error_type, log.message) == ("FATAL", "Runtime.OutOfMemory", HEAP)
    assert log.error_message == HEAP.removeprefix("FATAL ERROR: ")
    assert log.error_stack == "\n".join(CORE)
    (span,) = spans(parsed)
    assert (span.status, span.status_message) == ("error", "Runtime.OutOfMemory")


@pytest.mark.parametrize("line", ["FATAL ERROR: v8::FromJust Maybe value is Nothing", f"seen: {HEAP}"])
def test_other_fatal_errors_are_not_out_of_memory(line: str) -> None:
    """Nor is a print that speaks of one."""
    parsed = told(START, line, END, REPORT)
    assert all(m.name != "aws.lambda.out_of_memory" for m in metrics(parsed))
