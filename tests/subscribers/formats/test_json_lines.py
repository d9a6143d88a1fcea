# ruff: noqa: E501 - tables of cases, one a line
"""JSON lines of the loggers in use, written by them, and what each tells."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats import json_lines, loggers
from subscribers.formats.told import Clock, Told

NEAR = 1_795_277_339_000_000_000
CLOCK = Clock(UTC, NEAR)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
JS_STACK = "TypeError: boom\n    at Object.<anonymous> (/app/gen.js:2:138)\n    at Module._compile (node:internal:1521:14)"
PY_STACK = 'Traceback (most recent call last):\n  File "/app/gen.py", line 7, in f\n    1/0\nZeroDivisionError: division by zero'
JAVA_STACK = "java.lang.IllegalStateException: no policy\n\tat a.B.c(B.java:1)\n\tat java.base/java.lang.Thread.run(Thread.java:833)"
NET_STACK = "System.InvalidOperationException: no policy\n   at Claims.Check(Claim claim) in C:\\src\\Claims.cs:line 7"


def told(line: str | dict[str, Any]) -> Told:
    """What a line tells, as the format `json`."""
    found = json_lines.read(line if isinstance(line, str) else json.dumps(line), CLOCK)
    assert found is not None
    return found


# (who wrote it, the line, milliseconds after NEAR or None, level, message, attributes)
LINES = [
    (
        "pino",
        f'{{"level":30,"time":1795277339349,"pid":30286,"hostname":"vm","name":"claims","claim":7,"trace_id":"{TRACE}","span_id":"{SPAN}","msg":"hello"}}',
        349, "INFO", "hello",
        {"claim": 7, "log.logger": "claims", "process.pid": 30286, "host.name": "vm"},
    ),
    (
        "pino with names for levels and ISO times",
        '{"level":"info","time":"2026-11-21T16:08:59.365Z","pid":30286,"hostname":"vm","message":"iso"}',
        365, "INFO", "iso", {"process.pid": 30286, "host.name": "vm"},
    ),
    (
        "winston",
        '{"claim":7,"correlationId":"CLM-1","level":"info","message":"hi","timestamp":"2026-11-21T16:08:59.370Z"}',
        370, "INFO", "hi", {"claim": 7},
    ),
    ("winston's own levels", '{"level":"http","message":"h"}', None, "INFO", "h", {}),
    (
        "bunyan",
        '{"name":"old","hostname":"vm","pid":30286,"level":40,"claim":7,"msg":"hello","time":"2026-11-21T16:08:59.374Z","v":0}',
        374, "WARN", "hello",
        {"claim": 7, "v": 0, "log.logger": "old", "host.name": "vm", "process.pid": 30286},
    ),
    (
        "python-json-logger",
        '{"asctime": "2026-11-21 16:08:59,437", "levelname": "WARNING", "name": "claims", "message": "hi x", "threadName": "MainThread", "lineno": 6, "claim": 7}',
        437, "WARN", "hi x",
        {"claim": 7, "log.logger": "claims", "thread.name": "MainThread", "code.line.number": 6},
    ),
    (
        "Elastic's ecs-logging for Python",
        '{"@timestamp":"2026-11-21T16:08:59.438Z","log.level":"info","message":"hi x","claim":7,"ecs.version":"1.6.0","log":{"logger":"claims","origin":{"file":{"line":6,"name":"gen.py"},"function":"<module>"},"original":"hi x"},"process":{"name":"MainProcess","pid":30298,"thread":{"id":140,"name":"MainThread"}}}',
        438, "INFO", "hi x",
        {"claim": 7, "ecs.version": "1.6.0", "log.original": "hi x", "process.name": "MainProcess", "process.pid": 30298, "log.logger": "claims", "thread.name": "MainThread", "thread.id": 140, "code.file.path": "gen.py", "code.line.number": 6, "code.function.name": "<module>"},
    ),
    (
        "ECS, nested",
        f'{{"@timestamp":"2026-11-21T16:08:59.001Z","log":{{"level":"ERROR"}},"message":"m","trace":{{"id":"{TRACE}"}},"span":{{"id":"{SPAN}"}},"error":{{"type":"E","message":"no"}},"event":{{"dataset":"claims"}}}}',
        1, "ERROR", "m", {"event.dataset": "claims"},
    ),
    (
        "Powertools",
        '{"level":"INFO","location":"h:8","message":"hi","timestamp":"2026-11-21 16:08:59,519+0000","service":"claims","correlation_id":"CLM-1","cold_start":true,"function_request_id":"6f1c5b0e-1111-4222-8333-444455556666","claim":7,"xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793"}',
        519, "INFO", "hi",
        {"location": "h:8", "cold_start": True, "claim": 7, "xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793", "service.name": "claims", "faas.invocation_id": "6f1c5b0e-1111-4222-8333-444455556666"},
    ),
    ("structlog", '{"claim": 7, "event": "hello", "level": "info", "timestamp": "2026-11-21T16:08:59.614721Z"}', 614.721, "INFO", "hello", {"claim": 7}),
    ("structlog with the epoch", '{"event": "hello", "level": "warning", "timestamp": 1795277339.6154027}', 615.403, "WARN", "hello", {}),
    (
        "logstash-logback-encoder",
        '{"@timestamp":"2026-11-21T17:08:59.5+01:00","@version":"1","message":"m","logger_name":"a.B","thread_name":"main","level":"WARN","level_value":30000,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}',
        500, "WARN", "m", {"@version": "1", "level_value": 30000, "log.logger": "a.B", "thread.name": "main"},
    ),
    (
        "log4j's JsonLayout",
        '{"instant":{"epochSecond":1795277339,"nanoOfSecond":123000000},"thread":"main","level":"FATAL","loggerName":"a.B","message":"m","contextMap":{"correlationId":"CLM-1","user":"ann"},"threadId":1,"threadPriority":5}',
        123, "FATAL", "m",
        {"contextMap": {"user": "ann"}, "threadPriority": 5, "log.logger": "a.B", "thread.name": "main", "thread.id": 1},
    ),
    (
        "logback's JsonEncoder",
        '{"sequenceNumber":0,"timestamp":1795277339123,"level":"DEBUG","threadName":"main","loggerName":"a.B","mdc":{"correlationId":"CLM-1"},"message":"m","throwable":null}',
        123, "DEBUG", "m", {"sequenceNumber": 0, "throwable": None, "log.logger": "a.B", "thread.name": "main"},
    ),
    (
        "GELF",
        '{"version":"1.1","host":"app-1","short_message":"one","full_message":"one\\ntwo","timestamp":1795277339.25,"level":3,"_claim":7}',
        250, "ERROR", "one\ntwo", {"host.name": "app-1", "claim": 7, "gelf.version": "1.1"},
    ),
    (
        "Serilog's CLEF",
        '{"@t":"2026-11-21T16:08:59.1234567Z","@mt":"Hello, {User}! {Count:000} {@Rest}","@l":"Warning","User":"ann","Count":7,"Rest":[1]}',
        123.4567, "WARN", "Hello, ann! 7 [1]",
        {"@mt": "Hello, {User}! {Count:000} {@Rest}", "User": "ann", "Count": 7, "Rest": [1]},
    ),
    ("CLEF leaves INFO out", '{"@t":"2026-11-21T16:08:59.5Z","@m":"rendered","@i":"a1"}', 500, "INFO", "rendered", {"@i": "a1"}),
    ("zap", '{"level":"dpanic","ts":1795277339.5,"logger":"a","caller":"main.go:7","msg":"m"}', 500, "FATAL", "m", {"caller": "main.go:7", "log.logger": "a"}),
    ("zap's ISO 8601", '{"level":"info","ts":"2026-11-21T17:08:59.500+0100","msg":"m"}', 500, "INFO", "m", {}),
    ("logrus", '{"level":"warning","msg":"m","time":"2026-11-21T16:08:59Z","claim":"7"}', 0, "WARN", "m", {"claim": "7"}),
    ("Lambda's JSON format", '{"timestamp":"2026-11-21T16:08:59.100Z","level":"TRACE","requestId":"r","message":"m"}', 100, "TRACE", "m", {"faas.invocation_id": "r"}),
    ("a container runtime", '{"log":"plain text\\n","stream":"stderr","time":"2026-11-21T16:08:59.000000001Z"}', 0.000001, "", "plain text", {"stream": "stderr"}),
    ("Google's structured logging", '{"severity":"NOTICE","message":"m","time":"2026-11-21T16:08:59.1Z"}', 100, "INFO", "m", {}),
    ("nobody: data", '{"claim": 7, "open": true}', None, "", "", {"claim": 7, "open": True}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "at_ms", "level", "message", "attributes"),
    [row[1:] for row in LINES],
    ids=[row[0] for row in LINES],
)
def test_lines_of_loggers(
    line: str, at_ms: float | None, level: str, message: str, attributes: dict[str, Any]
) -> None:
    """Time, level, message, and the names that others know the rest by."""
    found = told(line)
    expected = None if at_ms is None else NEAR + round(at_ms * 1_000_000)
    assert (found.time_unix_nano, found.level, found.message) == (expected, level, message)
    assert found.attributes == attributes


# (the line's members, type, message, stack)
ERRORS: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"level": 50, "err": {"type": "TypeError", "message": "boom", "stack": JS_STACK}, "msg": "m"}, ("TypeError", "boom", JS_STACK)),
    ({"level": 50, "err": {"name": "TypeError", "message": "boom", "stack": JS_STACK}, "msg": "m"}, ("TypeError", "boom", JS_STACK)),
    ({"level": "error", "message": "boom", "stack": JS_STACK}, ("TypeError", "boom", JS_STACK)),
    ({"levelname": "ERROR", "message": "m", "exc_info": PY_STACK}, ("ZeroDivisionError", "division by zero", PY_STACK)),
    ({"event": "m", "level": "error", "exception": PY_STACK}, ("ZeroDivisionError", "division by zero", PY_STACK)),
    ({"level": "ERROR", "message": "m", "exception": PY_STACK, "exception_name": "ZeroDivisionError", "stack_trace": {"type": "ZeroDivisionError", "value": "division by zero", "frames": []}}, ("ZeroDivisionError", "division by zero", PY_STACK)),
    ({"event": "m", "level": "error", "exception": [{"exc_type": "KeyError", "exc_value": "'x'", "frames": []}]}, ("KeyError", "'x'", "")),
    ({"message": "m", "level": "ERROR", "stack_trace": JAVA_STACK}, ("java.lang.IllegalStateException", "no policy", JAVA_STACK)),
    ({"message": "m", "thrown": {"name": "a.E", "message": "no", "extendedStackTrace": JAVA_STACK}}, ("a.E", "no", JAVA_STACK)),
    ({"message": "m", "throwable": {"className": "a.E", "message": "no", "stepArray": []}}, ("a.E", "no", "")),
    ({"log.level": "error", "message": "m", "error.type": "a.E", "error.message": "no", "error.stack_trace": "x\ny"}, ("a.E", "no", "x\ny")),
    ({"@t": "x", "@m": "m", "@x": NET_STACK}, ("System.InvalidOperationException", "no policy", NET_STACK)),
    ({"errorType": "E", "errorMessage": "no", "stackTrace": ["a\n", "b"], "level": "ERROR"}, ("E", "no", "a\nb")),
    ({"level": "error", "msg": "m", "error": "connection refused"}, ("", "connection refused", "")),
    ({"level": "error", "msg": "m", "error": "TypeError: boom"}, ("TypeError", "boom", "")),
    ({"level": "error", "msg": "m", "error": {"code": 5}}, ("", "", "")),
]  # fmt: skip


@pytest.mark.parametrize(("members", "error"), ERRORS)
def test_errors_of_loggers(members: dict[str, Any], error: tuple[str, str, str]) -> None:
    """A text, an object, a list of objects or fields: type, message and stack."""
    found = told(members)
    assert (found.error_type, found.error_message, found.error_stack) == error


def test_an_error_alone_is_the_message() -> None:
    """A line of the runtime's about an uncaught exception has no other."""
    assert told({"errorType": "E", "errorMessage": "no"}).message == "E: no"


@pytest.mark.parametrize(
    "members",
    [
        {"trace_id": TRACE, "span_id": SPAN},
        {"traceId": TRACE.upper(), "spanId": SPAN},
        {"trace.id": TRACE, "span.id": SPAN},
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"mdc": {"trace_id": TRACE, "span_id": SPAN}},
        {"dd": {"trace_id": TRACE, "span_id": str(int(SPAN, 16))}},
        {"dd.trace_id": TRACE, "dd.span_id": str(int(SPAN, 16))},
    ],
)
def test_every_spelling_of_the_trace(members: dict[str, Any]) -> None:
    """Its IDs are told, and no longer attributes."""
    found = told({"level": "INFO", "message": "m", **members})
    assert (found.trace_id, found.span_id) == (TRACE, SPAN)
    assert [name for name in found.attributes if name not in ("dd",)] == []


@pytest.mark.parametrize(
    "members",
    [
        {"correlation_id": "CLM-1"},
        {"correlationId": "CLM-1"},
        {"X-Correlation-ID": "CLM-1"},
        {"contextMap": {"correlation-id": "CLM-1"}},
        {"Properties": {"CorrelationId": "CLM-1"}, "MessageTemplate": "m"},
        {"context": {"correlation": "CLM-1"}},
    ],
)
def test_every_spelling_of_the_correlation_id(members: dict[str, Any]) -> None:
    """Beside the message or in the log context's own object."""
    found = told({"level": "INFO", **members})
    assert (found.correlation_id, found.trace_id) == ("CLM-1", "")


@pytest.mark.parametrize("value", ["", "xyz", "0" * 32, 5, None, ["a"]])
def test_what_is_no_trace_id_stays_an_attribute(value: Any) -> None:
    """A store joined by invalid IDs would join the wrong things."""
    found = told({"level": "INFO", "message": "m", "trace_id": value})
    assert (found.trace_id, found.attributes) == ("", {"trace_id": value})


def test_a_message_that_is_a_record_is_unwrapped() -> None:
    """What is said within wins; what is only said around it is kept."""
    inner = json.dumps({"level": 50, "msg": "inner", "claim": 7, "time": NEAR // 10**6 + 5})
    found = told({"level": "INFO", "requestId": "r", "message": inner, "host": "h"})
    assert (found.message, found.level, found.time_unix_nano) == ("inner", "ERROR", NEAR + 5_000_000)
    assert found.attributes == {"host": "h", "claim": 7, "faas.invocation_id": "r"}


def test_a_message_that_is_data_can_be_searched() -> None:
    """The text stays; its members are attributes where the line has none of that name."""
    found = told({"level": "INFO", "message": '{"claim": 7, "own": 1}', "own": 2})
    assert (found.message, found.attributes) == ('{"claim": 7, "own": 1}', {"claim": 7, "own": 2})


def test_unwrapping_is_bounded() -> None:
    """A record within a record within a record within a record, and no further."""
    text = json.dumps({"level": "INFO", "message": "deepest"})
    for _ in range(loggers.DEPTH_MAX):
        text = json.dumps({"level": "INFO", "message": text})
    assert told(text).message == "deepest"
    assert told({"level": "INFO", "message": text}).message == json.dumps(
        {"level": "INFO", "message": "deepest"}
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "{]", '{"a":' * 5000, "plain {}"])
def test_what_is_no_object_is_none_of_it(text: str) -> None:
    """Neither other JSON nor broken JSON."""
    assert json_lines.read(text, CLOCK) is None


def test_gelf_alone() -> None:
    """The format `gelf` reads nothing else, and takes the zero byte that ends a message on TCP."""
    read = json_lines.GELF.reader()
    assert read('{"level":"INFO","message":"m"}', CLOCK) is None
    found = read('{"version":"1.1","host":"h","short_message":"m","level":7}\0', CLOCK)
    assert found is not None
    assert (found.message, found.level) == ("m", "DEBUG")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted(
    {name for row in LINES for name in json.loads(row[1])}
    | {name for members, _ in ERRORS for name in members}
    | {"mdc", "dd", "contextMap", "trace_id", "own"}
)


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=8))
def test_no_member_of_a_wrong_type_is_an_error(members: dict[str, Any]) -> None:
    """Whatever a program puts where, the line is told, and its rest is JSON."""
    found = told(members)
    assert json.loads(json.dumps(found.attributes)) == found.attributes


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name not in NAMES), values, max_size=5))
def test_what_nobody_knows_is_kept(members: dict[str, Any]) -> None:
    """Under its own name, as it is, unless it is an identity."""
    found = told(json.loads(json.dumps({**members, "level": "INFO", "message": "m"})))
    kept = {name: value for name, value in members.items() if name in found.attributes}
    assert found.attributes == json.loads(json.dumps(kept))
    assert len(members) - len(kept) <= sum(isinstance(value, str) for value in members.values())
